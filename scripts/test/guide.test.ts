import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test, vi } from 'vitest';

/**
 * Runs every program of docs/guide.md: a block "```ts name.ts", and what it prints in the block after it. GUIDE_UPDATE=1 writes what is printed
 * into the guide.
 */
const root = fileURLToPath(new URL('../..', import.meta.url));
const page = join(root, 'docs/guide.md');
const fence = /^```ts (\S+)\n([\s\S]*?)^```\n\n```text\n([\s\S]*?)^```$/gm;
const programs = [...readFileSync(page, 'utf8').matchAll(fence)].map(([, name = '', source = '', output = '']) => ({
  name,
  source,
  output,
}));

mkdirSync(join(root, '.cache'), { recursive: true });
const folder = mkdtempSync(join(root, '.cache/guide-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function printed(name: string, source: string): Promise<string> {
  const file = join(folder, name);
  writeFileSync(file, source);
  const lines: string[] = [];
  const spy = vi.spyOn(console, 'log').mockImplementation((...args) => {
    lines.push(args.map(String).join(' '));
  });
  try {
    await import(file);
  } finally {
    spy.mockRestore();
  }
  const text = lines
    .join('\n')
    .replaceAll(`${folder}/`, '')
    .replaceAll(/(^|\s)\.cache\/guide-\w+\//gm, '$1');
  return `${text.replaceAll(/[ \t]+$/gm, '').trimEnd()}\n`;
}

test('the guide has its programs', () => {
  expect(programs.length).toBeGreaterThanOrEqual(12);
});

test.each(programs)('$name prints what the guide says', async ({ name, source, output }) => {
  const text = await printed(name, source);
  if (process.env.GUIDE_UPDATE === '1') {
    const now = readFileSync(page, 'utf8');
    writeFileSync(
      page,
      now.replace(`${source}\`\`\`\n\n\`\`\`text\n${output}`, () => `${source}\`\`\`\n\n\`\`\`text\n${text}`),
    );
  } else {
    expect(text).toBe(output);
  }
});
