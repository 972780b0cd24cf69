import { type Driver, mux, select, type UInt, u, type Val } from '@hdl/ts-hdl';
import { type Header, memoryFmt, TlpType } from '../tlp/tlp.ts';

/** Length and byte enables of a request for `bytes` bytes (1 .. 4,096) that begin at a DW (C8). */
export function extent(bytes: UInt<13>): { readonly length: UInt<10>; readonly first_be: UInt<4>; readonly last_be: UInt<4> } {
  const tail = select(bytes.trunc(2), [u(4, 0b1111), u(4, 0b0001), u(4, 0b0011), u(4, 0b0111)]);
  const one_dw = bytes.le(4);
  return {
    length: bytes.add(3).part(2, 10),
    first_be: mux(one_dw, tail, 0b1111),
    last_be: mux(one_dw, u(4, 0), tail),
  };
}

/** The header of an MWr (`data`) or MRd: traffic class 0, no attributes, not poisoned, address not translated. */
export function memoryRequest(request: {
  readonly data: boolean;
  /** Byte address with bits 1:0 = 0. */
  readonly address: UInt<64>;
  readonly extent: { readonly length: Val<10>; readonly first_be: Val<4>; readonly last_be: Val<4> };
  readonly requester_id: UInt<16>;
  readonly tag: Val<10>;
}): Driver<Header> {
  const { data, address, requester_id, tag } = request;
  const { length, first_be, last_be } = request.extent;
  return {
    fmt: memoryFmt(address, data),
    type: TlpType.memory,
    tc: 0,
    attr: 0,
    th: 0,
    td: 0,
    ep: 0,
    at: 0,
    length,
    requester_id,
    tag,
    last_be,
    first_be,
    address,
  };
}
