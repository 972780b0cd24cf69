import {
  allOf,
  anyOf,
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
import { at } from '../../at.ts';
import { beyond, laneBits, lanesOf } from '../lane-rotator.ts';
import { Place, placedBeat, RegisterWrite, windowWrite } from './interfaces.ts';

/**
 * Performs the memory writes that an endpoint received, whatever DW they begin at, with the byte enables of the first and the last DW (C8).
 *
 * Writes to the BAR memory go beat by beat: each is a window from the lane of the TLP's first DW, so an unaligned TLP takes no cycle more than an
 * aligned one. 1 cycle of latency, a beat per cycle.
 *
 *     beat    d3 d2 d1 d0 │  -  - d5 d4    an MWr of 6 DW to DW 3 of a word of 4
 *     window  d0 d3 d2 d1 │ d4  -  - d5    lane 3 at word n, lanes 0 to 2 at word n + 1; then n + 1 and n + 2
 *
 * Writes to registers go DW by DW, one per cycle, each with its byte enables; a DW without any is left out, but takes its cycle. A beat stays inside until
 * its last DW is taken.
 *
 * Beats that go nowhere or must not be used come and go in 1 cycle. `done` is 1 in the cycle in which a beat leaves. `memory_write` and `register_write` come from
 * registers, `in.ready` depends on their ready. Reset drops the beat inside.
 */
export class PostedWriter extends Module<{
  /** Bits of a beat and of a memory word: 64, 128, 256 or 512. */
  readonly width: number;
  /** Bits of a BAR memory address, which counts words. */
  readonly address_width: number;
}> {
  readonly in = input(stream(placedBeat(this.p.width)));
  readonly memory_write = output(stream(windowWrite(this.p.width, this.p.address_width)));
  readonly register_write = output(stream(RegisterWrite));
  /** A beat is inside; it leaves. */
  readonly busy = output(bool);
  readonly done = output(bool);
  private readonly held = reg(bool, { init: 0 });
  private readonly to_memory = reg(bool);
  private readonly to_registers = reg(bool);
  private readonly window = reg(windowWrite(this.p.width, this.p.address_width));
  private readonly owner = reg(uint(3));
  /** Byte address of the register that is next, and its lane. */
  private readonly dword = reg(uint(30));
  private readonly lane = reg(uint(laneBits(this.p.width)));
  /** Of that lane: some byte is written, and it is the beat's last one. */
  private readonly enabled = reg(bool);
  private readonly at_end = reg(bool);
  /** DW of the TLP that are left, those in the beat not counted, less 1. */
  private readonly left = reg(uint(10));
  /** The payload is complete. */
  private readonly complete = reg(bool);
  /** DW of the beat less 1. */
  private readonly last_lane = reg(uint(laneBits(this.p.width)));

  protected override logic() {
    const bits = laneBits(this.p.width);
    const { held, lane } = this;
    const masks = this.window.mask.words(4);
    const done = this.register_write.ready.or(this.enabled.not());
    const leaves = mux(this.to_memory, this.memory_write.ready, mux(this.to_registers, this.at_end.and(done), 1));
    const advance = held.not().or(leaves);

    this.memory_write.valid.set(held.and(this.to_memory));
    this.memory_write.put(this.window);
    this.register_write.valid.set(allOf([held, this.to_registers, this.enabled]));
    this.register_write.put({
      function: this.owner,
      address: this.dword.cat(u(2, 0)),
      data: select(lane, lanesOf(this.window.data)),
      mask: select(lane, masks),
    });
    when(allOf([held, this.to_registers, done]), () => {
      const following = lane.add(1);
      this.lane.set(following);
      this.enabled.set(
        select(
          following,
          masks.map(mask => mask.any()),
        ),
      );
      this.at_end.set(following.eq(this.last_lane));
      this.dword.set(this.dword.add(1));
    });
    this.busy.set(held);
    this.done.set(held.and(leaves));
    this.in.ready.set(advance);
    when(advance, () => {
      held.set(this.in.valid);
      when(this.in.valid, () => this.load(bits));
    });
  }

  private load(bits: number): void {
    const { data, first, bad, place, offset, length, first_be, last_be } = this.in.payload;
    const lanes = 2 ** bits;
    // A beat behind all of the payload is a digest.
    const usable = bad.or(first.not().and(this.complete)).not();
    const memory = place.eq(Place.memory);
    const left = mux(first, length.sub(1), this.left);
    const whole = left.shr(bits).any();
    // Byte enables in the order of the payload; a lane beyond the end has none.
    const enables = Array.from({ length: lanes }, (_, i): UInt<4> => {
      const begins: Bool = i === 0 ? first : u(1, 0);
      const ends = whole.not().and(left.trunc(bits).eq(i));
      const covered = anyOf([whole, beyond(left.trunc(bits), i), left.trunc(bits).eq(i)]);
      const inner = mux(ends, last_be, 0xf);
      return mux(begins, first_be, inner).and(repeat(covered, 4).as(4));
    });
    const mask = cat(...enables.toReversed()) as UInt<number>;
    const start = offset.part(2, bits);
    const by = mux(memory, start, 0);
    this.to_memory.set(memory.and(usable));
    this.to_registers.set(place.eq(Place.registers).and(usable));
    this.window.data.set(rotated(data, by, 32));
    this.window.mask.set(rotated(mask, by, 4));
    this.window.start.set(start);
    this.window.address.set(mux(first, offset.part(2 + bits, this.p.address_width), this.window.address.add(1)));
    this.owner.set(this.in.payload.function);
    this.lane.set(0);
    this.enabled.set(at(enables, 0).any());
    this.at_end.set(whole.not().and(left.trunc(bits).any().not()));
    when(first, () => this.dword.set(offset.part(2, 30)));
    this.last_lane.set(mux(whole.not(), left.trunc(bits), lanes - 1));
    this.left.set(left.sub(lanes));
    this.complete.set(whole.not());
  }
}

/** Words of `lane` bits, each moved up by `by` of them, round and round: a multiplexer level for each bit of `by`. */
export function rotated(word: UInt<number>, by: UInt<number>, lane: number): UInt<number> {
  let result = word;
  for (let bit = 0; bit < by.width; bit++) result = mux(by.bit(bit), result.rotl(lane << bit), result);
  return result;
}
