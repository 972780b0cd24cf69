import { bool, cat, connect, elaborate, embedded, input, Module, output, reg, stream, uint, when, wire } from '@hdl/ts-hdl';
import { describe, expect, test } from 'vitest';
import { Random } from '../../../hdl/test/random.ts';
import { RingReader, RingWriter } from '../src/rings.ts';
import { Scheduler, StalledError } from '../src/scheduler.ts';
import { ringControl, ringStatus } from '../src/transactors/ring.ts';
import { StreamSink } from '../src/transactors/stream-sink.ts';
import { StreamSource } from '../src/transactors/stream-source.ts';

/** A source and a sink back to back, with stalls of a shift register between. */
class Loop extends Module<{ width: number; depth: number; stalls: boolean }> {
  readonly attention = output(bool);
  readonly source_control = input(ringControl(this.p.depth));
  readonly source_status = output(ringStatus(this.p.depth));
  readonly sink_control = input(ringControl(this.p.depth));
  readonly sink_status = output(ringStatus(this.p.depth));
  private readonly source = new StreamSource({ type: uint(this.p.width), depth: this.p.depth });
  private readonly sink = new StreamSink({ type: uint(this.p.width), depth: this.p.depth });
  private readonly noise = reg(uint(16), { init: 1 });
  private readonly gated = wire(stream(uint(this.p.width)));

  protected override logic() {
    const { source, sink, gated, noise } = this;
    noise.set(cat(noise.part(0, 15), noise.bit(15).xor(noise.bit(14)).xor(noise.bit(12)).xor(noise.bit(3))).as(16));
    gated.valid.set(0);
    gated.put(source.out.payload);
    source.out.ready.set(0);
    when(this.p.stalls ? noise.bit(0) : noise.any(), () => {
      gated.valid.set(source.out.valid);
      source.out.ready.set(gated.ready);
    });
    connect(source, { control: this.source_control });
    connect(sink, { control: this.sink_control, in: gated });
    this.source_status.set(source.status);
    this.sink_status.set(sink.status);
    this.attention.set(source.status.attention.or(sink.status.attention));
  }
}

function bench(width: number, depth: number, stalls: boolean) {
  const simulation = embedded(elaborate(() => new Loop({ width, depth, stalls })).design);
  const reset = simulation.ports.get('rst');
  if (reset) reset.words[0] = 1;
  simulation.step();
  if (reset) reset.words[0] = 0;
  const writer = new RingWriter(simulation, 'room in the loop', 'source_control', 'source_status', 'source');
  const reader = new RingReader(simulation, 'words of the loop', 'sink_control', 'sink_status', 'sink');
  let runs = 0;
  const scheduler = new Scheduler(
    {
      get cycle() {
        return simulation.cycle;
      },
      advance(cycles) {
        runs++;
        simulation.run(cycles);
        const written = writer.poll();
        return reader.poll() || written;
      },
    },
    { stallCycles: 10_000 },
  );
  const read = async (words: number) => {
    const pieces: Uint8Array[] = [];
    for (let done = 0; done < words; ) {
      await reader.whenAvailable(scheduler, words - done);
      const count = Math.min(words - done, reader.available);
      pieces.push(reader.take(count));
      done += count;
    }
    return Buffer.concat(pieces);
  };
  return { simulation, writer, reader, scheduler, read, runs: () => runs, [Symbol.dispose]: () => simulation[Symbol.dispose]() };
}

describe.each([
  [8, true],
  [32, false],
  [56, true],
  [256, true],
  [443, true],
])('words of %d bits, stalls %s', (width, stalls) => {
  test('blocks of any length arrive as they were written, the last word filled up with zeros', async () => {
    const random = new Random(width);
    using loop = bench(width, 16, stalls);
    const { wordBytes } = loop.writer;
    const blocks = Array.from({ length: 40 }, () => {
      const bytes = random.bytes(1 + random.below(random.chance(0.2) ? 100 * wordBytes : 6 * wordBytes));
      // The bits beyond the word's width in its last byte stay 0.
      if (width % 8)
        for (let i = wordBytes - 1; i < bytes.length; i += wordBytes) bytes[i] = (bytes[i] ?? 0) & (2 ** (width % 8) - 1);
      return bytes;
    });
    await loop.scheduler.run(async () => {
      loop.scheduler.spawn('writer', async () => {
        for (const block of blocks) {
          const sent = loop.writer.write(loop.scheduler, block);
          if (random.chance(0.7)) await sent;
          if (random.chance(0.2)) await loop.scheduler.delay(random.below(60));
        }
      });
      for (const [i, block] of blocks.entries()) {
        const words = Math.ceil(block.length / wordBytes);
        const expected = Buffer.alloc(words * wordBytes);
        expected.set(block);
        expect(await loop.read(words), `block ${i}, seed ${random.seed}`).toEqual(expected);
        if (random.chance(0.2)) await loop.scheduler.delay(random.below(60));
      }
    });
    expect(loop.reader.available).toBe(0);
  });
});

test('a megabyte moves at a word per cycle, and software is woken once per half ring', async () => {
  using loop = bench(256, 2048, false);
  const bytes = new Random(5).bytes(1 << 20);
  const words = bytes.length / 32;
  let got = Buffer.alloc(0);
  await loop.scheduler.run(async () => {
    loop.scheduler.spawn('writer', () => loop.writer.write(loop.scheduler, bytes));
    got = await loop.read(words);
  });
  expect(got.equals(bytes)).toBe(true);
  expect(loop.scheduler.now).toBeLessThan(words * 1.02);
  expect(loop.runs()).toBeLessThan(3 * (words / 1024));
});

test('while nobody waits, nothing wakes software', () => {
  using loop = bench(32, 16, false);
  void loop.writer.write(loop.scheduler, new Uint8Array(64));
  expect(loop.simulation.run(500)).toBe(500);
  expect(loop.reader.available).toBe(16);
});

test('a second actor at the same end is an error, not a lost wake-up', async () => {
  using loop = bench(32, 16, false);
  loop.scheduler.spawn('first', () => loop.read(1));
  await expect(loop.scheduler.run(() => loop.read(1))).rejects.toThrow(/two actors wait for words of the loop/);
});

test('writers take turns: their blocks are not mixed', async () => {
  using loop = bench(32, 16, true);
  const block = (value: number) => new Uint8Array(4 * 50).fill(value);
  await loop.scheduler.run(async () => {
    for (let i = 1; i <= 5; i++) loop.scheduler.spawn(`writer ${i}`, () => loop.writer.write(loop.scheduler, block(i)));
    expect(await loop.read(250)).toEqual(Buffer.concat([1, 2, 3, 4, 5].map(block)));
  });
});

test('who waits for words that never come is named', async () => {
  using loop = bench(32, 16, false);
  const failed = loop.scheduler.run(async () => {
    await loop.writer.write(loop.scheduler, new Uint8Array(12));
    await loop.read(4);
  });
  await expect(failed).rejects.toThrow(StalledError);
  await expect(failed).rejects.toThrow(/words of the loop/);
});
