import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';

const home = fileURLToPath(new URL('..', import.meta.url));

test('the program of the README has five lines and prints what stands below it', async () => {
  const page = readFileSync(join(home, 'README.md'), 'utf8');
  const [, source = '', output = ''] = /^```ts\n([\s\S]*?)^```\n\n```text\n([\s\S]*?)^```$/m.exec(page) ?? [];
  expect(source.split('\n').filter(line => line !== '')).toHaveLength(5);
  const cache = join(home, '../../.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'readme-'));
  const before = process.cwd();
  const printed: string[] = [];
  const spy = vi.spyOn(console, 'log').mockImplementation(text => void printed.push(String(text)));
  try {
    process.chdir(home);
    writeFileSync(join(folder, 'readme.ts'), source);
    await import(join(folder, 'readme.ts'));
  } finally {
    process.chdir(before);
    spy.mockRestore();
    rmSync(folder, { recursive: true });
  }
  expect(`${printed.join('\n')}\n`).toBe(output);
});
