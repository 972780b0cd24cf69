import { HdlError, simulate, uint } from '@hdl/ts-hdl';
import { describe, expect, test } from 'vitest';
import { Random } from '../../../hdl/test/random.ts';
import { StreamSink } from '../src/transactors/stream-sink.ts';
import { StreamSource } from '../src/transactors/stream-source.ts';

const depth = 8;
const type = uint(40);
const wordOf = (i: number) => (BigInt(i) * 0x9e37_79b9n + 0x12_0000_0001n) & 0xff_ffff_ffffn;

/** Puts a 40-bit word into a ring as software does. */
function store(ring: { readonly stride: number; readonly bytes: Uint8Array }, place: number, value: bigint): void {
  for (let i = 0; i < 5; i++) ring.bytes[place * ring.stride + i] = Number((value >> BigInt(8 * i)) & 0xffn);
}

function load(ring: { readonly stride: number; readonly bytes: Uint8Array }, place: number): bigint {
  let value = 0n;
  for (let i = 4; i >= 0; i--) value = (value << 8n) | BigInt(ring.bytes[place * ring.stride + i] ?? 0);
  return value;
}

const span = 2 * depth;
const distance = (a: number, b: number) => (a - b + span) % span;

describe.each([
  [1, 1],
  [0.2, 1],
  [1, 0.2],
  [0.5, 0.5],
])('software rate %d, stream rate %d', (software, hardware) => {
  test('StreamSource sends every word once, in order, and holds what it offers', () => {
    const random = new Random(11);
    const told = `seed ${random.seed}`;
    using sim = simulate(() => new StreamSource({ type, depth }));
    const { dut } = sim;
    const ring = sim.memory('ring');
    let put = 0;
    let taken = 0;
    let held = false;
    for (let cycle = 0; cycle < 3000; cycle++) {
      const position = Number(sim.peek(dut.status.pointer));
      if (random.chance(software)) {
        const room = depth - distance(put % span, position);
        expect(room, told).toBeGreaterThanOrEqual(0);
        for (let n = random.below(room + 1); n > 0; n--, put++) store(ring, put % depth, wordOf(put));
      }
      sim.poke(dut.control.pointer, put % span);
      const [enable, level] = [random.below(2), random.below(depth + 1)];
      sim.poke(dut.control.wake_enable, enable);
      sim.poke(dut.control.wake_level, level);
      const ready = random.chance(hardware);
      sim.poke(dut.out.ready, ready ? 1 : 0);
      const waiting = distance(put % span, position);
      expect(sim.peek(dut.status.attention), told).toBe(enable === 1 && waiting <= level ? 1n : 0n);
      const valid = sim.peek(dut.out.valid) === 1n;
      if (held) expect(valid, `an offered word is not withdrawn, ${told}`).toBe(true);
      if (valid) expect(sim.peek(dut.out.payload), `word ${taken}, ${told}`).toBe(wordOf(taken));
      if (valid && ready) taken++;
      held = valid && !ready;
      sim.step();
    }
    expect(taken).toBeGreaterThan(300);
    expect(put - taken, 'a word in flight beside the ring').toBeLessThanOrEqual(depth + 1);
  });

  test('StreamSink keeps every word once, in order, and stalls when it is full', () => {
    const random = new Random(12);
    const told = `seed ${random.seed}`;
    using sim = simulate(() => new StreamSink({ type, depth }));
    const { dut } = sim;
    const ring = sim.memory('ring');
    let sent = 0;
    let taken = 0;
    let offered = false;
    let full = 0;
    for (let cycle = 0; cycle < 3000; cycle++) {
      const waiting = distance(Number(sim.peek(dut.status.pointer)), taken % span);
      expect(waiting, told).toBe(sent - taken);
      expect(waiting, told).toBeLessThanOrEqual(depth);
      const [enable, level] = [random.below(2), random.below(depth + 1)];
      sim.poke(dut.control.wake_enable, enable);
      sim.poke(dut.control.wake_level, level);
      expect(sim.peek(dut.status.attention), told).toBe(enable === 1 && waiting >= level ? 1n : 0n);
      if (random.chance(software)) {
        for (let n = random.below(waiting + 1); n > 0; n--, taken++)
          expect(load(ring, taken % depth), `word ${taken}, ${told}`).toBe(wordOf(taken));
      }
      sim.poke(dut.control.pointer, taken % span);
      offered ||= random.chance(hardware);
      sim.poke(dut.in.valid, offered ? 1 : 0);
      sim.poke(dut.in.payload, offered ? wordOf(sent) : 0);
      const ready = sim.peek(dut.in.ready) === 1n;
      expect(ready, `ready exactly while there is room, ${told}`).toBe(sent - taken < depth);
      if (!ready) full++;
      if (offered && ready) {
        sent++;
        offered = false;
      }
      sim.step();
    }
    expect(taken).toBeGreaterThan(300);
    if (software < hardware) expect(full).toBeGreaterThan(100);
  });
});

test('a word per cycle: a ring of words leaves without a gap, and comes in without one', () => {
  using source = simulate(() => new StreamSource({ type, depth: 64 }));
  const { dut } = source;
  source.poke(dut.out.ready, 1);
  source.poke(dut.control.pointer, 64);
  source.step();
  for (let i = 0; i < 64; i++, source.step()) expect(source.peek(dut.out.valid), `word ${i}`).toBe(1n);
  expect(source.peek(dut.out.valid)).toBe(0n);

  using sink = simulate(() => new StreamSink({ type, depth: 64 }));
  sink.poke(sink.dut.in.valid, 1);
  sink.step(64);
  expect(sink.peek(sink.dut.status.pointer)).toBe(64n);
  expect(sink.peek(sink.dut.in.ready)).toBe(0n);
});

test('a ring that pointers cannot wrap in is refused', () => {
  for (const words of [0, 1, 12]) expect(() => simulate(() => new StreamSource({ type, depth: words }))).toThrow(HdlError);
  expect(() => simulate(() => new StreamSink({ type, depth: 12 }))).toThrow(/power of two/);
});
