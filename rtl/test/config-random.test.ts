import { expect, test } from 'vitest';
import type { Engine } from '../../hdl/src/engine/simulate.ts';
import { Random } from '../../hdl/test/random.ts';
import { testOnEngines } from '../../sim/testbench/src/on-engines.ts';
import { at } from '../src/at.ts';
import type { FunctionParams } from '../src/config/function-params.ts';
import { TlpHeader } from '../src/tlp/tlp.ts';
import { ConfigBench, card, drive, memoryOnly } from './config-bench.ts';
import { FunctionModel, type ModelMessage } from './config-model.ts';

const widths = Object.entries(TlpHeader.fields).map(([name, type]) => [name, type.width] as const);

/** A header of a request, or of a completion; fields that its form does not have are 0. */
function randomHeader(random: Random) {
  const fields = widths.map(([name, width]) => [name, name === 'address' ? random.bits(64) : Number(random.bits(width))]);
  const header = Object.fromEntries(fields);
  return { ...header, fmt: random.below(4), type: random.pick([0, 2, 4, 10, 0b10000]), address: header.address & ~3n };
}

const kinds = [4, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22];
const interesting = [0x04, 0x44, 0x68, 0x88, 0x104, 0x108, 0x10c, 0x110, 0x114, 0x118, 0x188, 0x190];

/** Random accesses, errors, events and resets against the model; the state of every function is compared all the time. */
function compare(functions: readonly FunctionParams[], seed: number, steps: number, engine?: Engine): void {
  const random = new Random(seed);
  using bench = new ConfigBench({ functions }, random, engine);
  const models = functions.map((p, i) => new FunctionModel(p, i, functions.length));
  const expected: ModelMessage[] = [];
  const offsets = models.map(model => [...model.words.keys()]);
  bench.takeRate = 0.7;
  const check = (of: number, offset: number) => {
    const what = () => `seed ${seed}: function ${of}, register 0x${offset.toString(16)}`;
    expect(bench.read(of, offset).toString(16), what()).toBe(at(models, of).read(offset).toString(16));
  };
  const send = (codes: readonly number[]) => {
    const worst = Math.max(...codes);
    if (worst > 0) expected.push({ function: codes.indexOf(worst), code: worst });
  };
  for (let step = 0; step < steps; step++) {
    const of = random.below(functions.length);
    const model = at(models, of);
    const kind = random.below(10);
    if (kind < 5) {
      const offset = random.chance(0.5)
        ? random.pick(interesting)
        : random.chance(0.9)
          ? random.pick(at(offsets, of))
          : 4 * random.below(1024);
      const data = Number(random.bits(32));
      const mask = random.chance(0.4) ? 15 : random.below(16);
      const device = random.below(2 ** 13);
      bench.write(of, offset, data, mask, device);
      if (model.write(offset, data, mask, device)) bench.cycles(20);
    } else if (kind < 7) {
      const functionMask = random.chance(0.3) ? 0xff : 1 << of;
      const error = { kind: random.pick(kinds), advisory: random.chance(0.5), header: randomHeader(random) };
      bench.error(functionMask, error.kind, error.advisory, error.header);
      send(models.map((m, i) => ((functionMask >> i) & 1 ? m.report(error) : 0)));
      bench.cycles(3);
    } else if (kind === 7) {
      const corrected = random.pick([0, 6, 7, 8, 12, 14]);
      bench.correctable(corrected);
      send(models.map(m => m.correct(corrected)));
      bench.cycles(3);
    } else if (kind === 8) {
      const event = random.pick(['received_unsupported', 'received_abort', 'poisoned_data'] as const);
      bench.event(of, event);
      model.event(event);
    } else if (random.chance(0.05)) {
      bench.sim.poke(bench.sim.dut.hot_reset, 1);
      bench.cycle();
      bench.sim.poke(bench.sim.dut.hot_reset, 0);
      for (const m of models) m.reset('hot');
    } else {
      model.transactions_pending = random.chance(0.5);
      bench.sim.poke(at(bench.sim.dut.events, of).transactions_pending, model.transactions_pending ? 1 : 0);
    }
    check(of, random.pick(interesting));
    check(of, random.pick(at(offsets, of)));
    if (step % 8 === 0) {
      for (const [name, value] of Object.entries(model.controls))
        expect([name, Number(bench.control(of, name))], `seed ${seed}, step ${step}, function ${of}`).toEqual([name, value]);
      for (let i = 0; i < 3; i++) {
        const bar = model.bar(i);
        const compareBits = bar ? (2n ** 64n - BigInt(bar.bytes)) >> 12n : 0n;
        expect(bench.bar(of, i), `seed ${seed}, function ${of}, BAR ${i}`).toEqual({
          base: bar?.base ?? 0n,
          compare: compareBits,
        });
      }
    }
  }
  bench.takeRate = 1;
  bench.cycles(40);
  // The requester ID changes with every write: only function and code are compared.
  const got = bench.messages.map(({ requester_id, code }) => ({ function: requester_id & 7, code }));
  expect(got, `seed ${seed}: messages`).toEqual(expected);
  expect(expected.length).toBeGreaterThan(steps / 50);
  expect(models.some(model => model.resets > 0)).toBe(true);
  for (const [i, list] of offsets.entries()) for (const offset of list) check(i, offset);
}

test.each([
  1, 2, 3, 4,
])('C24 C83 C84 C87 C88 C89 C94: random accesses, errors and resets of three functions as in the model (seed %d)', seed => {
  compare([drive, card, memoryOnly], seed, 1500);
});

test('C87 C88 C89: a function alone as in the model', () => {
  compare([drive], 5, 1500);
});

test('C87 C88 C89: eight functions as in the model', () => {
  compare([drive, card, memoryOnly, drive, card, memoryOnly, memoryOnly, card], 6, 600);
});

testOnEngines('C24 C84 C87 C88 C89: two functions as in the model, on both engines', engine => {
  compare([card, drive], 7, 800, engine);
});
