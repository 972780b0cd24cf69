import { describe, expect, test } from 'vitest';
import { simulate } from '../../hdl/src/engine/simulate.ts';
import type { PortView } from '../../hdl/src/engine/simulation.ts';
import type { Readable, Stream } from '../../hdl/src/index.ts';
import { Random } from '../../hdl/test/random.ts';
import { at } from '../src/at.ts';
import { BarMemory } from '../src/endpoint/receive/bar-memory.ts';
import { type Actor, run } from './link-bench.ts';
import { numberOf } from './receive-bench.ts';

const bytes = 4096;

function bench(width: number) {
  const sim = simulate(() => new BarMemory({ width, bytes, writers: 2, readers: 2 }));
  const port = (signal: Readable) => sim.port(signal);
  const set = (view: PortView, value: Uint8Array | number | bigint) => {
    if (value instanceof Uint8Array) {
      const whole = new Uint8Array(4 * view.words.length);
      whole.set(value);
      view.words.set(new Uint32Array(whole.buffer));
      return;
    }
    let rest = BigInt(value);
    for (let i = 0; i < view.words.length; i++, rest >>= 32n) view.words[i] = Number(rest & 0xffff_ffffn);
  };
  const moves = (stream: Stream<never> | { readonly valid: Readable; readonly ready: Readable }) =>
    port(stream.valid).words[0] === 1 && port(stream.ready).words[0] === 1;
  return { sim, port, set, moves };
}

const bytesOf = (view: PortView): Uint8Array => new Uint8Array(view.words.slice().buffer);
const number = (list: Uint8Array): bigint => list.reduceRight((high, byte) => (high << 8n) | BigInt(byte), 0n);

describe.each([64, 128, 256, 512])('width %d', width => {
  const size = width / 8;
  const words = bytes / size;
  const lanes = width / 32;

  test.each([
    [1, 0.2, 1],
    [0.6, 0.4, 0.5],
  ])('C98: all ports at once, cycle by cycle as the model (rate %d, AtomicOps %d, data taken %d)', (rate, atomics, taken) => {
    const { sim, port, set, moves } = bench(width);
    using _ = sim;
    const random = new Random(width + rate);
    const { dut } = sim;
    const memory = new Uint8Array(bytes);
    /** Per reader, for each word that is under way: where its bytes lie, and what stood there when it may have been read. The link is never held back. */
    const expected: { readonly cells: readonly number[]; readonly may: Uint8Array[] }[][] = [[], [], []];
    const look = (cells: readonly number[]) => Uint8Array.from(cells, cell => memory[cell] ?? 0);
    const results: { readonly old: bigint; readonly mask: bigint }[] = [];
    let reads = 0;
    let late = 0;
    let performed = 0;
    // Readers look at the upper half, where AtomicOps do not write: what they see during one is open.
    const upper = () => words / 2 + random.below(words / 2 - 1);
    const windowBytes = (address: number, start: number): number[] =>
      Array.from({ length: lanes }, (_, lane) => {
        const word = (address + (lane < start ? 1 : 0)) % words;
        return [0, 1, 2, 3].map(i => word * size + 4 * lane + i);
      }).flat();
    const writers = [dut.link_write, ...dut.write];
    const readers = [dut.link_read, ...dut.read];
    const datas = [dut.link_data, ...dut.data];
    const pending = new Map<object, () => void>();
    const offer = (stream: { readonly valid: Readable }, chance: number, make: () => void) => {
      const view = port(stream.valid);
      if (view.words[0]) return;
      if (!random.chance(chance)) return;
      view.words[0] = 1;
      make();
    };
    /** The valid of what moved: withdrawn, or offered anew, in the next cycle. */
    const moved = new Set<PortView>();
    const actor: Actor = {
      drive() {
        for (const view of moved) view.words[0] = 0;
        moved.clear();
        writers.forEach((stream, i) => {
          offer(stream, rate, () => {
            const { address, data, mask } = stream.payload;
            const [word, list, enables] = [
              random.below(words),
              random.bytes(size),
              random.chance(0.5) ? random.bytes(size / 8) : new Uint8Array(size / 8).fill(255),
            ];
            const start = i === 0 ? random.below(lanes) : 0;
            set(port(address), word);
            set(port(data), list);
            set(port(mask), enables);
            if ('start' in stream.payload) set(port(stream.payload.start), start);
            const cells = windowBytes(word, start);
            pending.set(stream, () => {
              list.forEach((byte, k) => {
                if (((enables[k >> 3] ?? 0) >> (k & 7)) & 1) memory[cells[k] ?? 0] = byte;
              });
            });
          });
        });
        readers.forEach((stream, i) => {
          offer(stream, rate, () => {
            const word = upper();
            const start = i === 0 ? random.below(lanes) : 0;
            if ('address' in stream.payload) {
              set(port(stream.payload.address), word);
              set(port(stream.payload.start), start);
            } else set(port(stream.payload), word);
            const cells = windowBytes(word, start);
            pending.set(stream, () => expected[i]?.push({ cells, may: i === 0 ? [look(cells)] : [] }));
          });
        });
        offer(dut.atomic, atomics, () => {
          const { address, op, size: code, operand, swap } = dut.atomic.payload;
          const kind = random.below(3);
          const log = random.below(kind === 2 ? 3 : 2);
          const operandBytes = 4 << log;
          const place = operandBytes * random.below(bytes / 2 / operandBytes);
          const current = memory.slice(place, place + operandBytes);
          const mask = (1n << BigInt(8 * operandBytes)) - 1n;
          const first = kind === 2 && random.chance(0.6) ? number(current) : number(random.bytes(operandBytes));
          const second = number(random.bytes(operandBytes));
          set(port(address), place / 4);
          set(port(op), kind);
          set(port(code), log);
          set(port(operand), first);
          set(port(swap), second);
          pending.set(dut.atomic, () => {
            const old = number(memory.slice(place, place + operandBytes));
            const value = kind === 0 ? (old + first) & mask : kind === 1 ? first : old === first ? second : old;
            for (let i = 0; i < operandBytes; i++) memory[place + i] = Number((value >> BigInt(8 * i)) & 0xffn);
            results.push({ old, mask });
          });
        });
        for (const data of datas) port(data.ready).words[0] = random.chance(taken) ? 1 : 0;
        port(dut.atomic_result.ready).words[0] = random.chance(taken) ? 1 : 0;
      },
      sample() {
        expect(writers.filter(moves).length, 'one write per cycle').toBeLessThanOrEqual(1);
        // A read sees what was written before this cycle, an AtomicOp what is written in it too.
        const take = (streams: readonly ((typeof readers)[number] | (typeof writers)[number] | typeof dut.atomic)[]) => {
          for (const stream of streams) {
            if (!moves(stream)) continue;
            pending.get(stream)?.();
            moved.add(port(stream.valid));
          }
        };
        take(readers);
        for (const { cells, may } of expected.slice(1).flat()) may.push(look(cells));
        take([...writers, dut.atomic]);
        datas.forEach((data, i) => {
          if (!moves(data)) return;
          const { may = [] } = expected[i]?.shift() ?? {};
          const found = may.map(String).indexOf(String(bytesOf(port(data.payload))));
          expect(found, `reader ${i} got what stood there when it asked, or since`).toBeGreaterThanOrEqual(0);
          if (found > 0) late++;
          reads++;
        });
        if (!moves(dut.atomic_result)) return;
        const result = numberOf(port(dut.atomic_result.payload));
        performed++;
        const { old, mask } = results.shift() ?? { old: -1n, mask: 0n };
        expect(result & mask, `result of AtomicOp ${performed}`).toBe(old);
      },
    };
    run(sim, [actor], 2500);
    expect(reads).toBeGreaterThan(800);
    expect(late, 'words that were written while a reader waited for its turn').toBeGreaterThan(0);
    expect(performed).toBeGreaterThan(100);
    for (const stream of [...readers, ...writers, dut.atomic]) port(stream.valid).words[0] = 0;
    run(sim, [], 20);
    for (let lane = 0; lane < lanes; lane++) {
      const column = sim.memory(`column_${lane}.words`);
      for (let word = 0; word < words; word++) {
        const cell = word * size + 4 * lane;
        expect(column.bytes.subarray(word * column.stride, word * column.stride + 4)).toEqual(memory.subarray(cell, cell + 4));
      }
    }
  });

  test('the link always writes, a single reader gets a word per cycle, two readers half of them each', () => {
    const { sim, port, moves } = bench(width);
    using _ = sim;
    const { dut } = sim;
    const count = { link: 0, writer: 0, first: 0, second: 0 };
    const actor: Actor = {
      drive(cycle) {
        for (const stream of [dut.link_write, at(dut.write, 0), dut.link_read]) port(stream.valid).words[0] = 1;
        port(at(dut.read, 1).valid).words[0] = cycle % 400 >= 200 ? 1 : 0;
        for (const data of [dut.link_data, ...dut.data]) port(data.ready).words[0] = 1;
      },
      sample() {
        if (moves(dut.link_write)) count.link++;
        if (moves(at(dut.write, 0))) count.writer++;
        if (moves(dut.link_data)) count.first++;
        if (moves(at(dut.data, 1))) count.second++;
      },
    };
    const start = sim.cycle;
    run(sim, [actor], 400 - (start % 400));
    count.link = 0;
    count.first = 0;
    count.second = 0;
    run(sim, [actor], 200);
    expect(count).toMatchObject({ link: 200, writer: 0 });
    // The address of the other reader that waited is served too.
    expect(count.first).toBeGreaterThanOrEqual(198);
    run(sim, [actor], 200);
    expect(Math.abs(count.first - 300)).toBeLessThanOrEqual(3);
    expect(Math.abs(count.second - 100)).toBeLessThanOrEqual(3);
  });
});
