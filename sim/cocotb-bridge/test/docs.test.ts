import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const read = (path: string) => readFileSync(fileURLToPath(new URL(path, import.meta.url)), 'utf8');

test.each([
  'packet-sum.ts',
  'test_packet_sum.py',
  'packet-sum.test.ts',
])('the example of docs/cocotb.md is what runs here: %s', file => {
  expect(read('../../../docs/cocotb.md')).toContain(`\n${read(`example/${file}`)}\`\`\`\n`);
});
