/**
 * Random designs on the embedded engine and under Verilator, cycle by cycle: `npm run differential -- --designs 20000 --seed 1`. A difference is made
 * small and printed as Verilog, with the seed.
 */
import { Command, InvalidArgumentError } from 'commander';
import { verilator } from '../../../sim/verilator-wrapper/src/index.ts';
import { type Engine, embedded, emitText } from '../../src/index.ts';
import type { Design } from '../../src/ir/ir.ts';
import { shareModules } from '../../src/passes/index.ts';
import { type RandomDesignOptions, randomDesign, resetKinds } from '../random-design.ts';
import { gatherShared } from './gather-shared.ts';
import { lockstep } from './lockstep.ts';
import { shrink, sizeOf } from './shrink.ts';

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

function differing(designs: readonly Design[], seed: number): ReadonlySet<number> {
  return new Set(lockstep(gatherShared(designs), [embedded, quick], seed, cycles).keys());
}

function tell(seed: number, batch: number, design: Design): void {
  const small = shrink(
    design,
    candidates => {
      const bad = differing(candidates, batch);
      return candidates.map((_, i) => bad.has(i));
    },
    size => process.stderr.write(`seed ${seed}: ${size} nodes and statements\n`),
  );
  const difference = [...lockstep(gatherShared([small]), [embedded, quick], batch, cycles).values()][0];
  process.stdout.write(
    `seed ${seed} differs at ${difference?.port} in cycle ${difference?.cycle}: ${difference?.values.join(' against ')}\n`,
  );
  process.stdout.write(`${emitText(shareModules(small))}\n(${sizeOf(small.top)} nodes and statements in the top module)\n`);
}

const whole = (text: string) => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('a whole number of at least 1 is wanted');
  return value;
};

const { designs, seed, batch } = new Command('differential')
  .description('random designs on the embedded engine and under Verilator')
  .option('--designs <n>', 'how many', whole, 300)
  .option('--seed <n>', 'the first seed', whole, 1)
  .option('--batch <n>', 'designs of one compilation', whole, 300)
  .parse()
  .opts<{ designs: number; seed: number; batch: number }>();

let different = 0;
for (let from = seed; from < seed + designs; from += batch) {
  const count = Math.min(batch, seed + designs - from);
  const made = Array.from({ length: count }, (_, i) => randomDesign(from + i, optionsOf(from + i)));
  for (const index of differing(made, from)) {
    different++;
    const design = made[index];
    if (design) tell(from + index, from, design);
  }
  process.stderr.write(`${from - seed + count} designs, ${different} different\n`);
}
process.stdout.write(`${designs} random designs from seed ${seed}, ${cycles} cycles each: ${different} different\n`);
process.exitCode = different === 0 ? 0 : 1;
