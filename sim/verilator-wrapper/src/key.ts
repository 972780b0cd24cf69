import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { arch, platform } from 'node:os';

/** A name for what is made from `inputs` by this package on this processor. */
export function keyOf(inputs: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify([inputs, ...own, processor]))
    .digest('hex')
    .slice(0, 24);
}

/** The text of this package's files that decide what is made. */
const own = ['shim.ts', 'compile.ts', 'build.ts', 'ports.ts'].map(file => readFileSync(new URL(file, import.meta.url), 'utf8'));

/** What `-march=native` depends on. */
export const processor = [platform(), arch(), instructions()];

function instructions(): string | undefined {
  try {
    return /^(flags|Features)\s*:.*$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[0];
  } catch {
    return undefined;
  }
}
