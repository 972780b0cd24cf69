/**
 * Random designs on the embedded engine and under Verilator, cycle by cycle: `npm run differential -- --designs 20000 --stimuli 5 --seed 1`. A difference is made
 * small and printed as Verilog, with the seed. A sample runs under Icarus Verilog, too.
 */
import { Command, InvalidArgumentError } from 'commander';
import { verilator } from '../../../sim/verilator-wrapper/src/index.ts';
import { type Engine, embedded, emitText } from '../../src/index.ts';
import type { Design } from '../../src/ir/ir.ts';
import { shareModules } from '../../src/passes/index.ts';
import { type RandomDesignOptions, randomDesign, resetKinds } from '../random-design.ts';
import { gatherShared } from './gather-shared.ts';
import { icarusSample } from './icarus-sample.ts';
import { lockstep } from './lockstep.ts';
import { shrink } from './shrink.ts';

const cycles = 40;

/** What a design of a seed looks like: one in three has values of up to 300 bits, half have two clocks, one in sixteen is large. */
function optionsOf(seed: number): RandomDesignOptions {
  const maxWidth = [300, 60, 8][seed % 3] ?? 60;
  const size = seed % 16 === 0 ? { expressions: 40, children: 3 } : { expressions: 6, children: 1 };
  const [a, b] = [resetKinds[(seed >> 1) % 4], resetKinds[(seed >> 3) % 4]];
  return seed % 2 === 1 && a && b ? { ...size, maxWidth, resets: [a, b] } : { ...size, maxWidth };
}

/** Models are used once: they are not optimised. */
const quick: Engine = (design, options) => verilator(design, { ...options, optimize: false });

/** What is wrong with a design: outputs differ, Verilator refuses its Verilog, or breaks down over it, which is not the design's fault. */
interface Fault {
  readonly kind: 'difference' | 'refusal' | 'breakdown';
  readonly text: string;
}

function failure(error: unknown): Fault {
  const text = error instanceof Error ? error.message : `${error}`;
  return { kind: /Internal Error|did not run to its end/.test(text) ? 'breakdown' : 'refusal', text };
}

/** What is wrong with designs, by their number. Which of them Verilator fails on is found by halves. */
function faultsOf(designs: readonly Design[], seed: number): Map<number, Fault> {
  try {
    const found = lockstep(gatherShared(designs), [embedded, quick], seed, cycles, stimuli);
    return new Map(
      [...found].map(([i, { port, cycle, values }]) => {
        return [
          i,
          { kind: 'difference', text: `${port} in cycle ${cycle} is ${values.join(' in-process and ')} under Verilator` },
        ];
      }),
    );
  } catch (error) {
    if (designs.length === 1) return new Map([[0, failure(error)]]);
    const half = designs.length >> 1;
    const second = [...faultsOf(designs.slice(half), seed)].map(([i, fault]) => [i + half, fault] as const);
    return new Map([...faultsOf(designs.slice(0, half), seed), ...second]);
  }
}

/** Says what is wrong with the design of a seed, and prints the smallest one that shows it; breakdowns are for Verilator's authors. */
function tell(seed: number, batch: number, design: Design, { kind, text }: Fault): void {
  process.stdout.write(`seed ${seed}: ${text}\n`);
  if (kind === 'breakdown') return;
  const small = shrink(
    design,
    candidates => {
      const faults = faultsOf(candidates, batch);
      return candidates.map((_, i) => faults.get(i)?.kind === kind);
    },
    size => process.stderr.write(`seed ${seed}: size ${Math.round(size)}\n`),
  );
  process.stdout.write(`${faultsOf([small], batch).get(0)?.text}\n${emitText(shareModules(small))}\n`);
}

const whole = (text: string) => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('a whole number of at least 1 is wanted');
  return value;
};

const count = (text: string) => (text === '0' ? 0 : whole(text));

const { designs, stimuli, seed, batch, icarus } = new Command('differential')
  .description('random designs on the embedded engine and under Verilator')
  .option('--designs <n>', 'how many', whole, 300)
  .option('--stimuli <n>', 'sequences of inputs and resets that each gets, one after the other', whole, 1)
  .option('--seed <n>', 'the first seed', whole, 1)
  .option('--batch <n>', 'designs of one compilation', whole, 300)
  .option('--icarus <n>', 'designs of each batch that run under Icarus Verilog, too', count, 10)
  .parse()
  .opts<{ designs: number; stimuli: number; seed: number; batch: number; icarus: number }>();

let different = 0;
let breakdowns = 0;
let underIcarus = 0;
for (let from = seed; from < seed + designs; from += batch) {
  const made = Array.from({ length: Math.min(batch, seed + designs - from) }, (_, i) =>
    randomDesign(from + i, optionsOf(from + i)),
  );
  for (const [index, fault] of faultsOf(made, from)) {
    if (fault.kind === 'breakdown') breakdowns++;
    else different++;
    const design = made[index];
    if (design) tell(from + index, from, design, fault);
  }
  const sample = made.slice(0, icarus);
  for (const [index, text] of sample.length > 0 ? await icarusSample(gatherShared(sample), from, cycles) : []) {
    different++;
    process.stdout.write(`seed ${from + index}, in-process against Icarus: ${text}\n`);
  }
  underIcarus += sample.length;
  process.stderr.write(`${from - seed + made.length} designs, ${different} different\n`);
}
const more = `${underIcarus} of them under Icarus, too; Verilator breaks down over ${breakdowns}`;
const runs = `${designs} random designs from seed ${seed}, each with ${stimuli} stimuli of ${cycles} cycles`;
process.stdout.write(`${runs}, ${more}: ${different} different\n`);
process.exitCode = different === 0 ? 0 : 1;
