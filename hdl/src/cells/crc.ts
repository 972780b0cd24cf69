import { HdlError, quantity } from '../lang/errors.ts';
import { input, Module, output, reg } from '../lang/module.ts';
import { reverse } from '../lang/one-hot.ts';
import { mux, u } from '../lang/ops.ts';
import { bool, uint } from '../lang/shapes.ts';
import { when } from '../lang/statements.ts';
import type { UInt } from '../lang/values.ts';
import type { Contract } from './contract.ts';
import { bitsFrom, sumsOf } from './linear.ts';

/** A cyclic redundancy check, in the terms of the catalogue of parametrised CRC algorithms (Williams; reveng). */
export interface CrcSpec<W extends number = number> {
  readonly width: W;
  /** Without its highest term; the next lower one is bit width - 1. */
  readonly polynomial: bigint;
  readonly init: bigint;
  /** The least significant bit of a byte goes first. */
  readonly reflectIn: boolean;
  /** The result is the register with its bits in reverse. */
  readonly reflectOut: boolean;
  /** Is added to the result, modulo 2. */
  readonly xorOut: bigint;
}

const spec = <W extends number>(width: W, polynomial: bigint, init: bigint, reflect: boolean, xorOut: bigint): CrcSpec<W> => ({
  width,
  polynomial,
  init,
  reflectIn: reflect,
  reflectOut: reflect,
  xorOut,
});

const ethernet = spec(32, 0x04c11db7n, 0xffff_ffffn, true, 0xffff_ffffn);

/**
 * Checks in wide use. PCI Express: LCRC and ECRC have the polynomial, the seed and the bit order of Ethernet's; DLLPs have a CRC of 16 bits. The
 * first byte that is sent is byte 0.
 */
export const crcs = {
  /** CRC-32/ISO-HDLC: Ethernet, zlib. */
  crc32: ethernet,
  /** CRC-32/ISCSI (Castagnoli). */
  crc32c: spec(32, 0x1edc6f41n, 0xffff_ffffn, true, 0xffff_ffffn),
  /** CRC-16/KERMIT: CRC-CCITT as the ITU has it. */
  crc16Ccitt: spec(16, 0x1021n, 0n, true, 0n),
  /** CRC-16/IBM-3740: often called CCITT-FALSE. */
  crc16CcittFalse: spec(16, 0x1021n, 0xffffn, false, 0n),
  /** CRC-8/SMBUS. */
  crc8: spec(8, 0x07n, 0n, false, 0n),
  pcieLcrc: ethernet,
  pcieEcrc: ethernet,
  pcieDllp: spec(16, 0x100bn, 0xffffn, true, 0xffffn),
} as const;

/**
 * The register after `data`, all bits in parallel: each is one exclusive or. Of whole bytes byte 0, the lowest, goes first; data of other widths go as
 * one unit.
 * @throws HdlError if the polynomial does not fit.
 */
export function crcNext<W extends number>(crc: CrcSpec<W>, state: UInt<W>, data: UInt<number>): UInt<W> {
  const { width, polynomial, reflectIn } = crc;
  if (polynomial >> BigInt(width) !== 0n)
    throw new HdlError(
      `the polynomial 0x${polynomial.toString(16)} of a CRC of ${quantity(width, 'bit')} is written without its highest term`,
      { help: 'leave its highest term out: 0x07 stands for x^8 + x^2 + x + 1' },
    );
  let sums = bitsFrom(0, width);
  for (const bit of order(data.width, reflectIn)) {
    const feedback = (sums[width - 1] ?? 0n) ^ (1n << BigInt(width + bit));
    sums = sums.map((_, i) => (sums[i - 1] ?? 0n) ^ ((polynomial >> BigInt(i)) & 1n ? feedback : 0n));
  }
  const message: UInt<number> = (data as UInt<number>).cat(state as UInt<number>);
  return sumsOf(message, sums).as(width);
}

/** Numbers of the bits of a word in the order in which they go. */
function order(width: number, lowestFirst: boolean): number[] {
  const unit = width % 8 === 0 ? 8 : width;
  return Array.from({ length: width }, (_, i) => {
    const place = i % unit;
    return i - place + (lowestFirst ? place : unit - 1 - place);
  });
}

/** The check value that the register stands for. */
export function crcResult<W extends number>(crc: CrcSpec<W>, state: UInt<W>): UInt<W> {
  const reflected = crc.reflectOut ? reverse(state) : state;
  return reflected.xor(crc.xorOut);
}

/** The check of a packet, a word of `width` bits per cycle; it stands at the output in the cycle after a word. Reset begins anew. */
export class Crc<W extends number, D extends number> extends Module<{ crc: CrcSpec<W>; width: D }> {
  static readonly contract: Contract = {
    purpose: 'CRC of any polynomial, a whole word per cycle',
    latency: 1,
    paths: [],
    reset: 'begins anew',
    keeps: [],
  };
  /** A word comes. */
  readonly word = input(bool);
  /** It is the first one of a packet. */
  readonly first = input(bool);
  readonly data = input(uint(this.p.width));
  readonly result = output(uint(this.p.crc.width));
  private readonly state = reg(uint(this.p.crc.width), { init: this.p.crc.init });

  protected override logic() {
    const { crc } = this.p;
    const old = mux(this.first, u(crc.width, crc.init), this.state);
    const next = crcNext(crc, old, this.data);
    when(this.word, () => this.state.set(next));
    this.result.set(crcResult(crc, this.state));
  }
}
