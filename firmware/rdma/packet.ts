/**
 * Packets of a reliable connection as InfiniBand has them (volume 1, chapter 9): a base header, extended headers as the opcode wants them, payload.
 *
 *     BTH ─┬─ RETH  address, key, length     WRITE First and Only, READ Request
 *          ├─ AETH  acknowledgement          ACK, READ Response but Middle
 *          └─ ImmDt immediate data           SEND and WRITE with Immediate
 *
 * Left out: headers of lower layers (the wire has two ends), the invariant CRC (the wire changes nothing), pad bytes (the wire keeps lengths; their count is in the
 * header), partitions (key 0xffff) and migration.
 */

/** Transport opcodes of a reliable connection. */
export const Opcode = {
  sendFirst: 0x00,
  sendMiddle: 0x01,
  sendLast: 0x02,
  sendLastImmediate: 0x03,
  sendOnly: 0x04,
  sendOnlyImmediate: 0x05,
  writeFirst: 0x06,
  writeMiddle: 0x07,
  writeLast: 0x08,
  writeLastImmediate: 0x09,
  writeOnly: 0x0a,
  writeOnlyImmediate: 0x0b,
  readRequest: 0x0c,
  readFirst: 0x0d,
  readMiddle: 0x0e,
  readLast: 0x0f,
  readOnly: 0x10,
  acknowledge: 0x11,
} as const;

/** Memory of the other side. */
export interface RemoteExtent {
  readonly address: bigint;
  readonly key: number;
  readonly bytes: number;
}

/** AETH: how it goes at the responder. */
export interface Acknowledgement {
  /** One of `ack`, `receiverNotReady`, `nak` of `Syndrome`. */
  readonly syndrome: number;
  /** Messages that the responder has completed, modulo 2^24. */
  readonly messages: number;
}

export interface Packet {
  /** One of `Opcode`. */
  readonly opcode: number;
  /** Number of the queue pair that it is for. */
  readonly queuePair: number;
  /** Packet sequence number, 24 bits. */
  readonly psn: number;
  readonly solicited?: boolean;
  /** Wants an acknowledgement. */
  readonly acknowledge?: boolean;
  readonly remote?: RemoteExtent;
  readonly answer?: Acknowledgement;
  readonly immediate?: number;
  readonly payload: Uint8Array;
}

/** A packet on the wire. */
export interface WirePacket {
  readonly headers: Uint8Array;
  readonly payload: Uint8Array;
}

/** Codes of a negative acknowledgement. */
export const Nak = { sequence: 0, invalidRequest: 1, remoteAccess: 2, remoteOperation: 3 } as const;

/** Syndromes: 0 and credits (31 for none stated), 1 and a timer, 3 and a code. */
export const Syndrome = {
  ack: 0x1f,
  receiverNotReady: (timer: number): number => 0x20 | timer,
  nak: (code: number): number => 0x60 | code,
} as const;

/** What a syndrome says. */
export function decodeSyndrome(
  syndrome: number,
): { readonly kind: 'ack' } | { readonly kind: 'receiver not ready' | 'nak' | 'reserved'; readonly code: number } {
  const code = syndrome & 0x1f;
  const kind = syndrome >> 5;
  if (kind === 0) return { kind: 'ack' };
  return { kind: kind === 1 ? 'receiver not ready' : kind === 3 ? 'nak' : 'reserved', code };
}

const psnModulus = 1 << 24;

/** A sequence number `count` further on. */
export const psnAfter = (psn: number, count: number): number => (((psn + count) % psnModulus) + psnModulus) % psnModulus;

/** How far `psn` is behind `from`, from -2^23 to 2^23 - 1: negative if it comes before. */
export const psnDistance = (psn: number, from: number): number => ((psn - from) << 8) >> 8;

const { sendLastImmediate, sendOnlyImmediate, writeLastImmediate, writeOnlyImmediate } = Opcode;
const withRemote: ReadonlySet<number> = new Set([Opcode.writeFirst, Opcode.writeOnly, writeOnlyImmediate, Opcode.readRequest]);
const withAnswer: ReadonlySet<number> = new Set([Opcode.readFirst, Opcode.readLast, Opcode.readOnly, Opcode.acknowledge]);
const withImmediate: ReadonlySet<number> = new Set([
  sendLastImmediate,
  sendOnlyImmediate,
  writeLastImmediate,
  writeOnlyImmediate,
]);
const withoutPayload: ReadonlySet<number> = new Set([Opcode.readRequest, Opcode.acknowledge]);

/** Part of a message that a SEND, WRITE or READ Response packet is. */
export const isFirst = (opcode: number): boolean =>
  opcode === Opcode.sendFirst || opcode === Opcode.writeFirst || opcode === Opcode.readFirst;
export const isMiddle = (opcode: number): boolean =>
  opcode === Opcode.sendMiddle || opcode === Opcode.writeMiddle || opcode === Opcode.readMiddle;
/** A response to a request, which the requester takes; other packets are for the responder. */
export const isResponse = (opcode: number): boolean => opcode >= Opcode.readFirst && opcode <= Opcode.acknowledge;

const baseBytes = 12;
const remoteBytes = 16;
const answerBytes = 4;
const immediateBytes = 4;
const partition = 0xffff;

const headerBytes = (opcode: number): number =>
  baseBytes +
  (withRemote.has(opcode) ? remoteBytes : 0) +
  (withAnswer.has(opcode) ? answerBytes : 0) +
  (withImmediate.has(opcode) ? immediateBytes : 0);

/** Puts a packet on the wire's form. @throws RangeError for a packet without the headers that its opcode has. */
export function encodePacket(packet: Packet): WirePacket {
  const { opcode, queuePair, psn, solicited = false, acknowledge = false, remote, answer, immediate, payload } = packet;
  const view = new DataView(new ArrayBuffer(headerBytes(opcode)));
  const pad = -payload.length & 3;
  view.setUint8(0, opcode);
  view.setUint8(1, (Number(solicited) << 7) | (pad << 4));
  view.setUint16(2, partition);
  view.setUint32(4, queuePair);
  view.setUint32(8, ((Number(acknowledge) << 31) | psn) >>> 0);
  let at = baseBytes;
  if (withRemote.has(opcode)) {
    if (!remote) throw new RangeError(`a packet of opcode ${opcode} names memory of the other side`);
    view.setBigUint64(at, remote.address);
    view.setUint32(at + 8, remote.key);
    view.setUint32(at + 12, remote.bytes);
    at += remoteBytes;
  }
  if (withAnswer.has(opcode)) {
    if (!answer) throw new RangeError(`a packet of opcode ${opcode} says how it goes`);
    view.setUint32(at, ((answer.syndrome << 24) | (answer.messages & 0xff_ffff)) >>> 0);
    at += answerBytes;
  }
  if (withImmediate.has(opcode)) {
    if (immediate === undefined) throw new RangeError(`a packet of opcode ${opcode} has immediate data`);
    view.setUint32(at, immediate);
  }
  return { headers: new Uint8Array(view.buffer), payload };
}

/** What a packet from the wire says. @returns nothing for one that is none of a reliable connection. */
export function decodePacket({ headers, payload }: WirePacket): Packet | undefined {
  const view = new DataView(headers.buffer, headers.byteOffset, headers.byteLength);
  if (headers.length < baseBytes) return undefined;
  const opcode = view.getUint8(0);
  if (opcode > Opcode.acknowledge || headers.length !== headerBytes(opcode)) return undefined;
  if (view.getUint16(2) !== partition || ((view.getUint8(1) >> 4) & 3) !== (-payload.length & 3)) return undefined;
  if (withoutPayload.has(opcode) && payload.length > 0) return undefined;
  const answerAt = baseBytes;
  const immediateAt = headers.length - immediateBytes;
  return {
    opcode,
    queuePair: view.getUint32(4) & 0xff_ffff,
    psn: view.getUint32(8) & 0xff_ffff,
    solicited: view.getUint8(1) >= 0x80,
    acknowledge: view.getUint8(8) >= 0x80,
    ...(withRemote.has(opcode) && {
      remote: {
        address: view.getBigUint64(baseBytes),
        key: view.getUint32(baseBytes + 8),
        bytes: view.getUint32(baseBytes + 12),
      },
    }),
    ...(withAnswer.has(opcode) && {
      answer: { syndrome: view.getUint8(answerAt), messages: view.getUint32(answerAt) & 0xff_ffff },
    }),
    ...(withImmediate.has(opcode) && { immediate: view.getUint32(immediateAt) }),
    payload,
  };
}

/** Packets of a message; one without bytes has one. */
export const packetsOf = (bytes: number, mtu: number): number => Math.max(1, Math.ceil(bytes / mtu));
