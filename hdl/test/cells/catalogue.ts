import type { Contract, Formula } from '../../src/cells/contract.ts';
import { examples } from './examples.ts';

/** The cells by what they are for. */
const sections: readonly (readonly [title: string, cells: readonly string[]])[] = [
  ['FIFOs', ['Fifo', 'ShowAheadFifo', 'PacketFifo', 'AsyncFifo']],
  ['Pipes', ['ForwardRegister', 'SkidBuffer', 'HalfRegister', 'RegisterSlice']],
  ['Arbiters', ['PriorityArbiter', 'RoundRobinArbiter', 'PacketArbiter']],
  ['Routing', ['StreamMux', 'StreamDemux', 'EagerFork', 'LazyFork', 'StreamJoin']],
  ['Widths and packets', ['Upsizer', 'Downsizer', 'PacketUpsizer', 'PacketDownsizer', 'PacketTracker']],
  ['Memories', ['SimpleDualPortRam', 'TrueDualPortRam']],
  ['Clock crossings', ['Synchroniser', 'PulseSynchroniser', 'WordSynchroniser', 'ResetSynchroniser']],
  ['Counters and codes', ['CreditCounter', 'Lfsr', 'Crc']],
];

const introduction = `# Cells

The blocks that most designs need, each with a contract that the tests measure: this page is made from the contracts (\`static readonly contract\` of
each class in \`hdl/src/cells\`), and \`hdl/test/cells/contract.test.ts\` fails where a cell, its contract and this page differ.

\`\`\`ts
import { Bundle, bool, connect, Fifo, input, Module, output, RoundRobinArbiter, stream, uint } from '@hdl/ts-hdl';

class Sample extends Bundle({ value: uint(12), clipped: bool }) {}

/** Joins two sources and keeps up to 65 of their samples. */
class Collector extends Module {
  readonly left = input(stream(Sample));
  readonly right = input(stream(Sample));
  readonly samples = output(stream(Sample));
  private readonly arbiter = new RoundRobinArbiter({ n: 2, type: Sample });
  private readonly fifo = new Fifo({ type: Sample, depth: 64 });

  protected override logic() {
    connect(this.arbiter, { in: [this.left, this.right] });
    connect(this.fifo, { in: this.arbiter.out });
    this.samples.from(this.fifo.out);
  }
}
\`\`\`

What the columns say:

- **Latency**: clock edges between the taking of a word (of the last one that its output needs) and its offer, where nothing else is in the cell; of
  blocks without streams, between an input and the output that follows from it. 0 is combinational. Clock crossings: with both clocks in step.
- **Rate**: words per cycle on the busiest stream while nobody stalls.
- **Holds**: words that it takes while nobody takes one from it.
- **Paths**: every combinational path from an input to an output; an output that is not named comes from registers. No \`valid\` depends on a \`ready\`, but in
  \`LazyFork\`.
- **Reset**: what it does, and which registers and memories it leaves alone.

All streams keep the rules of \`Stream\`: a word that is offered stays as it is until it is taken. Each cell is compared with a model on plain lists, in
random traffic with random stalls, on both engines; clock crossings with the edges of the clocks in any order, and with bits that are caught half way.
`;

const functions = `
## Functions

Where no state is needed a function does: \`crcNext\` and \`crcResult\` (with the parameters of common checks in \`crcs\`), \`lfsrNext\` and \`maximalTaps\`
(2 to 64 bits); of the language \`toOneHot\`, \`fromOneHot\`, \`isOneHot\`, \`lowestBit\`, \`lowestOne\`, \`highestOne\`, \`leadingZeros\`, \`trailingZeros\`,
\`popCount\`, \`toGray\`, \`fromGray\` ([the rules](language-rules.md)).
`;

const formula = (value: Formula | undefined) => (value === undefined ? '–' : `${value}`);

function row(name: string, { purpose, latency, throughput, storage, paths, reset, keeps, demands }: Contract): string {
  const links = paths.map(path => path.replace(/^(\S+): (.*)$/, '$2 → $1'));
  const cells = [
    `\`${name}\``,
    demands === undefined ? purpose : `${purpose}. Wants: ${demands}`,
    formula(latency),
    formula(throughput),
    formula(storage),
    links.length === 0 ? 'none' : links.join('<br>'),
    keeps.length === 0 ? reset : `${reset}; not ${keeps.map(keep => `\`${keep}\``).join(', ')}`,
  ];
  return `| ${cells.join(' | ')} |`;
}

/** Names of the cells that stand in the catalogue. */
export const catalogued: readonly string[] = sections.flatMap(([, names]) => names);

/** The page about the cells. */
export function cataloguePage(): string {
  const contracts = new Map(examples.map(({ cell }) => [cell.name, cell.contract]));
  const tables = sections.map(([title, names]) => {
    const rows = names.flatMap(name => {
      const contract = contracts.get(name);
      return contract ? [row(name, contract)] : [];
    });
    const head = '| Cell | What for | Latency | Rate | Holds | Paths | Reset |\n|---|---|---|---|---|---|---|';
    return rows.length > 0 ? `\n## ${title}\n\n${head}\n${rows.join('\n')}\n` : '';
  });
  return introduction + tables.join('') + functions;
}
