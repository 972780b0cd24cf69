import { type Bool, cat, mux, type UInt, u } from '@hdl/ts-hdl';
import { type Header, isCompletion } from './tlp.ts';

/** Whether the header has 4 DW on the wire. */
export const hasLongHeader = (h: Header): Bool => h.fmt.bit(0);

/** 4 bytes, byte 0 of the DW on the wire first, as a word with byte 0 lowest. */
const dw = (...bytes: readonly UInt<8>[]): UInt<32> => cat(...bytes.toReversed()).as(32);

/** Byte i of 8 of the `address` field, the top one first. */
const addressByte = (h: Header, i: number): UInt<8> => h.address.part(56 - 8 * i, 8);

/**
 * The DW of a header in the order of the wire (2.2.1): three or four of them, as `headerBytes` of wire.ts has them for software. In each DW the byte that
 * goes first is the lowest. The fourth means something only in a long header.
 */
export function wireHeader(h: Header): readonly [UInt<32>, UInt<32>, UInt<32>, UInt<32>] {
  const { fmt, type, tc, attr, th, td, ep, at, length, requester_id, tag, last_be, first_be } = h;
  const completion = isCompletion(h);
  const requester = [requester_id.part(8, 8), requester_id.part(0, 8), tag.part(0, 8)] as const;
  const high = dw(addressByte(h, 0), addressByte(h, 1), addressByte(h, 2), addressByte(h, 3));
  const low = dw(addressByte(h, 4), addressByte(h, 5), addressByte(h, 6), addressByte(h, 7));
  const first = dw(
    cat(fmt, type).as(8),
    cat(tag.bit(9), tc, tag.bit(8), attr.bit(2), u(1, 0), th).as(8),
    cat(td, ep, attr.part(0, 2), at, length.part(8, 2)).as(8),
    length.part(0, 8),
  );
  const request = dw(...requester, cat(last_be, first_be).as(8));
  const answered = dw(...requester, addressByte(h, 7));
  const third = mux(completion, answered, mux(hasLongHeader(h), high, low));
  return [first, mux(completion, high, request), third, low];
}
