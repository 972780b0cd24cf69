import { MessageRoute, type TlpHeader, TlpType } from '@hdl/pcie-rtl';
import { allOf, anyOf, type Bool, cat, mux, type Sig, select, type UInt, u } from '@hdl/ts-hdl';
import { ioBase, lowBase, prefetchBase } from './plan.ts';

/**
 * What a TLP of the soak is: everything in it follows from who sends it to whom, its class, whether it is relaxed, and its number among those. So a checker
 * that knows how many came knows the next one to the last bit, and a TLP that is lost, doubled, altered or out of order is seen at once.
 */

/** Number of an agent: 0 is the root, the others are the leaves in the order of their windows. */
export const agentBits = 5;
/** Bits of the count of posted TLPs that goes with a request or a completion; half of what they count may pass it while it waits. */
export const stampBits = 14;
/** Tags of an agent. */
export const tagBits = 5;

const multiply = (x: UInt<32>, by: number): UInt<32> => x.mul(u(32, by)).trunc(32);

/** A permutation of 32 bits in which each bit of `x` changes half of the others. */
export function mix(x: UInt<32>): UInt<32> {
  const a = multiply(x.xor(x.shr(16)), 0x7feb_352d);
  const b = multiply(a.xor(a.shr(15)), 0x846c_a68b);
  return b.xor(b.shr(16));
}

/** Who sends a request to whom. */
export interface Way {
  readonly source: UInt<5>;
  readonly target: UInt<5>;
  readonly relaxed: Bool;
}

/** The number from which a request follows: its class, and its own number among those of the way. If bit 31 of `seed` is 1, three quarters of the longer ones are 1 DW too. */
export function contentOf(seed: UInt<32>, way: Way, posted: boolean, number: UInt<32>): UInt<32> {
  const { source, target, relaxed } = way;
  const content = mix(
    cat(source, target, relaxed, u(1, posted ? 1 : 0), u(20, 0))
      .as(32)
      .xor(number.add(seed)),
  );
  return mux(seed.bit(31).and(content.part(27, 2).any()), content.and(u(32, ~0x60 >>> 0)), content);
}

const second = (content: UInt<32>): UInt<32> => multiply(content, 0x9e37_79b1).xor(content.shr(15));

/** What data follows from. */
const keyOf = (content: UInt<32>): UInt<32> => second(content).xor(content.rotl(11));

/** DW `lane` of a beat, and the key of the next beat. */
export const laneOf = (key: UInt<32>, lane: number): UInt<32> => key.rotl((5 * lane + 1) % 32).xor(u(32, 0x1357 * (lane + 1)));
export const nextKey = (key: UInt<32>): UInt<32> => key.add(0x6a09_e667);

/** A quarter of all are 1 DW, a quarter are short, the rest as long as may be; bits 5 and 6 choose. */
function lengthOf(content: UInt<32>, most: number): UInt<10> {
  const bits = Math.log2(most);
  const any = content.part(7, bits).zext(10).add(1);
  const short = content.part(7, 3).zext(10).add(1);
  return select(content.part(5, 2), [u(10, 1), short, any, u(10, most)]);
}

/** The ID of an agent: function 0 of device 0 on its first bus. There is one per agent, so that ID-based ordering keeps the order of its own TLPs (C65). */
export const idOf = (agent: UInt<5>): UInt<16> => cat(agent, u(11, 0)).as(16);

/** Parts of a header that mean the same in all requests. */
const common = (content: UInt<32>, way: Way) => ({
  th: u(1, 0),
  td: content.part(20, 2).eq(3),
  at: u(2, 0),
  requester_id: idOf(way.source),
});

const memoryAddress = (wide: Bool, target: UInt<5>, dw: UInt<18>): UInt<64> =>
  mux(wide, u(64, prefetchBase), u(64, lowBase)).or(cat(target, dw, u(2, 0)).as(25).zext(64));

type Header = Sig<typeof TlpHeader>;
type HeaderTypes = (typeof TlpHeader)['fields'];

/** A TLP: the fields of its header, what its data follows from, and its DW of payload and digest. */
export interface Content {
  readonly header: { readonly [K in keyof HeaderTypes]: Sig<HeaderTypes[K]> };
  readonly key: UInt<32>;
  readonly dws: UInt<10>;
}

/** Whether a request carries data. */
const whole = (data: Bool, length: UInt<10>, td: Bool): UInt<10> => mux(data, length, u(10, 0)).add(td.zext(10));

/** A memory write or a message, with or without data. `most` is the largest payload in DW: a power of two up to 128. */
export function postedTlp(content: UInt<32>, way: Way, most: number): Content {
  const other = second(content);
  const message = content.part(0, 3).eq(7);
  const data = message.not().or(content.bit(3));
  const length = lengthOf(content, most);
  const to_root = way.target.any().not();
  const wide = content.bit(4);
  // Bit 9 of the address is 0, so that nothing crosses a page.
  const dw = cat(other.part(8, 10), u(1, 0), other.part(0, 7)).as(18);
  const by_id = cat(way.target, u(1, 0), other.part(0, 10), u(16, 0), other).as(64);
  const several = message.or(length.ne(1));
  const shared = common(content, way);
  const header = {
    ...shared,
    fmt: cat(u(1, 0), data, message.or(wide)).as(3),
    type: mux(message, mux(to_root, u(5, TlpType.message), u(5, TlpType.message | MessageRoute.byId)), u(5, TlpType.memory)),
    tc: content.part(15, 3),
    attr: cat(content.bit(18), way.relaxed, content.bit(19)).as(3),
    ep: data.and(content.part(22, 5).any().not()),
    length: mux(data, length, u(10, 0)),
    tag: other.part(22, 10),
    // Of a message: a code that the vendor defines.
    last_be: mux(message, u(4, 7), mux(several, select(other.part(20, 2), nibbles([15, 7, 3, 1])), u(4, 0))),
    first_be: mux(message, u(4, 15), select(other.part(18, 2), nibbles([15, 14, 12, 8]))),
    address: mux(message, mux(to_root, other.zext(64), by_id), memoryAddress(wide, way.target, dw)),
  };
  return { header, key: keyOf(content), dws: whole(data, length, shared.td) };
}

const nibbles = (values: readonly number[]): readonly UInt<4>[] => values.map(value => u(4, value));

/** What kind of non-posted request it is. */
function requestKind(content: UInt<32>, way: Way) {
  const code = content.part(0, 4);
  const is = (n: number) => code.eq(n);
  const plain = way.relaxed.not();
  const io = allOf([plain, is(11).or(is(12))]);
  const config = allOf([plain, is(13).or(is(14)), way.source.any().not(), way.target.any()]);
  const compare = is(10);
  const atomic = anyOf([is(7), is(8), is(9), compare]);
  const single = io.or(config);
  return { io, config, atomic, compare, swap: is(9), single, writes: allOf([single, is(12).or(is(14))]) };
}

/** Payload or requested DW of a non-posted request, and the DW within 1 KiB where it begins. */
function requestExtent(content: UInt<32>, way: Way, most: number) {
  const { atomic, compare, single } = requestKind(content, way);
  const other = second(content);
  const operands = mux(
    compare,
    select(content.part(7, 2), [u(10, 2), u(10, 4), u(10, 8), u(10, 8)]),
    content.bit(7).zext(10).add(1),
  );
  const length = mux(single, u(10, 1), mux(atomic, operands, lengthOf(content, most)));
  const bits = Math.log2(most);
  const low = other.part(0, bits);
  const aligned = mux(atomic, low.and(u(bits, 2 ** bits - 4)), low);
  return { length, dw: aligned.zext(8) };
}

/**
 * A read, an AtomicOp, an I/O or a configuration request; the latter two are not relaxed, and the last come from the root alone. `arrived`: as it comes to
 * its target, where a configuration request may be of type 0. `index` is its tag at the source. `stamp` stands in the
 * address, as the KiB, the register or the port number, and in the tag.
 */
export function requestTlp(
  content: UInt<32>,
  way: Way,
  stamp: UInt<14>,
  options: { readonly most: number; readonly index: UInt<5>; readonly arrived: boolean },
): Content {
  const { most, index, arrived } = options;
  const other = second(content);
  const { io, config, atomic, compare, swap, single, writes } = requestKind(content, way);
  const { length, dw } = requestExtent(content, way, most);
  const low = stamp.part(0, 10);
  const data = atomic.or(writes);
  const wide = content.bit(4);
  const bus_low = other.part(10, 2);
  // On the first bus there is only device 0.
  const number = mux(bus_low.any(), other.part(12, 8), cat(u(5, 0), other.part(12, 3)).as(8));
  const config_address = cat(way.target, u(1, 0), bus_low, number, u(4, 0), low, u(2, 0)).as(32);
  const io_address = u(32, ioBase).or(cat(way.target, low, u(2, 0)).as(17).zext(32));
  const single_address = mux(config, config_address, io_address).zext(64);
  const config_type = arrived ? mux(bus_low.any(), u(5, TlpType.config1), u(5, TlpType.config0)) : u(5, TlpType.config1);
  const atomic_type = mux(compare, u(5, TlpType.compareSwap), mux(swap, u(5, TlpType.swap), u(5, TlpType.fetchAdd)));
  const memory_type = mux(atomic, atomic_type, u(5, TlpType.memory));
  const shared = common(content, way);
  const header = {
    ...shared,
    fmt: cat(u(1, 0), data, wide.and(single.not())).as(3),
    type: mux(config, config_type, mux(io, u(5, TlpType.io), memory_type)),
    tc: mux(single, u(3, 0), content.part(15, 3)),
    attr: mux(single, u(3, 0), cat(content.bit(18), way.relaxed, content.bit(19)).as(3)),
    ep: data.and(content.part(22, 5).any().not()),
    length,
    tag: tagOf(stamp, index),
    last_be: mux(length.eq(1), u(4, 0), u(4, 15)),
    first_be: u(4, 15),
    address: mux(single, single_address, memoryAddress(wide, way.target, cat(low, dw).as(18))),
  };
  return { header, key: keyOf(content), dws: whole(data, length, shared.td) };
}

/** The tag of a request with the number `index`. */
export const tagOf = (stamp: UInt<14>, index: UInt<5>): UInt<10> => cat(u(1, 0), stamp.part(10, 4), index).as(10);

/** The stamp of a request that has come. */
export function stampOf(h: Header): UInt<14> {
  const single = h.type.eq(TlpType.io).or(h.type.bits(4, 1).eq(TlpType.config0 >> 1));
  return cat(h.tag.part(tagBits, 4), mux(single, h.address.part(2, 10), h.address.part(10, 10))).as(14);
}

/**
 * A completion of a non-posted request: with the data of the request's number; of a read that crosses a boundary of `most` DW there are two. `stamp` stands
 * in bits of `address` that no field lies over. `final`: there is no further one.
 */
export function completionTlp(
  content: UInt<32>,
  way: Way,
  tag: UInt<10>,
  part: { readonly later: Bool; readonly stamp: UInt<14>; readonly most: number },
): Content & { readonly final: Bool } {
  const { later, stamp, most } = part;
  const other = second(content);
  const { atomic, compare, single, writes } = requestKind(content, way);
  const { length, dw } = requestExtent(content, way, most);
  const bits = Math.log2(most);
  const before = u(10, most).sub(dw.part(0, bits).zext(10));
  const read = atomic.or(single).not();
  const crosses = read.and(length.gt(before));
  const total = mux(compare, length.shr(1), length);
  const rest = total.sub(before);
  const here = mux(crosses, mux(later, rest, before), total);
  const left = mux(crosses.and(later), rest, total);
  const data = writes.not();
  const lower = mux(single.or(later), u(7, 0), cat(dw.part(0, 5), u(2, 0)).as(7));
  const count = mux(data, left, u(10, 1));
  const td = other.part(26, 2).eq(3);
  const header = {
    fmt: cat(u(1, 0), data, u(1, 0)).as(3),
    type: u(5, TlpType.completion),
    tc: mux(single, u(3, 0), content.part(15, 3)),
    attr: mux(single, u(3, 0), cat(content.bit(18), way.relaxed, content.bit(19)).as(3)),
    th: u(1, 0),
    td,
    ep: u(1, 0),
    at: u(2, 0),
    length: mux(data, here, u(10, 0)),
    requester_id: idOf(way.source),
    tag,
    last_be: u(4, 0),
    first_be: u(4, 0),
    address: cat(idOf(way.target), u(4, 0), count, u(2, 0), u(11, 0), stamp, lower).as(64),
  };
  const key = keyOf(content).rotl(9).add(later.zext(32));
  return { header, key, dws: whole(data, here, td), final: crosses.not().or(later) };
}

/** The agent that a TLP is for: by address, target ID or requester ID. */
export function targetOf(h: Header): UInt<5> {
  const message = h.type.bit(4);
  const io = h.type.eq(TlpType.io);
  const completion = h.type.eq(TlpType.completion);
  const to_root = h.type.eq(TlpType.message);
  const requested = mux(io, h.address.part(12, 5), mux(message, h.address.part(59, 5), h.address.part(20, 5)));
  return mux(completion, h.requester_id.part(11, 5), mux(to_root, u(5, 0), requested));
}
