import type { Sig } from '@hdl/ts-hdl';
import { allOf, anyOf, type Bool, HdlError, lowestBit, muxOneHot, type UInt, u } from '@hdl/ts-hdl';
import { at } from '../../at.ts';
import type { BarState, FunctionControlsType } from '../../config/function-controls.ts';
import type { Header } from '../../tlp/tlp.ts';
import { Place } from './interfaces.ts';

/** What lies behind a BAR. */
export interface BarMap {
  readonly to: 'memory' | 'registers';
  /** Byte offset in the BAR memory, or in the function's registers: a multiple of `bytes`. */
  readonly base: number;
  /** Bytes: a power of two of at least 4,096. The BAR may be made smaller, and then shows the beginning; what it shows beyond is nobody's. */
  readonly bytes: number;
}

/** The BARs of one function, in the order of `FunctionControls.bars`; a missing one has no meaning. */
export type FunctionMap = readonly (BarMap | undefined)[];

/** Where a memory request goes. */
export interface Decoded {
  /** A BAR claims it, and memory space is enabled (C83). */
  readonly hit: Bool;
  /** One of `Place`, as the next fields 0 without a hit. */
  readonly place: UInt<2>;
  readonly function: UInt<3>;
  readonly offset: UInt<32>;
  /** One bit for each function. */
  readonly functions: UInt<8>;
  readonly mps: UInt<3>;
}

type Controls = Sig<FunctionControlsType>;

/** 1 if an address lies in a BAR that exists, and within what lies behind it. */
function claims(
  bar: Sig<typeof BarState>,
  address: UInt<64>,
  bytes: number,
): { readonly hit: Bool; readonly inner: UInt<number> } {
  const bits = Math.log2(bytes);
  const { base, compare } = bar;
  const page = address.part(12, 52);
  const inside = page.and(compare.not());
  const same = page.xor(base.part(12, 52)).and(compare).any().not();
  const beyond = inside.part(bits - 12, 64 - bits).any();
  const low = address.part(0, 12);
  const inner = bits === 12 ? low : inside.part(0, bits - 12).cat(low);
  return { hit: allOf([compare.any(), same, beyond.not()]), inner };
}

/**
 * Finds the BAR of a memory request: one comparison per BAR, then a choice; of BARs that overlap the first function's first one has it. A request that does
 * not cross 4 KiB (C5) and begins in a BAR ends in it, as BARs have at least that. In D3 and while a function is reset its memory enable is 0.
 * @throws HdlError for a map that is not made of aligned powers of two, or that has more BARs than the controls.
 */
export function decode(header: Header, controls: readonly Controls[], maps: readonly FunctionMap[]): Decoded {
  const found = maps.flatMap((map, f) => {
    const control = at(controls, f);
    return map.flatMap((bar, b) => {
      if (!bar) return [];
      check(bar, f, b);
      const { hit, inner } = claims(at(control.bars, b), header.address, bar.bytes);
      const offset = inner.zext(32).or(bar.base);
      return [{ hit: hit.and(control.memory_enable), offset, function: f, place: Place[bar.to], mps: control.mps }];
    });
  });
  if (found.length === 0)
    return { hit: u(1, 0), place: u(2, 0), function: u(3, 0), offset: u(32, 0), functions: u(8, 0), mps: u(3, 0) };
  const first = lowestBit(found.map(f => f.hit).reduce<UInt<number>>((low, hit) => hit.cat(low) as UInt<number>, u(1, 0)));
  const hits = found.map((_, i) => first.bit(i + 1));
  return {
    hit: anyOf(hits),
    place: muxOneHot(
      hits,
      found.map(f => u(2, f.place)),
    ),
    function: muxOneHot(
      hits,
      found.map(f => u(3, f.function)),
    ),
    offset: muxOneHot(
      hits,
      found.map(f => f.offset),
    ),
    functions: muxOneHot(
      hits,
      found.map(f => u(8, 1 << f.function)),
    ),
    mps: muxOneHot(
      hits,
      found.map(f => f.mps),
    ),
  };
}

function check({ base, bytes }: BarMap, f: number, b: number): void {
  const where = `BAR ${b} of function ${f}`;
  if (bytes < 4096 || !Number.isInteger(Math.log2(bytes)) || bytes > 2 ** 32)
    throw new HdlError(`${where} has a power of two of 4096 to 2^32 bytes, not ${bytes}`);
  if (base < 0 || base % bytes !== 0 || base + bytes > 2 ** 32)
    throw new HdlError(`the base of ${where} is a multiple of its ${bytes} bytes below 2^32, not ${base}`);
}
