import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checks } from '../../src/passes/index.ts';

const root = join(import.meta.dirname, '../../..');
const page = readFileSync(join(root, 'docs/language-rules.md'), 'utf8');
const rows = [...(page.split('## Checks')[1] ?? '').matchAll(/^\| `([\w-]+)` \| ([\w, ]+) \| (.+) \| (.+) \|$/gm)];
const idOf = (name: string) => name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`);

test('the page lists all checks, in the order of the list in the source', () => {
  expect(rows.map(([, id]) => id)).toEqual(checks.map(({ name }) => idOf(name)));
});

test('every check calls itself as it is listed, and is as severe', () => {
  for (const [, id = '', severity = ''] of rows) {
    const source = readFileSync(join(root, 'hdl/src/passes', `${id}.ts`), 'utf8');
    expect(source, id).toContain(`check: '${id}'`);
    const found = ['error', 'warning'].filter(kind => new RegExp(`severity: '${kind}'|report\\(\\s*'${kind}'`).test(source));
    expect(found.join(', '), id).toBe(severity);
  }
});

test('the exact text of each is tested, but for those that the language refuses before', () => {
  const folder = join(root, 'hdl/test/mistakes/expected');
  const texts = readdirSync(folder).map(file => readFileSync(join(folder, file), 'utf8'));
  const untested = rows.filter(([, id]) => !texts.some(text => text.includes(`[${id}]`))).map(([, id]) => id);
  expect(untested).toEqual(['well-formed', 'direction']);
});
