import { type Driver, mux, type UInt, u } from '@hdl/ts-hdl';
import { type Header, memoryFmt, TlpType } from '../../tlp/tlp.ts';

/** Length and byte enables of a request for `bytes` bytes (0 .. 4,096) from any byte address (C8). 0 bytes: 1 DW without enables, which flushes. */
export function extentOf(address: UInt<64>, bytes: UInt<13>) {
  const start = address.trunc(2);
  const end = bytes.trunc(2).add(start);
  const length = bytes.add(start.zext(13)).add(3).part(2, 11);
  const first = u(4, 0b1111).shl(start);
  const last = mux(end.any(), u(4, 1).shl(end).sub(1), u(4, 0b1111));
  const none = bytes.any().not();
  const one = length.le(1);
  return {
    length: mux(none, u(10, 1), length.trunc(10)),
    first_be: mux(none, u(4, 0), mux(one, first.and(last), first)),
    last_be: mux(one, u(4, 0), last),
  };
}

/** The header of a memory request of traffic class 0 (or, with another `type`, of an AtomicOp): 4 DW where the address needs it (C7). */
export function requestHeader(request: {
  /** It carries data. */
  readonly data: boolean;
  readonly type?: UInt<5>;
  /** Byte address; bits 1:0 are not sent. */
  readonly address: UInt<64>;
  readonly extent: { readonly length: UInt<10>; readonly first_be: UInt<4>; readonly last_be: UInt<4> };
  readonly requester_id: UInt<16>;
  readonly tag: UInt<10>;
  readonly attr: UInt<3>;
  readonly at: UInt<2>;
}): Driver<Header> {
  const { data, address, requester_id, tag, attr, at } = request;
  return {
    fmt: memoryFmt(address, data),
    type: request.type ?? u(5, TlpType.memory),
    tc: 0,
    attr,
    th: 0,
    td: 0,
    ep: 0,
    at,
    ...request.extent,
    requester_id,
    tag,
    address: address.part(2, 62).cat(u(2, 0)),
  };
}
