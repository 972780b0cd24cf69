import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vitest/config';
import { type Mutant, plant } from './mutant.ts';

/**
 * Plants a mutant when a test loads its source.
 * @param description the mutant as JSON
 * @param loaded a file that is made to tell that the source was used
 */
export function mutantPlugin(description: string, loaded: string, root: string): Plugin {
  const mutant: Mutant = JSON.parse(description);
  return {
    name: 'mutant',
    enforce: 'pre',
    transform(code, id) {
      if (id.split('?')[0] !== join(root, mutant.file)) return undefined;
      writeFileSync(loaded, '');
      return plant(mutant, code);
    },
  };
}
