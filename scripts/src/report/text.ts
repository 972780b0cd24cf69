import Table from 'cli-table3';

/** Figures and tables as people read them. */
export const whole = (n: number): string => n.toLocaleString('en-US');
export const gbps = (n: number): string => n.toFixed(2);
export const percent = (n: number): string => `${(100 * n).toFixed(1)} %`;

/** A table whose first `left` columns are text. */
export function table(head: readonly string[], left: number): Table.Table {
  return new Table({
    head: [...head],
    colAligns: head.map((_, i) => (i < left ? 'left' : 'right')),
    style: { head: process.stdout.isTTY ? ['bold'] : [], border: [], compact: true },
  });
}
