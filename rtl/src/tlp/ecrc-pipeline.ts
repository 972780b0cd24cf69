import {
  Bundle,
  type BundleType,
  bool,
  cat,
  clog2,
  input,
  Module,
  mux,
  output,
  reg,
  select,
  stream,
  type UInt,
  type UIntType,
  u,
  uint,
  when,
} from '@hdl/ts-hdl';
import { at } from '../at.ts';
import { moved, shareOf } from './ecrc.ts';
import { type Header, hasData, type TlpBeatType, tlpBeat } from './tlp.ts';
import { hasLongHeader, wireHeader } from './wire-header.ts';

const fields = (width: number) => ({
  beat: tlpBeat(width),
  /** DW of the beat that count, from lane 0: all of them but in the last beat of a TLP. */
  count: uint(clog2(width / 32 + 1)),
  /** Of the TLP, the same in all its beats; the pipeline passes it on. */
  mark: bool,
});

/** A beat that goes into the pipeline. */
export const countedBeat = (width: number): CountedBeatType =>
  cached(counted, width, () => class CountedBeat extends Bundle(fields(width)) {});
export type CountedBeatType = BundleType<{ beat: TlpBeatType; count: UIntType<number>; mark: typeof bool }>;

/** The same when it comes out: with the last beat of a TLP comes the CRC register after it. */
export const summedBeat = (width: number): SummedBeatType =>
  cached(summed, width, () => class SummedBeat extends Bundle({ ...fields(width), register: uint(32) }) {});
export type SummedBeatType = BundleType<{
  beat: TlpBeatType;
  count: UIntType<number>;
  mark: typeof bool;
  register: UIntType<32>;
}>;

const counted = new Map<number, CountedBeatType>();
const summed = new Map<number, SummedBeatType>();
function cached<T>(known: Map<number, T>, width: number, make: () => T): T {
  const type = known.get(width) ?? make();
  known.set(width, type);
  return type;
}

/** DW in the last beat of what follows a header, 0 .. lanes: of `length` DW, where 0 stands for a multiple of the lanes, if there is `something`. */
export function lastCount(h: Header, digest: UInt<1>, lanes: number): UInt<number> {
  const bits = clog2(lanes);
  const data = mux(hasData(h), h.length.part(0, bits), u(bits, 0));
  const rest = data.add(digest.zext(bits));
  const some = hasData(h).or(digest);
  return mux(some.and(rest.any().not()), u(bits + 1, lanes), rest.zext(bits + 1));
}

/** Bits of which the shares are added up in the first stage. */
const group = 128;

/** Bit 0 of Type and EP in the first DW: they may change on the way, and count as 1 (2.7.1). */
const variantBits = 0x0040_0001;

/** A header as the message begins: 128 bits, a short one behind 32 zeros, with the seed of all ones added. */
function messageHeader(h: Header): UInt<128> {
  const [first, second, third, fourth] = wireHeader(h);
  const start = first.or(variantBits).not();
  const long = cat(fourth, third, second, start).as(128);
  return mux(hasLongHeader(h), long, cat(third, second, start, u(32, 0)).as(128));
}

const sum = (shares: readonly UInt<32>[]): UInt<32> => shares.reduce((a, b) => a.xor(b));

/** Moves a register back by `steps` DW, of which `low` and the bit above it, if there is one, are looked at. */
function movedBack(register: UInt<32>, steps: UInt<number>, low: number): UInt<32> {
  const bits = Math.min(2, steps.width - low);
  const choices = Array.from({ length: 2 ** bits }, (_, digit) => moved(register, -32 * (digit << low)));
  return select(steps.part(low, bits), choices);
}

/**
 * The CRC of TLPs, a beat per cycle: header and the counted DW of all beats (2.7.1, rule C71c).
 *
 *     stage 1: the share of each 128 bits     stage 2: the register after the beat     stage 3, and 4 from 256 bits: back over DW that do not count
 *
 * The last beat is taken as full, with zeros behind what counts, and the register is then moved back over the zeros. 3 cycles, 4 from a width of 256 bits on; the
 * stages move together. `valid`, payload and the CRC come from registers; `in.ready` depends on `out.ready`. Reset empties it.
 */
export class EcrcPipeline extends Module<{ width: number }> {
  readonly in = input(stream(countedBeat(this.p.width)));
  readonly out = output(stream(summedBeat(this.p.width)));

  private readonly lanes = this.p.width / 32;
  /** Bits that say how many DW of a beat do not count: two of them are looked at in a stage. */
  private readonly step_bits = clog2(this.lanes);
  private readonly share_valid = reg(bool, { init: 0 });
  private readonly share_beat = reg(countedBeat(this.p.width));
  private readonly header_share = reg(uint(32));
  private readonly data_share = parts(this.p.width).map(() => reg(uint(32)));
  /** Stage 2 with the register after each beat, then the stages that move it back. */
  private readonly stage_valid = this.stages(() => reg(bool, { init: 0 }));
  private readonly stage_beat = this.stages(() => reg(summedBeat(this.p.width)));

  private stages<X>(make: () => X): X[] {
    return Array.from({ length: 1 + Math.ceil(this.step_bits / 2) }, make);
  }

  protected override logic() {
    const result_valid = at(this.stage_valid, this.stage_valid.length - 1);
    const go = result_valid.not().or(this.out.ready);
    this.in.ready.set(go);
    when(go, () => {
      this.share();
      this.add();
      this.moveBack();
    });
    this.out.valid.set(result_valid);
    this.out.put(at(this.stage_beat, this.stage_beat.length - 1));
  }

  private share(): void {
    const { beat, count } = this.in.payload;
    this.share_valid.set(this.in.valid);
    this.share_beat.set(this.in.payload);
    this.header_share.set(shareOf(messageHeader(beat.header), 0));
    const lanes = beat.data.words(32).map((word, i) => mux(count.gt(i), word, u(32, 0)));
    parts(this.p.width).forEach(({ first, size }, i) => {
      const word = cat(...lanes.slice(first, first + size).toReversed());
      at(this.data_share, i).set(shareOf(word, 32 * (this.lanes - first - size)));
    });
  }

  private add(): void {
    const { beat, count, mark } = this.share_beat;
    const register = at(this.stage_beat, 0).register;
    const before = mux(beat.first, this.header_share, register);
    // A TLP without data is its header alone.
    const start = mux(count.any(), moved(before, this.p.width), this.header_share);
    at(this.stage_valid, 0).set(this.share_valid);
    when(this.share_valid, () => {
      at(this.stage_beat, 0).set({ beat, count, mark, register: sum([start, ...this.data_share]) });
    });
  }

  private moveBack(): void {
    for (let i = 1; i < this.stage_valid.length; i++) {
      const { beat, count, mark, register } = at(this.stage_beat, i - 1);
      const steps = u(this.step_bits, 0).sub(count.trunc(this.step_bits));
      at(this.stage_valid, i).set(at(this.stage_valid, i - 1));
      at(this.stage_beat, i).set({ beat, count, mark, register: movedBack(register, steps, 2 * (i - 1)) });
    }
  }
}

/** Lanes of a beat in parts of 128 bits. */
function parts(width: number): readonly { readonly first: number; readonly size: number }[] {
  const size = Math.min(width, group) / 32;
  return Array.from({ length: width / 32 / size }, (_, i) => ({ first: i * size, size }));
}
