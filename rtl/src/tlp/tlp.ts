import { type Bool, Bundle, type BundleType, bool, cat, mux, type Sig, type UInt, type UIntType, u, uint } from '@hdl/ts-hdl';

/**
 * The header of a transaction layer packet, unpacked: one layout for 3 DW and 4 DW headers (PCIe base specification, 2.2.1). Fields that
 * requests, configuration requests and completions do not share lie over `address`; the functions below read and write them.
 */
export class TlpHeader extends Bundle({
  /** 000/001: 3/4 DW without data, 010/011: with data. Bit 1 tells data, bit 0 a 64-bit address. */
  fmt: uint(3),
  type: uint(5),
  tc: uint(3),
  /** IDO, relaxed ordering, no snoop. */
  attr: uint(3),
  th: bool,
  /** One digest DW (ECRC) follows the payload. */
  td: bool,
  /** Poisoned. */
  ep: bool,
  at: uint(2),
  /** Payload (or requested) DW; 0 means 1,024. */
  length: uint(10),
  requester_id: uint(16),
  tag: uint(10),
  /** Of a message: its code, together with `first_be`. */
  last_be: uint(4),
  first_be: uint(4),
  /**
   * Memory requests: byte address, bits 1:0 are 0. Configuration requests: target {bus, device, function} in 31:16, register number in 11:2.
   * Completions: completer ID in 63:48, status in 47:45, byte count modified in 44, byte count in 43:32, lower address in 6:0.
   * Messages: bytes 8 to 15 of the header, byte 8 on top; routed by ID: the target in 63:48.
   */
  address: uint(64),
}) {}

/**
 * One beat of a TLP stream: payload from lane 0 upward (byte i of the beat in bits 8i+7:8i), the header beside it and the same in every
 * beat of the packet. If `td` is 1 the digest DW follows the payload, or stands alone in lane 0: ceil(DW / lanes) beats, at least 1. A TLP with
 * neither is one beat whose data means nothing. A packet is never interleaved with another. There is no room for prefixes (C14).
 */
export function tlpBeat<W extends number>(width: W): TlpBeatType<W> {
  const known = beats.get(width);
  if (known) return known as TlpBeatType<W>;
  const type = class TlpBeat extends Bundle({ header: TlpHeader, data: uint(width), first: bool, last: bool }) {};
  beats.set(width, type);
  return type;
}
export type TlpBeatType<W extends number = number> = BundleType<{
  header: typeof TlpHeader;
  data: UIntType<W>;
  first: typeof bool;
  last: typeof bool;
}>;
const beats = new Map<number, unknown>();

/** Type field values (Fmt tells whether there is data; rule C2). The low 3 bits of a message are its `MessageRoute`. */
export const TlpType = {
  memory: 0b00000,
  memoryLocked: 0b00001,
  io: 0b00010,
  config0: 0b00100,
  config1: 0b00101,
  completion: 0b01010,
  completionLocked: 0b01011,
  fetchAdd: 0b01100,
  swap: 0b01101,
  compareSwap: 0b01110,
  message: 0b10000,
} as const;

/** Where a message goes: the low 3 bits of its type (2.2.8, rule C15). */
export const MessageRoute = {
  toRootComplex: 0b000,
  byAddress: 0b001,
  byId: 0b010,
  broadcast: 0b011,
  local: 0b100,
  gather: 0b101,
} as const;

/** Fmt field values. */
export const Fmt = { header3: 0b000, header4: 0b001, data3: 0b010, data4: 0b011 } as const;

/** Completion status. */
export const Status = { success: 0b000, unsupported: 0b001, retry: 0b010, abort: 0b100 } as const;

export type Header = Sig<typeof TlpHeader>;

/** 1 if the TLP carries payload. */
export const hasData = (h: Header): Bool => h.fmt.bit(1);
/** MRd or MWr. */
export const isMemory = (h: Header): Bool => h.type.eq(TlpType.memory);
/** CfgRd or CfgWr, type 0 or 1. */
export const isConfig = (h: Header): Bool => h.type.bits(4, 1).eq(TlpType.config0 >> 1);
/** Cpl or CplD, of a locked read too. */
export const isCompletion = (h: Header): Bool => h.type.bits(4, 1).eq(TlpType.completion >> 1);
/** FetchAdd, Swap or CAS. */
export const isAtomic = (h: Header): Bool =>
  h.type
    .bits(4, 2)
    .eq(TlpType.fetchAdd >> 2)
    .and(h.type.bits(1, 0).all().not());
/** Msg or MsgD. */
export const isMessage = (h: Header): Bool => h.type.bits(4, 3).eq(TlpType.message >> 3);
/** Memory writes and messages: nothing comes back. */
export const isPosted = (h: Header): Bool => isMemory(h).and(hasData(h)).or(isMessage(h));
/** Requests that want a completion. */
export const isNonPosted = (h: Header): Bool => isPosted(h).or(isCompletion(h)).not();

/** Payload or requested DW as a number 1 .. 1,024. */
export const lengthDw = (h: Header): UInt<11> => cat(h.length.any().not(), h.length).as(11);

/** Data credits that a TLP takes beside its header credit: one for 4 DW, 0 .. 256 (2.6.1, rule C70a). A digest takes none. */
export const dataCredits = (h: Header): UInt<9> => mux(hasData(h), lengthDw(h).zext(12).add(3).part(2, 9), u(9, 0));

/** Fields of a completion (2.2.9). */
export function completionFields(h: Header) {
  return {
    completer_id: h.address.part(48, 16),
    status: h.address.part(45, 3),
    /** Bytes that remain, this completion's included; 0 means 4,096. */
    byte_count: h.address.part(32, 12),
    lower_address: h.address.part(0, 7),
  };
}

/** The `address` field of a completion. */
export function completionAddress(c: {
  readonly completer_id: UInt<16>;
  readonly status: UInt<3>;
  readonly byte_count: UInt<12>;
  readonly lower_address: UInt<7>;
}): UInt<64> {
  return cat(c.completer_id, c.status, u(1, 0), c.byte_count, u(25, 0), c.lower_address).as(64);
}

/** Fields of a configuration request (2.2.7). */
export function configFields(h: Header) {
  return {
    bus: h.address.part(24, 8),
    device: h.address.part(19, 5),
    function: h.address.part(16, 3),
    /** Number of the 32-bit register. */
    register: h.address.part(2, 10),
  };
}

/** Fmt of a memory request: 4 DW header exactly where the address needs it (rule C7). */
export const memoryFmt = (address: UInt<64>, data: boolean): UInt<3> =>
  mux(address.part(32, 32).any(), u(3, data ? Fmt.data4 : Fmt.header4), data ? Fmt.data3 : Fmt.header3);

/** Number of bytes at the low end of a request that are not enabled: position of the first 1 of the first byte enables, 0 if there is none. */
export const firstByte = (firstBe: UInt<4>): UInt<2> =>
  mux(firstBe.bit(0), u(2, 0), mux(firstBe.bit(1), u(2, 1), mux(firstBe.bit(2), u(2, 2), mux(firstBe.bit(3), u(2, 3), u(2, 0)))));
