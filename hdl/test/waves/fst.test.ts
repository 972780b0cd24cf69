import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { embedded } from '../../src/engine/embedded.ts';
import { assert, input, Module, reg, simulate, uint } from '../../src/index.ts';
import type { BlockSize } from '../../src/waves/change-log.ts';
import { type ByteSink, FstWriter } from '../../src/waves/fst.ts';
import type { WaveSignal } from '../../src/waves/signals.ts';
import { VcdWriter } from '../../src/waves/vcd.ts';
import { set } from '../engine/ports.ts';
import { Random } from '../random.ts';
import { randomDesign } from '../random-design.ts';
import { type Changes, readVcd } from './changes.ts';
import { readFst } from './read-fst.ts';

const folder = mkdtempSync(join(tmpdir(), 'fst-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** GTKWave's own reader, where it is installed. */
const fst2vcd = ['/usr/bin/fst2vcd', '/usr/local/bin/fst2vcd', '/opt/homebrew/bin/fst2vcd'].find(file => existsSync(file));

/** What GTKWave makes of a file. Its times end with the last change. */
function byGtkwave(file: string): Changes['signals'] {
  return readVcd(execFileSync(fst2vcd ?? '', [file], { encoding: 'utf8', maxBuffer: 2 ** 28 })).signals;
}

/** Signals of several widths in two scopes, two of them the same wire, with words that a test writes. */
function bench(random: Random) {
  const widths = [1, 1, 2, 7, 8, 9, 31, 32, 33, 63, 64, 65, 127, 128, 300, 1];
  const words = new Uint32Array(widths.reduce((sum, width) => sum + Math.ceil(width / 32), 0));
  let start = 0;
  const signals: WaveSignal[] = widths.map((width, i) => {
    const own = words.subarray(start, start + Math.ceil(width / 32));
    start += own.length;
    return { scope: i < 8 ? ['top'] : ['top', 'child'], name: `s${i}`, width, words: own };
  });
  const [shared] = signals.slice(10);
  if (shared) signals.push({ ...shared, name: 'other' });
  const change = (chance: number) => {
    for (const signal of signals.slice(0, -1)) {
      if (!random.chance(chance)) continue;
      const value = random.bits(signal.width);
      for (let i = 0; i < signal.words.length; i++) signal.words[i] = Number(BigInt.asUintN(32, value >> BigInt(32 * i)));
    }
  };
  return { signals, change };
}

/** A file in memory. */
function memorySink(): ByteSink & { bytes: number[]; closed: number } {
  return {
    bytes: [],
    closed: 0,
    write(bytes) {
      this.bytes.push(...bytes);
    },
    replace(position, bytes) {
      for (const [i, byte] of bytes.entries()) this.bytes[position + i] = byte;
    },
    close() {
      this.closed++;
    },
  };
}

/** The same samples in both formats. */
function both(seed: number, times: readonly number[], chance: number, block?: BlockSize) {
  const { signals, change } = bench(new Random(seed));
  let vcd = '';
  const text = new VcdWriter({ write: more => (vcd += more), close: () => {} }, signals);
  const sink = memorySink();
  const fst = new FstWriter(sink, signals, block);
  times.forEach((time, i) => {
    change(chance);
    for (const writer of [text, fst])
      if (i < times.length - 1) writer.sample(time);
      else writer.close(time);
  });
  return { vcd: readVcd(vcd), fst: readFst(Uint8Array.from(sink.bytes)), sink };
}

const cycles = (count: number) => Array.from({ length: count }, (_, i) => i);

test.each([
  ['one block', 1, cycles(200), 0.3, undefined, 1],
  ['blocks that are full of changes', 2, cycles(500), 0.5, { words: 2000, times: 1000 }, 5],
  ['blocks that are full of times', 3, cycles(500), 0.9, { words: 1 << 20, times: 50 }, 10],
  ['blocks of one time', 4, cycles(30), 1, { words: 1, times: 1000 }, 29],
  ['times far apart', 5, [0, 1, 127, 128, 20_000, 3_000_000, 5_000_000_000, 2 ** 52], 0.5, undefined, 1],
  ['a time that is not 0 at first', 6, [1000, 1001, 1002], 0.5, undefined, 1],
  ['one sample', 7, [0], 1, undefined, 1],
  ['few changes', 8, cycles(3000), 0.001, { words: 100, times: 10_000 }, 2],
] as const)('FST says what VCD says: %s', (_, seed, times, chance, block, blocks) => {
  const { vcd, fst, sink } = both(seed, times, chance, block);
  expect(fst.signals).toEqual(vcd.signals);
  expect([fst.start, fst.end]).toEqual([times[0], vcd.end]);
  expect(fst.end).toBe(times.at(-1));
  expect([...fst.signals.keys()]).toContain('top.child.other');
  expect(fst.blocks).toBeGreaterThanOrEqual(blocks);
  expect(sink.closed).toBe(1);
});

describe.each([1, 2, 3, 4])('a random design, seed %i', seed => {
  test('both formats of the same run say the same', () => {
    const files = ['fst', 'vcd'].map(ending => join(folder, `random-${seed}.${ending}`));
    for (const file of files) {
      const random = new Random(seed);
      using simulation = embedded(randomDesign(seed), { trace: file });
      for (let i = 0; i < 60; i++) {
        for (const { name, direction, width } of simulation.ports.values())
          if (direction === 'input' && random.chance(0.4)) set(simulation, name, random.bits(width));
        simulation.step(random.below(4));
      }
    }
    const [fst = '', vcd = ''] = files;
    const expected = readVcd(readFileSync(vcd, 'utf8'));
    const found = readFst(readFileSync(fst));
    expect(expected.signals.size).toBeGreaterThan(10);
    expect(found.signals).toEqual(expected.signals);
    expect(found.end).toBe(expected.end);
    if (fst2vcd !== undefined) expect(byGtkwave(fst)).toEqual(expected.signals);
  });
});

/** Counts, and promises never to reach 5. */
class Promised extends Module {
  readonly by = input(uint(4));
  private readonly count = reg(uint(8), { init: 0 });
  protected override logic() {
    this.count.set(this.count.add(this.by.zext(8)));
    assert(this.count.ne(5), 'never 5');
  }
}

test('what happened before an error is in the file', () => {
  const file = join(folder, 'error.fst');
  expect(() => {
    using sim = simulate(() => new Promised(), { trace: file });
    sim.poke(sim.dut.by, 1);
    sim.step(10);
  }).toThrow('never 5');
  const counts = readFst(readFileSync(file)).signals.get('Promised.count');
  expect(counts?.map(([, digits]) => Number.parseInt(digits, 2))).toEqual([0, 1, 2, 3, 4, 5]);
});

test('a file that was not closed can be read as far as its blocks go', () => {
  const { signals, change } = bench(new Random(9));
  const sink = memorySink();
  const writer = new FstWriter(sink, signals, { words: 2000, times: 1000 });
  for (let time = 0; time < 300; time++) {
    change(0.5);
    writer.sample(time);
  }
  const { end, blocks } = readFst(Uint8Array.from(sink.bytes));
  expect(blocks).toBeGreaterThan(2);
  expect(end).toBeGreaterThan(100);
});

test('a sink that fails is closed all the same', () => {
  const { signals } = bench(new Random(1));
  const sink = memorySink();
  const writer = new FstWriter(sink, signals);
  sink.write = () => {
    throw new Error('the disk is full');
  };
  expect(() => writer.close(0)).toThrow('the disk is full');
  expect(sink.closed).toBe(1);
});
