import {
  anyOf,
  type Bool,
  bool,
  cat,
  clog2,
  HdlError,
  input,
  Module,
  memory,
  output,
  reg,
  stream,
  uint,
  vec,
  when,
  wire,
} from '@hdl/ts-hdl';
import { at } from '../at.ts';
import { memoryWrite } from './interfaces.ts';
import { Queue } from './queue.ts';

/** Words that a reader may have on the way or waiting: a round takes 3 cycles, the fourth fills up after a stall. */
const credits = 4;

/**
 * The memory behind BAR2: block RAM with a write enable per byte, one write port, one read port.
 *
 *     write[0] (link) ─┐ fixed                 round ┌─ read[0] … read[n]
 *     write[1] …       ┴─ priority ─► block RAM ◄─ robin
 *                                        └──► Queue per reader ─► data[0] … data[n]
 *
 * Writes: one word per cycle, in memory at the edge that accepts it. The lower index has priority; writer 0 is always ready,
 * another writer's ready depends on the valid of those before it. Reads: one word per cycle over all readers, round robin word by
 * word; `data` comes 2 cycles after the request was accepted, in order per reader, from LUT RAM. A reader has 4 words of its own
 * in flight and buffered, so a reader that stalls delays nobody and loses nothing, and a single reader gets a word per cycle.
 * `read.ready` depends on the readers' valid and on registers. A read that is accepted in the cycle after a write was accepted,
 * or later, sees it; in the same cycle it sees the old word. Reset forgets requests and responses; the bytes stay.
 */
export class BarMemory extends Module<{
  /** Bits of a word. */
  readonly width: number;
  /** Size in bytes: a power of two of at least two words. */
  readonly bytes: number;
  readonly writers: number;
  readonly readers: number;
}> {
  /** Bits of a word address. */
  private readonly addressWidth: number = clog2(this.depth);
  readonly write = input(vec(this.p.writers, stream(memoryWrite(this.p.width, this.addressWidth))));
  readonly read = input(vec(this.p.readers, stream(uint(this.addressWidth))));
  readonly data = output(vec(this.p.readers, stream(uint(this.p.width))));
  private readonly bytes = memory(uint(this.p.width), { depth: this.depth, lane: 8, style: 'block' });
  private readonly writing = wire(bool);
  private readonly written = wire(memoryWrite(this.p.width, this.addressWidth));
  private readonly address = wire(uint(this.addressWidth));
  /** Readers up to and including the one served last: they come after the others. */
  private readonly served = reg(uint(this.p.readers), { init: 0 });
  /** The reader whose word is at the RAM's output, one-hot. */
  private readonly arriving = reg(uint(this.p.readers), { init: 0 });
  /** Words that a reader asked for and did not take yet. */
  private readonly reserved = reg(vec(this.p.readers, uint(clog2(credits + 1))), { init: 0 });
  private readonly responses = Array.from(
    { length: this.p.readers },
    () => new Queue({ type: uint(this.p.width), depth: credits }),
  );

  private get depth(): number {
    const words = this.p.bytes / (this.p.width / 8);
    if (!Number.isInteger(Math.log2(words)) || words < 2)
      throw new HdlError(
        `a BAR memory has a power of two of at least two words of ${this.p.width / 8} bytes, not ${this.p.bytes} bytes`,
      );
    return words;
  }

  protected override logic() {
    this.serveWriters();
    this.serveReaders();
  }

  private serveWriters(): void {
    const earlier = (writer: number): Bool[] => this.write.slice(0, writer).map(w => w.valid);
    this.writing.set(anyOf(this.write.map(w => w.valid)));
    this.written.set(at(this.write, 0).payload);
    this.write.forEach((w, i) => {
      if (i === 0) {
        w.ready.set(1);
      } else {
        w.ready.set(anyOf(earlier(i)).not());
        when(w.valid.and(anyOf(earlier(i)).not()), () => this.written.set(w.payload));
      }
    });
    when(this.writing, () => this.bytes.write(this.written.address, this.written.data, this.written.mask));
  }

  private serveReaders(): void {
    const able = this.read.map((r, i) => r.valid.and(at(this.reserved, i).ne(credits)));
    const waiting = able.map((a, i) => a.and(this.served.bit(i).not()));
    const wrap = anyOf(waiting).not();
    const again = lowest(able);
    const grant = lowest(waiting).map((w, i) => w.or(wrap.and(at(again, i))));

    this.address.set(at(this.read, 0).payload);
    this.read.forEach((r, i) => {
      r.ready.set(at(grant, i));
      if (i > 0) when(at(grant, i), () => this.address.set(r.payload));
    });
    const word = this.bytes.read(this.address, anyOf(grant));
    this.arriving.set(cat(...grant.toReversed()));
    when(anyOf(grant), () => this.served.set(cat(...grant.map((_, i) => anyOf(grant.slice(i))).toReversed())));

    this.responses.forEach((queue, i) => {
      // There is room: the word was reserved.
      queue.in.valid.set(this.arriving.bit(i));
      queue.in.put(word);
      const data = at(this.data, i);
      data.from(queue.out);
      const reserved = at(this.reserved, i);
      const taken = data.fire;
      when(at(grant, i).and(taken.not()), () => reserved.set(reserved.add(1))).elsewhen(taken.and(at(grant, i).not()), () =>
        reserved.set(reserved.sub(1)),
      );
    });
  }
}

/** One-hot: the lowest bit that is set. */
function lowest(bits: readonly Bool[]): Bool[] {
  return bits.map((bit, i) => (i === 0 ? bit : bit.and(anyOf(bits.slice(0, i)).not())));
}
