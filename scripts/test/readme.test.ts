import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const readme = readFileSync(`${root}/README.md`, 'utf8');

/** The fenced blocks of one language. */
const blocks = (language: string) =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, 'gm'))].map(m => m[1] ?? '');

test('the counter of the README is the one of examples/counter.ts, and prints the Verilog that the README shows', () => {
  const source = readFileSync(`${root}/examples/counter.ts`, 'utf8');
  expect(source).toContain(blocks('ts')[0]);
  const printed = execFileSync('npx', ['tsx', 'examples/counter.ts'], { cwd: root, encoding: 'utf8' });
  expect(printed).toContain(blocks('verilog')[0]);
  expect(printed).toContain('after 9 enabled cycles a counter of 3 bits holds 1');
});

test('the commands of the README exist', () => {
  const { scripts } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as { scripts: Record<string, string> };
  for (const [, name = ''] of readme.matchAll(/npm run ([a-z]+)/g)) expect(Object.keys(scripts)).toContain(name);
  const help = (command: string) => execFileSync('npx', ['p2p', command, '--help'], { cwd: root, encoding: 'utf8' });
  const [target, copy] = [help('target'), help('sim')];
  for (const [, options = ''] of readme.matchAll(/npm start -- ([^`]*)/g))
    for (const [option] of options.matchAll(/--[a-z0-9]+/g)) expect(target).toContain(option);
  for (const [, options = ''] of readme.matchAll(/npm run copy -- ([^`]*)/g))
    for (const [option] of options.matchAll(/--[a-z0-9]+/g)) expect(copy).toContain(option);
});

test('links of the documents lead somewhere', () => {
  for (const page of [
    'README.md',
    'docs/architecture.md',
    'docs/decisions.md',
    'docs/report-schema.md',
    'docs/guide.md',
    'docs/cells.md',
    'docs/language-rules.md',
    'docs/language-comparison.md',
    'docs/performance.md',
  ]) {
    const text = readFileSync(`${root}/${page}`, 'utf8');
    for (const [, target = ''] of text.matchAll(/\]\((?!http)([^)#]+)\)/g)) {
      expect(existsSync(new URL(target, `file://${root}/${page}`)), `${page}: ${target}`).toBe(true);
    }
  }
});
