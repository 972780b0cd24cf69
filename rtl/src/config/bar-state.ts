import { cat, mux, type UInt, u } from '@hdl/ts-hdl';
import { sizeCode } from './extended-registers.ts';
import type { BarParams } from './function-params.ts';

/** A word of a BAR as the registers hold it. */
interface BarWord {
  readonly attributes: UInt<4>;
  readonly base: UInt<28>;
}

/** Address bits inside a BAR, as a mask: of a resizable one those of the chosen size. */
export function insideOf(bar: BarParams, size: UInt<6> | undefined): UInt<64> {
  const mask = (bytes: number) => u(64, BigInt(bytes) - 1n);
  if (!bar.resizable || !size) return mask(bar.bytes);
  const others = bar.resizable.filter(bytes => bytes !== bar.bytes);
  return others.reduce<UInt<64>>((rest, bytes) => mux(size.eq(sizeCode(bytes)), mask(bytes), rest), mask(bar.bytes));
}

/** A BAR as the address decoder wants it: `BarState`. */
export function barState(bar: BarParams, low: BarWord, high: BarWord | undefined, inside: UInt<64>) {
  const lower = cat(low.base, u(4, 0)).as(32);
  const base = bar.width === 64 && high ? cat(high.base, high.attributes, lower).as(64) : lower.zext(64);
  return { base, compare: inside.part(12, 52).not() };
}

/** Bits of the two words of a BAR that hardware keeps at 0, because the chosen size is above the smallest one. */
export function clearedBits(bar: BarParams, inside: UInt<64>, upper: boolean): { attributes: UInt<4>; base: UInt<28> } {
  const word = inside.part(upper ? 32 : 0, 32);
  if (!bar.resizable) return { attributes: u(4, 0), base: u(28, 0) };
  return { attributes: upper ? word.trunc(4) : u(4, 0), base: word.part(4, 28) };
}
