import { cat, mux, type UInt, u } from '@hdl/ts-hdl';
import { type Header, isCompletion } from '../tlp/tlp.ts';

/** A header as the header log shows it (7.8.4.8): DW 0 on top, byte 0 of a DW in its highest byte. DW 3 of a 3 DW header is 0. */
export function headerWords(h: Header): UInt<128> {
  const low = h.address.trunc(32);
  const high = h.address.part(32, 32);
  const attributes = cat(h.attr.bit(2), u(1, 0), h.th);
  const first = cat(h.fmt, h.type, h.tag.bit(9), h.tc, h.tag.bit(8), attributes, h.td, h.ep, h.attr.trunc(2), h.at, h.length);
  const asked = cat(h.requester_id, h.tag.trunc(8), h.last_be, h.first_be);
  const answered = cat(h.requester_id, h.tag.trunc(8), low.trunc(8));
  const four = h.fmt.bit(0);
  const completion = isCompletion(h);
  const third = mux(completion, answered, mux(four, high, low));
  return cat(first, mux(completion, high, asked), third, mux(four.and(completion.not()), low, u(32, 0))).as(128);
}
