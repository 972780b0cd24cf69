/**
 * Small programs with one mistake each and the exact text that their author gets. Each runs as it stands, by its import; what is thrown, or printed for
 * warnings, is compared with the file of the same name in `expected`.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { DesignError, HdlError } from '../../src/index.ts';
import { checks } from '../../src/passes/index.ts';
import { messagesIn } from './messages.ts';

const root = join(import.meta.dirname, '../../..');
const programs = join(import.meta.dirname, 'programs');
const names = readdirSync(programs).map(file => file.replace(/\.ts$/, ''));

/** Without what depends on where the test is started, and without its own place. */
const plain = (text: string) =>
  text.replace(/[\w./-]*mistakes\/programs\//g, '').replace(/^ {2}called from .*mistakes\.test\.ts:\d+:\d+\n/gm, '');

test.each(names)('%s', async name => {
  const print = vi.spyOn(console, 'log').mockImplementation(() => {});
  let text = '';
  try {
    await import(join(programs, `${name}.ts`));
    text = print.mock.calls.map(call => call.join(' ')).join('\n');
  } catch (error) {
    if (!(error instanceof HdlError) && !(error instanceof DesignError)) throw error;
    text = error.text;
    expect(error.stack).toBe(text);
  } finally {
    print.mockRestore();
  }
  await expect(`${plain(text)}\n`).toMatchFileSnapshot(join(import.meta.dirname, 'expected', `${name}.txt`));
});

const expected = () => names.map(name => readFileSync(join(import.meta.dirname, 'expected', `${name}.txt`), 'utf8'));

test('every text says what, where with the line, and what to do; no frame is the library’s', () => {
  for (const [i, text] of expected().entries()) {
    for (const found of text.trimEnd().split('\n\n')) {
      const [what = '', where = '', frame = '', mark = ''] = found.split('\n');
      expect(what, names[i]).toMatch(/^(error|warning): /);
      expect(where, names[i]).toMatch(new RegExp(`^ {2}at ${names[i]}\\.ts:\\d+:\\d+$`));
      expect(frame, names[i]).toMatch(/^ +\d+ \| \S?/);
      expect(mark, names[i]).toMatch(/^ +\| *\^$/);
      expect(found.split('\n').at(-1), names[i]).toMatch(/^ {2}help: /);
      expect(found, names[i]).not.toMatch(/hdl\/src|node_modules|node:/);
    }
  }
});

test('every mistake that the source knows is made by one of the programs', () => {
  const texts = expected().join('\n');
  const missing = messagesIn(join(root, 'hdl/src')).filter(({ pattern }) => !pattern.test(texts));
  expect(missing.map(({ place, source }) => `${place}: ${source}`)).toEqual([]);
});

test('every check finds something in one of the programs', () => {
  const texts = expected().join('\n');
  // The language refuses what these look for before: only IR that something else made has it. Unit tests show what they find.
  const unseen = ['wellFormed', 'direction'];
  const missing = checks.filter(({ name }) => {
    const tag = name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`);
    return !unseen.includes(name) && !texts.includes(`[${tag}]`);
  });
  expect(missing.map(({ name }) => name)).toEqual([]);
});

test.each([
  'width-mismatch',
  'clock-crossing',
  'mistake-in-a-constructor',
])('%s by itself prints the text and nothing else', name => {
  const run = () => execFileSync('npx', ['tsx', join(programs, `${name}.ts`)], { cwd: programs, stdio: 'pipe', env });
  // npm tells of settings that it does not know on the same stream.
  const env = { ...process.env, npm_config_loglevel: 'error' };
  try {
    run();
  } catch (error) {
    const { status, stderr, stdout } = error as { status: number; stderr: Buffer; stdout: Buffer };
    expect(plain(stderr.toString())).toBe(readFileSync(join(import.meta.dirname, 'expected', `${name}.txt`), 'utf8'));
    expect(stdout.toString()).toBe('');
    expect(status).toBe(1);
    return;
  }
  expect.unreachable();
});
