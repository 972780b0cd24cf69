import {
  allOf,
  type Bool,
  bool,
  cat,
  input,
  Module,
  mux,
  output,
  reg,
  repeat,
  select,
  stream,
  type UInt,
  u,
  uint,
  when,
} from '@hdl/ts-hdl';
import { laneBits } from '../lane-rotator.ts';
import { AtomicOp, atomicRequest } from './interfaces.ts';

/** Bits of the largest operand. */
const operandBits = 128;

/**
 * Performs AtomicOps on the BAR memory: reads, computes, writes, while nobody else may write (6.15, rule C98). Little-endian.
 *
 * | cycle | |
 * |---|---|
 * | 0 | the request is taken |
 * | 1 | `lock`; the word is read |
 * | 2 | the operand is cut out |
 * | 3 | the new value is computed |
 * | 4 | the new value is written, or not if a CAS does not find what it compares; `result` is offered; the lock ends after this cycle |
 *
 * At 64 bits an operand of 128 is two words, which are read in cycles 1 and 2 and written in the last two: 6 cycles. The next request is taken when the
 * result has been taken and the value is written. The RAM's ports have to be free whenever they are asked for; the word comes a cycle later. Readers are not
 * locked out: one of the BAR memory's own may see half of a 128-bit value. Reset abandons the operation; what it has not written stays as it was.
 */
export class AtomicUnit extends Module<{ readonly width: number; readonly address_width: number }> {
  /** Words of an operand of 128 bits. */
  private readonly words = Math.max(1, operandBits / this.p.width);
  readonly request = input(stream(atomicRequest(this.p.address_width + laneBits(this.p.width))));
  readonly result = output(stream(uint(operandBits)));
  /** Nobody else may write. */
  readonly lock = output(bool);
  readonly read = output(bool);
  /** Word that is read or written. */
  readonly address = output(uint(this.p.address_width));
  readonly word = input(uint(this.p.width));
  readonly write = output(bool);
  readonly data = output(uint(this.p.width));
  readonly mask = output(uint(this.p.width / 8));
  private readonly held = reg(atomicRequest(this.p.address_width + laneBits(this.p.width)));
  private readonly locked = reg(bool, { init: 0 });
  /** What happens in this cycle: bit i in cycle 1 + i of an operation of one word. */
  private readonly reading = reg(bool, { init: 0 });
  private readonly cutting = reg(bool, { init: 0 });
  private readonly computing = reg(bool, { init: 0 });
  private readonly writing = reg(bool, { init: 0 });
  /** Which word of the operand is read, arrives or is written. */
  private readonly second = reg(bool, { init: 0 });
  private readonly arrives_second = reg(bool, { init: 0 });
  private readonly old = reg(uint(operandBits));
  private readonly fresh = reg(uint(operandBits));
  private readonly changes = reg(bool);
  private readonly answers = reg(bool, { init: 0 });

  protected override logic() {
    const { held, reading, cutting, computing, writing, second } = this;
    const bits = laneBits(this.p.width);
    const pair = this.words === 2 ? held.size.eq(2) : u(1, 0);
    const more = pair.and(second.not());

    this.request.ready.set(this.locked.not().and(this.answers.not()));
    when(this.request.fire, () => {
      held.set(this.request.payload);
      this.locked.set(1);
      reading.set(1);
    });
    when(reading, () => {
      reading.set(more);
      second.set(more);
    });
    cutting.set(reading);
    this.arrives_second.set(second);
    when(cutting, () => this.cut());
    computing.set(cutting.and(reading.not()));
    when(computing, () => {
      this.compute();
      this.answers.set(1);
    });
    when(this.result.fire, () => this.answers.set(0));
    when(computing, () => writing.set(1));
    when(writing, () => {
      writing.set(more);
      second.set(more);
      this.locked.set(more);
    });

    this.lock.set(this.locked);
    this.read.set(reading);
    this.address.set(held.address.part(bits, this.p.address_width).add(second.zext(this.p.address_width)));
    this.write.set(writing.and(this.changes));
    const { data, mask } = this.lanes();
    this.data.set(data);
    this.mask.set(mask);
    this.result.valid.set(this.answers);
    this.result.put(this.old);
  }

  /** Takes the operand out of the word that came. */
  private cut(): void {
    const { address, size } = this.held;
    if (this.words === 2) {
      const single = mux(size.eq(0).and(address.bit(0)), this.word.part(32, 32).zext(64), this.word.as(64));
      when(this.arrives_second, () => this.old.part(64, 64).set(this.word.as(64))).otherwise(() =>
        this.old.part(0, 64).set(single),
      );
      return;
    }
    const blocks = this.word.words(operandBits);
    const block: UInt<128> =
      blocks.length === 1 ? this.word.as(operandBits) : select(address.part(2, laneBits(this.p.width) - 2), blocks);
    const half = mux(address.bit(1), block.part(64, 64), block.part(0, 64));
    const dw = select(address.part(0, 2), block.words(32));
    this.old.set(mux(size.eq(2), block, mux(size.eq(1), half.zext(128), dw.zext(128))));
  }

  private compute(): void {
    const { old } = this;
    const { op, size, operand, swap } = this.held;
    const is = (value: number): Bool => op.eq(value);
    const same = [0, 1, 2].map(code => old.part(0, 32 << code).eq(operand.part(0, 32 << code)));
    const sum = old.part(0, 64).add(operand.part(0, 64)).zext(128);
    this.fresh.set(mux(is(AtomicOp.fetchAdd), sum, mux(is(AtomicOp.swap), operand, swap)));
    this.changes.set(is(AtomicOp.compareSwap).not().or(select(size, same)));
  }

  /** The new value in all lanes that it could have, and the byte enables of those that it has. */
  private lanes(): { readonly data: UInt<number>; readonly mask: UInt<number> } {
    const { fresh, second } = this;
    const { address, size } = this.held;
    const lanes = this.p.width / 32;
    const bits = laneBits(this.p.width);
    const dws = fresh.words(32);
    const lane = address.part(0, bits);
    const list = Array.from({ length: lanes }, (_, i) => {
      const of = (count: number): UInt<32> => dws[i % count] ?? dws[0] ?? u(32, 0);
      const wide = this.words === 2 ? mux(second, dws[2 + i] ?? of(1), of(2)) : of(4);
      const low = i % 4;
      const near = bits > 2 ? lane.part(2, bits - 2).eq(i >> 2) : u(1, 1);
      const pair = bits > 1 ? lane.bit(1).eq((low >> 1) & 1) : u(1, 1);
      const exact = lane.bit(0).eq(i & 1);
      const mine = allOf([near, mux(size.eq(2), u(1, 1), allOf([pair, size.eq(1).or(exact)]))]);
      return { data: mux(size.eq(2), wide, mux(size.eq(1), of(2), of(1))), mask: repeat(mine, 4).as(4) };
    });
    return {
      data: cat(...list.map(l => l.data).toReversed()),
      mask: cat(...list.map(l => l.mask).toReversed()) as UInt<number>,
    };
  }
}
