import { cat, mux, type UInt, u } from '@hdl/ts-hdl';
import { firstByte, type Header, lengthDw, TlpType } from './tlp.ts';

/** Payload bytes that a request or AtomicOp would have with all bytes enabled: 4 .. 4,096. */
export const lengthBytes = (h: Header): UInt<13> => cat(lengthDw(h), u(2, 0)).as(13);

/** Bytes after the last enabled one in the last DW: 3 minus the position of the highest 1. */
function bytesAfter(enables: UInt<4>): UInt<2> {
  return mux(enables.bit(3), u(2, 0), mux(enables.bit(2), u(2, 1), mux(enables.bit(1), u(2, 2), u(2, 3))));
}

/**
 * Byte Count of the first completion of a memory read: from the first enabled byte to the last, 1 .. 4,096; 1 for a read without enabled bytes
 * (2.3.1.1, rule C55).
 */
export function requestedBytes(h: Header): UInt<13> {
  const one = h.length.eq(1);
  const after = bytesAfter(mux(one, h.first_be, h.last_be));
  return mux(one.and(h.first_be.any().not()), u(13, 1), lengthBytes(h).sub(firstByte(h.first_be).zext(13)).sub(after.zext(13)));
}

/** Bytes of an AtomicOp's operand, of which a CAS has two: 4, 8 or 16. That is the Byte Count of its completion (2.2.9). */
export function operandBytes(h: Header): UInt<5> {
  const swaps = h.type.eq(TlpType.compareSwap);
  const dwords = mux(swaps, h.length.part(1, 3), h.length.part(0, 3));
  return cat(dwords, u(2, 0)).as(5);
}

function ones(bits: UInt<4>): UInt<3> {
  const pair = (low: number) =>
    bits
      .bit(low)
      .zext(3)
      .add(bits.bit(low + 1).zext(3));
  return pair(0).add(pair(2));
}

/** Payload bytes of a request that its byte enables let through, 0 .. 4,096. */
export function enabledBytes(h: Header): UInt<13> {
  const missingFirst = u(3, 4).sub(ones(h.first_be));
  const missingLast = mux(h.length.eq(1), u(3, 0), u(3, 4).sub(ones(h.last_be)));
  return lengthBytes(h).sub(missingFirst.zext(13)).sub(missingLast.zext(13));
}
