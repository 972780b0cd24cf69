import { describe, expect, test } from 'vitest';
import { simulate, type TypedSimulation } from '../../hdl/src/engine/simulate.ts';
import type { Readable } from '../../hdl/src/index.ts';
import { Random } from '../../hdl/test/random.ts';
import { at } from '../src/at.ts';
import { AtomicKind } from '../src/endpoint/dma/atomic-requester.ts';
import { DmaOutcome } from '../src/endpoint/dma/job.ts';
import { SingleAtomic } from '../src/endpoint/dma/single-atomic.ts';
import { SingleFlush } from '../src/endpoint/dma/single-flush.ts';
import { SingleJob } from '../src/endpoint/dma/single-job.ts';
import { setControls } from './dma-bench.ts';
import { numberOf, setFields, setNumber } from './dma-model.ts';

const seed = 3;
const regions = [{ function: 0, bar: 0, base: 4096 }];
type Sim = Pick<TypedSimulation<unknown>, 'port' | 'settle' | 'step'>;
type Fields = { readonly [name: string]: number | bigint };

/** A job of any kind, for function 0. */
const anyJob = (random: Random): Fields => ({
  address: random.bits(64),
  offset: random.below(2 ** 32),
  length: random.below(2 ** 32),
  memory: random.below(2),
  relaxed_ordering: random.below(2),
  no_snoop: random.below(2),
  at: random.below(4),
  id: random.below(256),
  function: 0,
});
const anyAtomic = (random: Random): Fields => ({
  kind: AtomicKind.fetchAdd,
  size: random.below(3),
  address: random.bits(64),
  operand: random.bits(128),
  compare: random.bits(128),
  relaxed_ordering: random.below(2),
  no_snoop: random.below(2),
  at: random.below(4),
  id: random.below(256),
  function: 0,
});

const valuesOf = (sim: Sim, payload: object, names: readonly string[]) =>
  Object.fromEntries(names.map(name => [name, numberOf(sim.port((payload as Record<string, Readable>)[name] as Readable))]));
const asBits = (fields: Fields) => Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, BigInt(value)]));

/** Waits until a stream offers something. */
function offered(sim: Sim, stream: { readonly valid: Readable }, limit = 10): void {
  for (let i = 0; i < limit; i++) {
    sim.settle();
    if (numberOf(sim.port(stream.valid)) === 1n) return;
    sim.step();
  }
  throw new RangeError('nothing is offered');
}

/** Looks at what is offered for some cycles without taking it, then takes it. @returns what it was. */
function takenLate(
  sim: Sim,
  stream: { readonly valid: Readable; readonly ready: Readable; readonly payload: object },
  names: readonly string[],
) {
  offered(sim, stream);
  const first = valuesOf(sim, stream.payload, names);
  for (let i = 0; i < 4; i++) {
    sim.step();
    sim.settle();
    expect([numberOf(sim.port(stream.valid)), valuesOf(sim, stream.payload, names)], 'it stays until it is taken').toEqual([
      1n,
      first,
    ]);
  }
  setNumber(sim.port(stream.ready), 1);
  sim.step();
  setNumber(sim.port(stream.ready), 0);
  sim.settle();
  return first;
}

describe('results of single jobs wait for who takes them', () => {
  const result = ['id', 'function', 'outcome'];

  test('C81: of a job that is refused, and of one that the engine did', () => {
    const random = new Random(seed);
    using sim = simulate(() => new SingleJob({ functions: 2, bars: 1, of: 'read', regions }));
    const { dut } = sim;
    for (let i = 0; i < 40; i++) {
      const [allowed, job] = [random.below(2), anyJob(random)];
      setControls(sim, dut.controls, 0, { bus_master: allowed, memory_enable: 1 });
      setFields(sim, dut.jobs.payload, job);
      sim.poke(dut.jobs.valid, 1);
      sim.step();
      sim.poke(dut.jobs.valid, 0);
      let outcome = DmaOutcome.refused as number;
      if (allowed === 1) {
        offered(sim, dut.engine_jobs);
        expect(valuesOf(sim, dut.engine_jobs.payload, Object.keys(job)), `seed ${seed}, ${i}`).toEqual(asBits(job));
        sim.poke(dut.engine_jobs.ready, 1);
        sim.step();
        sim.poke(dut.engine_jobs.ready, 0);
        outcome = random.below(8);
        setFields(sim, dut.engine_result.payload, { outcome });
        sim.poke(dut.engine_result.valid, 1);
      }
      const told = takenLate(sim, dut.result, result);
      expect(told, `seed ${seed}, ${i}`).toEqual(asBits({ id: job.id ?? 0, function: 0, outcome }));
      sim.poke(dut.engine_result.valid, 0);
      expect(numberOf(sim.port(dut.jobs.ready))).toBe(1n);
    }
  });

  test('C63: of a write that is read back, after the answer', () => {
    const random = new Random(seed);
    using sim = simulate(() => new SingleFlush());
    const { dut } = sim;
    for (let i = 0; i < 40; i++) {
      const job = anyJob(random);
      setFields(sim, dut.job, job);
      for (const on of [dut.remote, dut.flush, dut.begun]) sim.poke(on, 1);
      sim.step();
      sim.poke(dut.begun, 0);
      setFields(sim, dut.written.payload, { id: random.below(256), function: 0, outcome: 0 });
      sim.poke(dut.written.valid, 1);
      sim.settle();
      expect(numberOf(sim.port(dut.written.ready))).toBe(1n);
      sim.step();
      sim.poke(dut.written.valid, 0);
      const asked = takenLate(sim, dut.reads, ['kind', 'address', 'at', 'function']);
      expect(asked, `seed ${seed}, ${i}`).toEqual(
        asBits({ kind: AtomicKind.readNothing, address: job.address ?? 0, at: job.at ?? 0, function: 0 }),
      );
      const outcome = random.below(8);
      setFields(sim, dut.read_results.payload, { outcome });
      sim.poke(dut.read_results.valid, 1);
      sim.step();
      sim.poke(dut.read_results.valid, 0);
      const told = takenLate(sim, dut.result, result);
      expect(told, `seed ${seed}, ${i}`).toEqual(asBits({ id: job.id ?? 0, function: 0, outcome }));
    }
  });

  test('of an AtomicOp in somebody else’s memory, and in the own one', () => {
    const random = new Random(seed);
    const address_width = 12;
    using sim = simulate(() => new SingleAtomic({ width: 64, address_width, functions: 1, bars: 1, regions }));
    const { dut } = sim;
    const base = 0x12_3456_0000n;
    const pages = 4n;
    setControls(sim, dut.controls, 0, { bus_master: 1, memory_enable: 1 });
    setFields(sim, at(at(dut.controls, 0).bars, 0), { base, compare: ((1n << 52n) - 1n) ^ (pages - 1n) });
    for (let i = 0; i < 60; i++) {
      const inside = random.chance(0.5);
      const size = random.below(2);
      const offset = BigInt(random.below(16_384 / 8) * 8);
      const plain = anyAtomic(random);
      const job = { ...plain, size, address: inside ? base + offset : (random.bits(63) << 1n) | (1n << 63n) };
      setFields(sim, dut.jobs.payload, job);
      sim.poke(dut.jobs.valid, 1);
      sim.step();
      sim.poke(dut.jobs.valid, 0);
      const value = random.bits(128);
      if (inside) {
        const { address } = takenLate(sim, dut.request, ['address']);
        expect(address, `seed ${seed}, ${i}`).toBe((4096n + offset) >> 2n);
        setNumber(sim.port(dut.request_result.payload as never), value);
        sim.poke(dut.request_result.valid, 1);
        sim.step();
        sim.poke(dut.request_result.valid, 0);
        const told = takenLate(sim, dut.results, ['id', 'outcome', 'value']);
        expect(told, `seed ${seed}, ${i}`).toEqual({ id: BigInt(plain.id ?? 0), outcome: 0n, value });
      } else {
        const asked = takenLate(sim, dut.remote, Object.keys(job));
        expect(asked, `seed ${seed}, ${i}`).toEqual(asBits(job));
        const answer = { id: random.below(256), outcome: random.below(8), value };
        setFields(sim, dut.remote_result.payload, answer);
        sim.poke(dut.remote_result.valid, 1);
        sim.step();
        sim.poke(dut.remote_result.valid, 0);
        expect(takenLate(sim, dut.results, ['id', 'outcome', 'value']), `seed ${seed}, ${i}`).toEqual(asBits(answer));
      }
    }
  });
});
