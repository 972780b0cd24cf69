import { describe, expect, test } from 'vitest';
import { embedded } from '../../hdl/src/engine/embedded.ts';
import type { Engine } from '../../hdl/src/engine/simulate.ts';
import { Random } from '../../hdl/test/random.ts';
import { engines } from '../../sim/testbench/src/on-engines.ts';
import { type Packet, type PacketHeader, packetName } from '../src/tlp/packet.ts';
import { TlpHeader } from '../src/tlp/tlp.ts';
import { Receiver, type Report } from './receive-bench.ts';
import { type Area, areas, goodAtomic, goodConfig, goodRead, goodWrite, other, spoiled } from './receive-packets.ts';
import { ReferenceEndpoint } from './receive-reference.ts';

const headerNames = Object.keys(TlpHeader.fields) as (keyof PacketHeader)[];

/** A TLP of any kind; what is read is not written later in the same round, as a posted TLP may pass a read. */
function some(random: Random, list: readonly Area[]): Packet {
  const area = random.pick(list);
  const kind = random.below(20);
  if (kind < 8 && !area.reading) return goodWrite(random, area);
  if (kind === 18) return goodConfig(random);
  if (kind === 19) return other(random);
  area.reading = true;
  return kind === 17 && !area.registers ? goodAtomic(random, area) : goodRead(random, area);
}

const key = (header: Packet | Report['header']) => headerNames.map(name => header[name]).join();

/** Errors of one kind may be joined: nothing may be lost but headers, and nothing may be invented. */
function checkReports(received: readonly Report[], expected: readonly Report[], where: string): void {
  const kinds = (list: readonly Report[]) => [...new Set(list.map(r => r.kind))].sort();
  expect(kinds(received), where).toEqual(kinds(expected));
  for (const kind of kinds(expected)) {
    const mine = expected.filter(r => r.kind === kind);
    const got = received.filter(r => r.kind === kind);
    const functions = (list: readonly Report[]) => list.reduce((sum, r) => sum | r.functions, 0);
    expect(functions(got), `functions of errors ${kind}, ${where}`).toBe(functions(mine));
    expect(got.length, `errors ${kind}, ${where}`).toBeLessThanOrEqual(mine.length);
    const headers = new Set(mine.map(r => key(r.header)));
    for (const report of got) expect(headers.has(key(report.header)), `header of error ${kind}, ${where}`).toBe(true);
    if (mine.some(r => r.advisory === 0))
      expect(
        got.some(r => r.advisory === 0),
        `severity of ${kind}, ${where}`,
      ).toBe(true);
  }
}

interface Case {
  readonly width: number;
  readonly rx: number;
  readonly tx: number;
  readonly errors: number;
  readonly mps: readonly number[];
  readonly spoil: number;
  readonly rounds: number;
  readonly engine?: Engine;
}

function play({ width, rx, tx, errors, mps, spoil, rounds, engine = embedded }: Case, seed: number): void {
  const random = new Random(seed);
  using bench = new Receiver({ width, random, rx, tx, engine });
  bench.reports.rate = errors;
  const model = new ReferenceEndpoint(width);
  mps.forEach((code, f) => {
    const settings = { memory_enable: 1, mps: code, resetting: 0 };
    bench.set(f, settings);
    model.settings[f] = settings;
  });
  const largest = 128 << Math.max(...mps);
  const writes: unknown[] = [];
  const port = bench.sim.dut.register_write;
  const value = (signal: typeof port.payload.function | typeof port.payload.address) => Number(bench.sim.peek(signal as never));
  bench.actors.push({
    drive: () => {
      bench.sim.port(port.ready).words[0] = random.chance(tx) ? 1 : 0;
    },
    sample: () => {
      if (!bench.sim.port(port.valid).words[0] || !bench.sim.port(port.ready).words[0]) return;
      const { function: f, address, data, mask } = port.payload;
      writes.push({ function: value(f), address: value(address), data: value(data), mask: value(mask as never) });
    },
  });
  for (let round = 0; round < rounds; round++) {
    const list = areas();
    const expected: { readonly request: Packet; readonly answer: Packet }[] = [];
    for (let i = 0; i < 150; i++) {
      let packet = some(random, list);
      if (random.chance(spoil)) packet = spoiled(random, packet, width, largest) ?? packet;
      bench.send(packet);
      for (const answer of model.perform(packet)) expected.push({ request: packet, answer });
    }
    const where = `seed ${seed}, round ${round}`;
    bench.run(() => bench.tx.received.length >= expected.length);
    bench.tx.received.splice(0).forEach((packet, i) => {
      const { request, answer } = expected[i] ?? {};
      expect(packet, `completion ${i}, of ${request && packetName(request)}, ${where}`).toEqual(answer);
    });
    expect(bench.requested.splice(0), where).toEqual(model.requested.splice(0));
    checkReports(bench.reports.received.splice(0), model.reports.splice(0), where);
    expect(writes.splice(0), `register writes, ${where}`).toEqual(model.register_writes.splice(0));
    expect(Buffer.compare(bench.memory, model.memory), `memory, ${where}`).toBe(0);
  }
}

describe('good and bad TLPs as the reference says', () => {
  test.each<Case>([
    { width: 64, rx: 1, tx: 1, errors: 1, mps: [1, 1, 1], spoil: 0.1, rounds: 3 },
    { width: 64, rx: 0.5, tx: 0.6, errors: 0.2, mps: [1, 2, 0], spoil: 0.3, rounds: 2 },
    { width: 128, rx: 1, tx: 1, errors: 1, mps: [0, 0, 0], spoil: 0.1, rounds: 3 },
    { width: 128, rx: 0.7, tx: 0.4, errors: 0.1, mps: [1, 1, 1], spoil: 0.3, rounds: 2 },
    { width: 256, rx: 1, tx: 1, errors: 1, mps: [2, 1, 1], spoil: 0.1, rounds: 3 },
    { width: 256, rx: 0.6, tx: 0.6, errors: 0.1, mps: [1, 3, 1], spoil: 0.3, rounds: 2 },
    { width: 512, rx: 1, tx: 1, errors: 1, mps: [1, 1, 1], spoil: 0.1, rounds: 3 },
    { width: 512, rx: 0.8, tx: 0.5, errors: 0.1, mps: [5, 1, 1], spoil: 0.3, rounds: 2 },
  ])('C3 C8 C10 C12 C13 C50 C51 C52 C53 C54 C55 C56 C57 C58 C71b C71d C98: %j', options => play(options, 1));
});

test.each(engines)('C54 C71d C98: the same on every engine (%s)', (_, engine) => {
  play({ width: 128, rx: 0.9, tx: 0.8, errors: 0.5, mps: [1, 1, 1], spoil: 0.2, rounds: 2, engine }, 7);
});
