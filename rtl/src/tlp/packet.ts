import { Fmt, Status, TlpHeader, TlpType } from './tlp.ts';

/** TLPs for software: plain values, the same fields as the hardware's `TlpHeader`, and the bits in the same places. */

/** A header as numbers; the meaning of each field is `TlpHeader`'s. `length` is as on the wire: 0 means 1,024 DW. */
export interface PacketHeader {
  readonly fmt: number;
  readonly type: number;
  readonly tc: number;
  readonly attr: number;
  readonly th: number;
  readonly td: number;
  readonly ep: number;
  readonly at: number;
  readonly length: number;
  readonly requester_id: number;
  readonly tag: number;
  readonly last_be: number;
  readonly first_be: number;
  readonly address: bigint;
}

/** A TLP: header and payload. The payload has 4 bytes per DW of `length` and begins at the DW of the address; it is empty without data. */
export interface Packet extends PacketHeader {
  readonly payload: Uint8Array;
  /** The digest DW as it lies in a beat, lane 0 lowest: there just if `td` is 1. */
  readonly digest?: number;
}

/** Bits of a packed header. */
export const headerBits: number = TlpHeader.width;

/** Field, position and width, the first field most significant: derived from the hardware's bundle, so the two cannot differ. */
const layout = (() => {
  let low = TlpHeader.width;
  return Object.entries(TlpHeader.fields).map(([name, { width }]) => {
    low -= width;
    return { name: name as keyof PacketHeader, low: BigInt(low), mask: (1n << BigInt(width)) - 1n };
  });
})();

/** The header as one number, as a packed `TlpHeader`. @throws RangeError for a field that does not fit. */
export function packHeader(header: PacketHeader): bigint {
  let word = 0n;
  for (const { name, low, mask } of layout) {
    const value = BigInt(header[name]);
    if (value < 0n || value > mask) throw new RangeError(`the TLP header field ${name} cannot be ${value}: at most ${mask}`);
    word |= value << low;
  }
  return word;
}

/** The header of a packed `TlpHeader`. */
export function unpackHeader(word: bigint): PacketHeader {
  const header: { [name: string]: number | bigint } = {};
  for (const { name, low, mask } of layout) {
    const value = (word >> low) & mask;
    header[name] = name === 'address' ? value : Number(value);
  }
  return header as unknown as PacketHeader;
}

/** Whether there is payload. */
export const carriesData = (h: PacketHeader): boolean => (h.fmt & 0b010) !== 0;

/** Payload or requested DW, 1 .. 1,024. */
export const dwCount = (h: PacketHeader): number => h.length || 1024;

/** The three classes that ordering and flow control know. */
export type PacketClass = 'posted' | 'non-posted' | 'completion';

/** The class of a TLP (2.4.1). */
export function packetClass(h: PacketHeader): PacketClass {
  if (h.type >> 1 === TlpType.completion >> 1) return 'completion';
  const message = h.type >> 3 === TlpType.message >> 3;
  return message || (h.type === TlpType.memory && carriesData(h)) ? 'posted' : 'non-posted';
}

/** Data credits that a TLP takes beside its header credit: one for 4 DW (2.6.1, rule C70a). */
export const creditsOf = (h: PacketHeader): number => (carriesData(h) ? Math.ceil(dwCount(h) / 4) : 0);

const rareNames: ReadonlyMap<number, string> = new Map([
  [TlpType.memoryLocked, 'MRdLk'],
  [TlpType.completionLocked, 'CplLk'],
  [TlpType.fetchAdd, 'FetchAdd'],
  [TlpType.swap, 'Swap'],
  [TlpType.compareSwap, 'CAS'],
]);

/** What people call it: MRd, MWr, CfgRd0, CplD, … */
export function packetName(h: PacketHeader): string {
  const data = carriesData(h);
  const direction = data ? 'Wr' : 'Rd';
  if (h.type === TlpType.memory) return `M${direction}`;
  if (h.type === TlpType.io) return `IO${direction}`;
  if (h.type === TlpType.config0) return `Cfg${direction}0`;
  if (h.type === TlpType.config1) return `Cfg${direction}1`;
  if (h.type === TlpType.completion) return data ? 'CplD' : 'Cpl';
  const rare = rareNames.get(h.type);
  if (rare) return rare;
  if (h.type >> 3 === TlpType.message >> 3) return data ? 'MsgD' : 'Msg';
  return `type ${h.type.toString(2).padStart(5, '0')}`;
}

/** Fields of a configuration request that lie in `address` (2.2.7). */
export interface ConfigTarget {
  readonly bus: number;
  readonly device: number;
  readonly function: number;
  /** Number of the 32-bit register: byte offset / 4. */
  readonly register: number;
}

export function configTarget(h: PacketHeader): ConfigTarget {
  const low = Number(h.address & 0xffff_ffffn);
  return {
    bus: (low >>> 24) & 0xff,
    device: (low >>> 19) & 0x1f,
    function: (low >>> 16) & 7,
    register: (low >>> 2) & 0x3ff,
  };
}

/** Fields of a completion that lie in `address` (2.2.9). */
export interface CompletionFields {
  readonly completer_id: number;
  readonly status: number;
  /** Bytes that remain, this completion's included: 1 .. 4,096. */
  readonly byte_count: number;
  readonly lower_address: number;
}

export function completionOf(h: PacketHeader): CompletionFields {
  return {
    completer_id: Number((h.address >> 48n) & 0xffffn),
    status: Number((h.address >> 45n) & 7n),
    byte_count: Number((h.address >> 32n) & 0xfffn) || 4096,
    lower_address: Number(h.address & 0x7fn),
  };
}

const plain = { tc: 0, attr: 0, th: 0, td: 0, ep: 0, at: 0 } as const;
const nothing = new Uint8Array(0);

/** Who asks: {bus, device, function} and tag. */
export interface Transaction {
  readonly requester_id: number;
  readonly tag: number;
}

/** First DW, DW and byte enables of `bytes` bytes from a byte address. @throws RangeError beyond 4,096 bytes or a 4 KiB boundary (C5). */
function span(address: bigint, bytes: number) {
  const offset = Number(address & 3n);
  const count = Math.max(1, Math.ceil((offset + bytes) / 4));
  if (bytes < 0 || Number(address & 0xfffn) + bytes > 4096)
    throw new RangeError(`${bytes} bytes at 0x${address.toString(16)} are not one request: it would cross a 4 KiB boundary`);
  const end = offset + bytes - 4 * (count - 1);
  const last = (1 << end) - 1;
  const first = (0xf << offset) & 0xf;
  const enables = count > 1 ? { first_be: first, last_be: last } : { first_be: first & last, last_be: 0 };
  return { ...enables, address: address & ~3n, length: count & 0x3ff, offset, count };
}

const header4 = (address: bigint): number => (address >> 32n === 0n ? 0 : 1);

/** MRd of `bytes` bytes at a byte address; 0 bytes is the flush of rule C8. @throws RangeError if one request cannot ask for that. */
export function memoryRead(from: Transaction & { readonly address: bigint; readonly bytes: number }): Packet {
  const { offset: _, count: __, ...where } = span(from.address, from.bytes);
  const { requester_id, tag } = from;
  return {
    ...plain,
    ...where,
    fmt: Fmt.header3 | header4(from.address),
    type: TlpType.memory,
    requester_id,
    tag,
    payload: nothing,
  };
}

/** MWr of bytes to a byte address. @throws RangeError if one request cannot carry that. */
export function memoryWrite(from: Transaction & { readonly address: bigint; readonly data: Uint8Array }): Packet {
  const { offset, count, ...where } = span(from.address, from.data.length);
  const payload = new Uint8Array(4 * count);
  payload.set(from.data, offset);
  const { requester_id, tag } = from;
  return { ...plain, ...where, fmt: Fmt.data3 | header4(from.address), type: TlpType.memory, requester_id, tag, payload };
}

/** A configuration request of type 0 or 1. */
export interface ConfigRequest extends Transaction, ConfigTarget {
  readonly kind: 0 | 1;
}

function config(from: ConfigRequest, fmt: number, first_be: number, payload: Uint8Array): Packet {
  const target = ((from.bus << 24) | (from.device << 19) | (from.function << 16) | (from.register << 2)) >>> 0;
  const type = from.kind === 0 ? TlpType.config0 : TlpType.config1;
  const { requester_id, tag } = from;
  return { ...plain, fmt, type, length: 1, requester_id, tag, last_be: 0, first_be, address: BigInt(target), payload };
}

/** CfgRd of a whole register. */
export function configRead(from: ConfigRequest): Packet {
  return config(from, Fmt.header3, 0xf, nothing);
}

/** CfgWr: bit i of `mask` enables byte i of `data`. */
export function configWrite(from: ConfigRequest & { readonly data: number; readonly mask?: number }): Packet {
  const payload = new Uint8Array(4);
  new DataView(payload.buffer).setUint32(0, from.data >>> 0, true);
  return config(from, Fmt.data3, from.mask ?? 0xf, payload);
}

/** A completion of `request`: CplD if there is data (whole DW, as it lies on the wire), else Cpl. */
export function completion(
  request: Transaction & { readonly tc?: number; readonly attr?: number },
  fields: {
    readonly completer_id: number;
    readonly status?: number;
    readonly byte_count?: number;
    readonly lower_address?: number;
  },
  payload: Uint8Array = nothing,
): Packet {
  if (payload.length % 4 !== 0) throw new RangeError(`the payload of a completion has whole DW, not ${payload.length} bytes`);
  const { tc = 0, attr = 0, requester_id, tag } = request;
  const { completer_id, status = Status.success, byte_count = 4, lower_address = 0 } = fields;
  return {
    ...plain,
    fmt: payload.length > 0 ? Fmt.data3 : Fmt.header3,
    type: TlpType.completion,
    tc,
    attr,
    length: (payload.length / 4) & 0x3ff,
    requester_id,
    tag,
    last_be: 0,
    first_be: 0,
    address:
      (BigInt(completer_id) << 48n) |
      (BigInt(status) << 45n) |
      (BigInt(byte_count & 0xfff) << 32n) |
      BigInt(lower_address & 0x7f),
    payload,
  };
}

/** Operand sizes of an AtomicOp in bytes, by type (6.15): payloads are one operand, of CAS two. */
const operands: { readonly [type: number]: readonly number[] } = {
  [TlpType.fetchAdd]: [4, 8],
  [TlpType.swap]: [4, 8],
  [TlpType.compareSwap]: [8, 16, 32],
};

/**
 * An AtomicOp: FetchAdd (what is added), Swap (the new value) or CAS (the compared value, then the new one), 2.2.7. All bytes are enabled.
 * @throws RangeError for another type, an operand of a size that does not exist, or an address that is not aligned to the operand.
 */
export function atomic(
  type: typeof TlpType.fetchAdd | typeof TlpType.swap | typeof TlpType.compareSwap,
  from: Transaction & { readonly address: bigint; readonly data: Uint8Array },
): Packet {
  const { requester_id, tag, address, data } = from;
  const name = rareNames.get(type);
  const sizes = operands[type] ?? [];
  if (!sizes.includes(data.length)) throw new RangeError(`${name} carries ${sizes.join(' or ')} bytes, not ${data.length}`);
  const operand = type === TlpType.compareSwap ? data.length / 2 : data.length;
  if (address % BigInt(operand) !== 0n)
    throw new RangeError(
      `the address 0x${address.toString(16)} of a ${name} is not a multiple of its operand's ${operand} bytes`,
    );
  return {
    ...plain,
    fmt: Fmt.data3 | header4(address),
    type,
    length: data.length / 4,
    requester_id,
    tag,
    first_be: 0xf,
    last_be: data.length > 4 ? 0xf : 0,
    address,
    payload: data,
  };
}

/** Msg, or MsgD if there is data (whole DW), 2.2.8. */
export function message(from: {
  readonly requester_id: number;
  readonly tag?: number;
  /** One of `MessageRoute`. */
  readonly route: number;
  readonly code: number;
  /** Bytes 8 to 15 of the header, byte 8 on top: an address, or the target's ID in 63:48. */
  readonly address?: bigint;
  readonly payload?: Uint8Array;
}): Packet {
  const { requester_id, tag = 0, route, code, address = 0n, payload = nothing } = from;
  if (payload.length % 4 !== 0) throw new RangeError(`the payload of a message has whole DW, not ${payload.length} bytes`);
  return {
    ...plain,
    fmt: payload.length > 0 ? Fmt.data4 : Fmt.header4,
    type: TlpType.message | route,
    length: (payload.length / 4) & 0x3ff,
    requester_id,
    tag,
    last_be: code >> 4,
    first_be: code & 0xf,
    address,
    payload,
  };
}

/** Code of a message. */
export const messageCode = (h: PacketHeader): number => (h.last_be << 4) | h.first_be;

/** The same TLP, poisoned (2.7.2): its data must not be used. */
export const poisoned = (packet: Packet): Packet => ({ ...packet, ep: 1 });
