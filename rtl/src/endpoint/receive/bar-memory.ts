import {
  allOf,
  anyOf,
  type Bool,
  bool,
  cat,
  clog2,
  connect,
  HdlError,
  input,
  Module,
  mux,
  muxOneHot,
  output,
  reg,
  ShowAheadFifo,
  SimpleDualPortRam,
  SkidBuffer,
  stream,
  uint,
  vec,
  when,
  wire,
} from '@hdl/ts-hdl';
import { at } from '../../at.ts';
import { roundRobin } from '../../link/round-robin.ts';
import { memoryWrite } from '../interfaces.ts';
import { beyond, laneBits, lanesOf, wordOf } from '../lane-rotator.ts';
import { AtomicUnit } from './atomic-unit.ts';
import { atomicRequest, memoryWindow, windowWrite } from './interfaces.ts';

/** Words that a reader may have on the way or waiting: a round takes 3 cycles, the fourth fills up after a stall. */
const credits = 4;

/**
 * The memory of an endpoint, which its functions' memory BARs show: block RAM with a write enable per byte, one write port, one read port.
 *
 *     link_write ──────┐ fixed     ┌─ column 0 … width / 32 - 1 ─┐    round ┌─ link_read
 *     write[0] …       ┼ priority ─►  32 bits wide, each with     ├◄─ robin ┴─ read[0] …
 *     atomic ──────────┘           └─ its own address ───────────┘
 *                                        └──► FIFO per reader ─► link_data, data[0] …
 *
 * The RAM is divided into columns of one DW, each with its own address: so the link reads and writes windows, as many bytes as a word has from any DW
 * on, in one cycle; `link_data` and the data of a window are by lane of the memory, the lanes below `start` being those of the next word. After the last word
 * comes the first. The other ports have whole words.
 *
 * Writes: one per cycle, in memory at the edge that accepts it. The link comes first, then the lower index; `link_write.ready` is 1 except while an
 * AtomicOp is performed (4 cycles, at 64 bits 6 for 128-bit operands), which locks all writers out; another writer's ready depends on the valid of those before it.
 *
 * Reads: one per cycle over all readers, round robin; the data comes 2 cycles after the request was accepted, in order per reader, from LUT RAM. A reader has 4
 * of its own in flight and buffered, so a reader that stalls delays nobody and loses nothing, and a single reader gets a word per cycle. An AtomicOp
 * takes the read port for a cycle. The ready of a reader comes from a register: an address that has to wait for its turn is held. That of the link depends on the valid of all others.
 * A read that is accepted in the cycle after a write was accepted, or later, sees it; in the same cycle it sees the old word, or the new one if it has to wait.
 * AtomicOps: `AtomicUnit`. Reset forgets requests and responses; the bytes stay.
 */
export class BarMemory extends Module<{
  /** Bits of a word: 64, 128, 256 or 512. */
  readonly width: number;
  /** Size in bytes: a power of two of at least two words. */
  readonly bytes: number;
  /** Ports for words, beside those of the link. */
  readonly writers: number;
  readonly readers: number;
}> {
  /** Bits of a word address. */
  private readonly address_width: number = clog2(this.depth);
  readonly link_write = input(stream(windowWrite(this.p.width, this.address_width)));
  readonly link_read = input(stream(memoryWindow(this.p.width, this.address_width)));
  readonly link_data = output(stream(uint(this.p.width)));
  readonly atomic = input(stream(atomicRequest(this.address_width + laneBits(this.p.width))));
  readonly atomic_result = output(stream(uint(128)));
  readonly write = input(vec(this.p.writers, stream(memoryWrite(this.p.width, this.address_width))));
  readonly read = input(vec(this.p.readers, stream(uint(this.address_width))));
  readonly data = output(vec(this.p.readers, stream(uint(this.p.width))));
  private readonly column = Array.from(
    { length: this.p.width / 32 },
    () => new SimpleDualPortRam({ type: uint(32), depth: this.depth, lane: 8, style: 'block' }),
  );
  private readonly unit = new AtomicUnit({ width: this.p.width, address_width: this.address_width });
  private readonly writing = wire(bool);
  private readonly written = wire(windowWrite(this.p.width, this.address_width));
  private readonly reading = wire(bool);
  private readonly window = wire(memoryWindow(this.p.width, this.address_width));
  private readonly word = wire(uint(this.p.width));
  /** Readers, the link first, up to and including the one served last: they come after the others. */
  private readonly served = reg(uint(this.p.readers + 1), { init: 0 });
  /** The reader whose word is at the RAM's output, one-hot. */
  private readonly arriving = reg(uint(this.p.readers + 1), { init: 0 });
  /** Words that a reader asked for and did not take yet. */
  private readonly reserved = reg(vec(this.p.readers + 1, uint(clog2(credits + 1))), { init: 0 });
  /** Addresses of the readers: whose turn it is is known late, and must not reach what makes the addresses. */
  private readonly addresses = this.read.map(() => new SkidBuffer({ type: uint(this.address_width) }));
  private readonly response = Array.from(
    { length: this.p.readers + 1 },
    () => new ShowAheadFifo({ type: uint(this.p.width), depth: credits }),
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
    connect(this.unit, { request: this.atomic, word: this.word });
    this.atomic_result.from(this.unit.result);
    this.serveWriters();
    this.serveReaders();
    this.connectColumns();
  }

  private serveWriters(): void {
    const { unit } = this;
    const free = unit.lock.not();
    const earlier = (writer: number): Bool =>
      anyOf([this.link_write.valid, ...this.write.slice(0, writer).map(w => w.valid)]).not();
    this.link_write.ready.set(free);
    this.written.set(this.link_write.payload);
    this.write.forEach((w, i) => {
      w.ready.set(free.and(earlier(i)));
      when(w.valid.and(earlier(i)), () => this.written.set({ ...fieldsOf(w.payload), start: 0 }));
    });
    when(unit.write, () => this.written.set({ address: unit.address, start: 0, data: unit.data, mask: unit.mask }));
    const asked = anyOf([this.link_write.valid, ...this.write.map(w => w.valid)]);
    this.writing.set(unit.write.or(free.and(asked)));
  }

  private serveReaders(): void {
    const { unit, link_read, addresses } = this;
    const free = unit.read.not();
    addresses.forEach((skid, i) => {
      connect(skid, { in: at(this.read, i) });
    });
    const able = addresses.map(({ out }, i) => out.valid.and(at(this.reserved, i + 1).ne(credits)));
    const served = addresses.map((_, i) => this.served.bit(i + 1));
    // Round robin with the link as the first one. Whether it asks is known late: so its turn does not depend on it, and the choice of the others neither.
    const fresh = anyOf(able.map((a, i) => a.and(at(served, i).not())));
    const turn = allOf([at(this.reserved, 0).ne(credits), this.served.bit(0).not().or(fresh.not()), free]);
    const taken = link_read.valid.and(turn);
    const others = roundRobin(able, cat(...served.toReversed()));
    const grant = [taken, ...others.map(chosen => allOf([chosen, free, taken.not()]))];
    const granted = taken.or(anyOf(able).and(free));

    link_read.ready.set(turn);
    this.window.set(link_read.payload);
    addresses.forEach(({ out }, i) => {
      out.ready.set(at(grant, i + 1));
    });
    when(taken.not(), () => {
      const address = muxOneHot(
        others,
        addresses.map(({ out }) => out.payload),
      );
      this.window.set({ address, start: 0 });
    });
    when(unit.read, () => this.window.set({ address: unit.address, start: 0 }));
    this.reading.set(granted.or(unit.read));
    this.arriving.set(cat(...grant.toReversed()));
    when(granted, () => this.served.set(cat(...grant.map((_, i) => anyOf(grant.slice(i))).toReversed())));

    const outputs = [this.link_data, ...this.data];
    this.response.forEach((fifo, i) => {
      // There is room: the word was reserved.
      fifo.in.valid.set(this.arriving.bit(i));
      fifo.in.put(this.word);
      const out = at(outputs, i);
      out.from(fifo.out);
      const reserved = at(this.reserved, i);
      when(at(grant, i).and(out.fire.not()), () => reserved.set(reserved.add(1))).elsewhen(out.fire.and(at(grant, i).not()), () =>
        reserved.set(reserved.sub(1)),
      );
    });
  }

  private connectColumns(): void {
    const { written, window } = this;
    // Only windows of the link begin beyond lane 0, so the sums need not wait for the choice.
    const next_written = this.link_write.payload.address.add(1);
    const next_read = this.link_read.payload.address.add(1);
    const data = lanesOf(written.data);
    this.column.forEach((column, lane) => {
      connect(column, {
        write_enable: mux(this.writing, written.mask.part(4 * lane, 4), 0),
        write_address: mux(beyond(written.start, lane), next_written, written.address),
        write_data: at(data, lane),
        read_enable: this.reading,
        read_address: mux(beyond(window.start, lane), next_read, window.address),
      });
    });
    this.word.set(wordOf(this.column.map(column => column.read_data)));
  }
}

const fieldsOf = <A, D, M>({ address, data, mask }: { readonly address: A; readonly data: D; readonly mask: M }) => ({
  address,
  data,
  mask,
});
