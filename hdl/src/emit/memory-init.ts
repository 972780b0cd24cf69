import type { Memory } from '../ir/ir.ts';
import { comment } from './lines.ts';
import { literal } from './literals.ts';

/** Shortest run of equal words that becomes a loop. */
const shortestLoop = 4;

/**
 * The `initial` block of a memory with contents: an assignment for each word, a loop for runs of equal ones, such as the zeros at the end. FPGA tools
 * make the initial contents of a block RAM of it; a file beside it that `$readmemh` reads would have to be found from wherever a tool is started.
 */
export function memoryInit({ name, width, depth, init = [], site }: Memory, variable: () => string): string[] {
  const words = Array.from({ length: depth }, (_, i) => init[i] ?? 0n);
  const body: string[] = [];
  for (let i = 0; i < depth; ) {
    const word = words[i] ?? 0n;
    let end = i + 1;
    while (end < depth && words[end] === word) end++;
    if (end - i >= shortestLoop) {
      const v = variable();
      body.push(
        `    for (${v} = ${i}; ${v} < ${end}; ${v} = ${v} + 1) begin`,
        `      ${name}[${v}] = ${literal(width, word)};`,
        '    end',
      );
    } else {
      for (let k = i; k < end; k++) body.push(`    ${name}[${k}] = ${literal(width, word)};`);
    }
    i = end;
  }
  return [`  initial begin${comment(site)}`, ...body, '  end'];
}
