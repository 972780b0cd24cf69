import { type Block, layouts } from './block.ts';
import { blocks } from './blocks.ts';
import type { BlockReport, SynthReport } from './report.ts';
import { placeMinutes } from './tools.ts';
import type { Yardstick } from './yardstick.ts';

/** How nextpnr lays out which blocks, where that is not its own choice. */
const laidOut = Object.entries(layouts)
  .map(([key, { name }]) => {
    const names = blocks.filter(block => block.layout === key).map(block => block.name);
    return `${name} for ${names.join(', ')}`;
  })
  .join('; ');

/** Blocks whose gates `abc` makes LUTs of. */
const mapped = blocks.flatMap(block => (block.mapping ? [block.name] : [])).join(', ');

const whole = (n: number | null) => (n === null ? '–' : n.toLocaleString('en-US'));
const mhz = (n: number | null) => (n === null ? '–' : n.toFixed(1));
const row = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`;
const table = (head: readonly string[], rows: readonly (readonly (string | number)[])[]) => [
  row(head),
  row(head.map((_, i) => (i === 0 ? '---' : '--:'))),
  ...rows.map(row),
];

/** The ECP5 figures of all blocks as a Markdown table. Where not all `seeds` were placed, it says how many. */
export function ecp5Table(blocks: readonly BlockReport[], seeds: number): string {
  const head = ['block', 'LUT4', 'CCU2C', 'DPR16X4', 'EBR', 'FF', 'COMB', 'Fmax, MHz', 'least … most'];
  return table(
    head,
    blocks.map(({ name, ecp5: e }) => {
      const all = e.fmax.map(f => f.mhz);
      const few = all.length < seeds ? `, ${all.length} of ${seeds} seeds` : '';
      const range =
        all.length > 0 ? `${mhz(Math.min(...all))} … ${mhz(Math.max(...all))}${few}` : (e.unplaced ?? '–').split('\n').at(-1);
      const counts = [e.lut4, e.ccu2c, e.dpr16x4, e.ebr, e.ff, e.comb].map(whole);
      return [`\`${name}\``, ...counts, mhz(e.fmax_mhz), range ?? '–'];
    }),
  ).join('\n');
}

function xilinxTable(blocks: readonly BlockReport[]): string[] {
  return table(
    ['block', 'logic cells', 'LUT1 to 6', 'carry', 'LUT RAM', 'block RAM', 'FF'],
    blocks.flatMap(({ name, xilinx: x }) =>
      x ? [[`\`${name}\``, ...[x.logic_cells, x.lut, x.carry, x.lutram, x.bram, x.ff].map(whole)]] : [],
    ),
  );
}

/** Ours beside a yardstick: the sum of the blocks, the slowest of them, and ours over theirs. Nothing if a block is missing. */
function compared(y: Yardstick, blocks: readonly BlockReport[]): (string | number)[] | undefined {
  const ours = y.blocks.flatMap(name => blocks.filter(b => b.name === name));
  if (ours.length < y.blocks.length) return undefined;
  const total = (of: (b: BlockReport) => number) => ours.reduce((sum, b) => sum + of(b), 0);
  const speeds = ours.map(b => b.ecp5.fmax_mhz);
  const speed = speeds.includes(null) ? null : Math.min(...speeds.map(s => s ?? 0));
  const comb = ours.some(b => b.ecp5.comb === null) ? null : total(b => b.ecp5.comb ?? 0);
  const both = (mine: number | null, theirs: number | undefined, text = whole) => {
    if (mine === null || theirs === undefined) return `${text(mine)} / ${text(theirs ?? null)}`;
    return theirs === 0 ? `${text(mine)} / 0` : `${text(mine)} / ${text(theirs)} = **${(mine / theirs).toFixed(2)}**`;
  };
  return [
    `${y.blocks.map(b => `\`${b}\``).join(' + ')} / ${y.name}`,
    both(
      total(b => b.ecp5.lut4),
      y.lut4,
    ),
    both(comb, y.comb),
    both(
      total(b => b.ecp5.ff),
      y.ff,
    ),
    both(
      total(b => b.ecp5.ebr),
      y.ebr,
    ),
    both(speed, y.fmax_mhz, mhz),
    y.note,
  ];
}

/** The page docs/qor.md. It names blocks that are not measured. */
export function qorPage(report: SynthReport, yardsticks: readonly Yardstick[], missing: readonly Block[]): string {
  const rows = yardsticks.flatMap(y => {
    const cells = compared(y, report.blocks);
    return cells ? [cells] : [];
  });
  return `${[
    '# Size and speed on an FPGA',
    '',
    'This page is made by `npm run synth`. Blocks are 256 bits wide where a data path is; each is emitted as Verilog and taken alone, so the sum of the parts',
    'is more than the whole.',
    '',
    ...report.blocks.map(b => `- \`${b.name}\`: ${b.what}`),
    ...missing.map(b => `- \`${b.name}\`: ${b.what}; not measured since it was changed last`),
    '',
    `## ECP5: ${report.device}`,
    '',
    `Yosys ${report.yosys} (\`synth_ecp5 -nowidelut\`, for ${mapped} with \`abc\` in place of \`abc9\`), nextpnr ${report.nextpnr} (out of context, target 250 MHz; ${laidOut}; HeAP and router 1 for the rest). COMB is what the LUTs, carries and`,
    `distributed RAM take after packing, of 83,640; EBR are block RAMs of 18 Kbit, of 208. Fmax is the median of the seeds ${report.seeds.join(', ')} and holds for paths`,
    `between registers; what takes more than ${placeMinutes} minutes of processor time is not placed. Synthesis fails on a latch and on a memory that was meant as block RAM and`,
    'became anything else.',
    '',
    ecp5Table(report.blocks, report.seeds.length),
    '',
    '## Beside open blocks of the same purpose',
    '',
    'Ours / theirs = ratio; for LUTs below 1 is better, for Fmax above 1. Theirs are from verilog-pcie, measured with the same tools and device, and with the options of the rest.',
    '',
    ...table(['blocks', 'LUT4', 'COMB', 'FF', 'EBR', 'Fmax, MHz', 'note'], rows),
    '',
    '## UltraScale+: estimates',
    '',
    'Cells by Yosys (`synth_xilinx -family xcup`), without the vendor’s tools: good for comparing blocks, not for planning a device.',
    '',
    ...xilinxTable(report.blocks),
  ].join('\n')}\n`;
}
