import { allOf, anyOf, type Bool, mux, select, type UInt, u } from '@hdl/ts-hdl';
import type { PacketClass } from '../../tlp/packet.ts';
import {
  completionFields,
  Fmt,
  type Header,
  hasData,
  isAtomic,
  isCompletion,
  isConfig,
  isMessage,
  lengthDw,
  Status,
  TlpType,
} from '../../tlp/tlp.ts';
import { malformedMessage } from './message-rules.ts';

/** What makes a TLP malformed by its header alone (2.3, rule C71d): each function gives 1 for a fault. */

const fourDw = (h: Header): Bool => h.fmt.bit(0);
const isMemoryRequest = (h: Header): Bool => h.type.bits(4, 1).eq(TlpType.memory >> 1);
/** Length less 1: 0 .. 1,023. */
const lastIndex = (h: Header): UInt<10> => h.length.sub(1);

/** A combination of Fmt and Type that is not defined; prefixes too, which this endpoint does not take (C1, C2, C14). */
export function undefinedType(h: Header): Bool {
  const data = hasData(h);
  const four = fourDw(h);
  const defined = anyOf([
    h.type.eq(TlpType.memory),
    h.type.eq(TlpType.memoryLocked).and(data.not()),
    anyOf([h.type.eq(TlpType.io), isConfig(h), isCompletion(h)]).and(four.not()),
    isAtomic(h).and(data),
    isMessage(h).and(four),
  ]);
  return h.fmt.gt(Fmt.data4).or(defined.not());
}

/** Payload beyond 128 << `mps` bytes (C4). */
export function payloadTooLong(h: Header, mps: UInt<3>): Bool {
  const beyond = [0, 1, 2, 3, 4].map(code =>
    lastIndex(h)
      .part(5 + code, 5 - code)
      .any(),
  );
  return hasData(h).and(select(mps, [...beyond, u(1, 0)]));
}

/** A memory request across a 4 KiB boundary (C5). */
export const crossesPage = (h: Header): Bool => isMemoryRequest(h).and(h.address.part(2, 10).addx(lastIndex(h)).bit(10));

/** A read with a steering tag in place of its byte enables: all bytes are meant (2.2.7.1.1). */
export const steersRead = (h: Header): Bool => allOf([h.th, isMemoryRequest(h), hasData(h).not()]);

/** Byte enables of a memory request that its length and alignment do not allow (C8). */
export function wrongEnables(h: Header): Bool {
  const { first_be: first, last_be: last } = h;
  const bits = [0, 1, 2];
  const holes = anyOf(bits.flatMap(i => [first.bit(i).and(first.bit(i + 1).not()), last.bit(i + 1).and(last.bit(i).not())]));
  const mayHaveHoles = h.length.eq(2).and(h.address.bit(2).not());
  const several = anyOf([first.any().not(), last.any().not(), holes.and(mayHaveHoles.not())]);
  return allOf([isMemoryRequest(h), steersRead(h).not(), mux(h.length.eq(1), last.any(), several)]);
}

/** An I/O or configuration request with more than its one DW, or with a class, attributes or an address type (C9, C11). */
export const wrongSingle = (h: Header): Bool =>
  h.type
    .eq(TlpType.io)
    .or(isConfig(h))
    .and(anyOf([h.length.ne(1), h.last_be.any(), h.tc.any(), h.attr.any(), h.at.any()]));

/** An AtomicOp with a length that is no operand's, or not aligned to it (C98). */
export function wrongAtomic(h: Header): Bool {
  const odd2 = h.address.bit(2);
  const odd4 = h.address.part(2, 2).any();
  const is = (dws: number) => h.length.eq(dws);
  const single = is(1).or(is(2).and(odd2.not()));
  const double = anyOf([is(2), is(4).and(odd2.not()), is(8).and(odd4.not())]);
  return isAtomic(h).and(mux(h.type.eq(TlpType.compareSwap), double, single).not());
}

/** A completion with data that failed, or with more data than remains by its Byte Count (C53, C55). */
export function wrongCompletion(h: Header): Bool {
  const { status, byte_count, lower_address } = completionFields(h);
  // DW beyond the whole ones of Byte Count (0 is 4,096, which no length exceeds); its odd bytes take 0 to 2 more, by where the first one lies.
  const beyond = lengthDw(h).zext(12).sub(byte_count.part(2, 10).zext(12));
  const odd = byte_count.trunc(2).zext(3).add(lower_address.trunc(2).zext(3));
  const allowed = mux(odd.ge(5), u(2, 2), odd.any().zext(2));
  const far = beyond.part(2, 9).any().or(beyond.trunc(2).gt(allowed));
  const too_long = allOf([byte_count.any(), beyond.bit(11).not(), far]);
  return allOf([isCompletion(h), hasData(h), anyOf([status.ne(Status.success), too_long])]);
}

/** Whether the header of a TLP of this class makes it malformed. `mps` is the receiver's payload limit, 128 << mps bytes. */
export function malformedHeader(h: Header, of: PacketClass, mps: UInt<3>): Bool {
  const always = [undefinedType(h), payloadTooLong(h, mps)];
  if (of === 'completion') return anyOf([...always, wrongCompletion(h)]);
  const memory = [crossesPage(h), wrongEnables(h)];
  if (of === 'posted') return anyOf([...always, ...memory, malformedMessage(h)]);
  return anyOf([...always, ...memory, wrongSingle(h), wrongAtomic(h)]);
}
