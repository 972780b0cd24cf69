import { HdlError } from '@hdl/ts-hdl';

/** PCI Express generations; 6 in flit mode. */
export type Generation = 1 | 2 | 3 | 4 | 5 | 6;
export type Lanes = 1 | 2 | 4 | 8 | 16;
export type MaxPayload = 128 | 256 | 512 | 1024 | 2048 | 4096;

/** Per lane: 10^9 transfers per second (one bit each), and the part of the bits that 8b/10b, 128b/130b or, with flits, nothing leaves to bytes (4.2). */
const signalling = {
  1: { rate: 2.5, code: 8 / 10 },
  2: { rate: 5, code: 8 / 10 },
  3: { rate: 8, code: 128 / 130 },
  4: { rate: 16, code: 128 / 130 },
  5: { rate: 32, code: 128 / 130 },
  6: { rate: 64, code: 1 },
} as const;

/** A flit: bytes for TLPs, for one DLLP, and for CRC and FEC (4.2.3). */
const flit = { tlps: 236, dllp: 6, total: 256 } as const;

/** Bytes of a DLLP on the link, with its framing and CRC. */
export const dllpBytes = 8;

/** Symbols that a link's partner needs at the end of a TLP before an ACK or UpdateFC leaves: InternalDelay of 3.6.3.1 and 2.6.1.2. */
const internalDelay = { 1: 19, 2: 70, 3: 115, 4: 115, 5: 115 } as const;

/** Symbols of framing, header and CRC that those formulas add to a payload. */
const longestOverhead = 28;

/** AckFactor, which is UpdateFactor too: TLPs per ACK, by payload and width (3.6.3.1, 2.6.1.2). */
function ackFactor(max_payload: MaxPayload, lanes: Lanes): number {
  if (max_payload <= 256) return lanes === 16 ? 3 : lanes === 8 ? 2.5 : 1.4;
  return lanes === 16 ? 2 : 1;
}

/** What a link is. */
export interface LinkKind {
  readonly generation: Generation;
  readonly lanes: Lanes;
  /** Largest payload of a TLP in bytes (MPS): how often ACKs and flow control updates are sent depends on it. */
  readonly max_payload: MaxPayload;
}

/** A TLP's form. */
export interface TlpForm {
  /** Bytes; 0 for a TLP without data. */
  readonly payload: number;
  /** 4 for an address above 4 GiB and for messages. */
  readonly header_dwords: 3 | 4;
  /** With a digest (ECRC). */
  readonly digest?: boolean;
}

/** Bytes of framing and sequence number before a TLP and of LCRC (and end symbol) behind it (3.6.2, 4.2.1.2, 4.2.2.3): 8 together; none in flits. */
export const framingBytes = (generation: Generation): { readonly start: number; readonly end: number } =>
  generation === 6 ? { start: 0, end: 0 } : generation <= 2 ? { start: 3, end: 5 } : { start: 4, end: 4 };

/** Bytes that a TLP takes on the link. */
export function tlpBytes(generation: Generation, { payload, header_dwords, digest = false }: TlpForm): number {
  const { start, end } = framingBytes(generation);
  return start + 4 * header_dwords + payload + (digest ? 4 : 0) + end;
}

/** One direction of a link, in bytes per second. */
export interface LinkRate {
  /** After the line code. */
  readonly raw: number;
  /** Left for TLPs with all that belongs to them. */
  readonly tlps: number;
  /** Set aside for flow control updates. */
  readonly updates: number;
  /** Taken by ACKs. */
  readonly acks: number;
  /** Seconds from the last byte of a TLP to the first byte of its ACK or NAK. */
  readonly ack_delay: number;
}

/**
 * The rates of one direction of a link.
 *
 * Generations 1 to 5: in every AckLimit = floor((MPS + 28) * AckFactor / lanes + InternalDelay) bytes one ACK and one UpdateFC of 8 bytes, and a SKP ordered set
 * of 4 in 1,538 symbols (4.2.7). It is the model of pcie-bench (Neugebauer et al., SIGCOMM 2018), which counts that limit, symbol times in the
 * specification, as bytes of the whole link; its figures agree with what was measured on real links. Flits: 236 of 256 bytes carry TLPs, and each has room for a DLLP.
 *
 * @throws HdlError for a link that does not exist.
 */
export function linkRates({ generation, lanes, max_payload }: LinkKind): LinkRate {
  const found = signalling[generation] as (typeof signalling)[Generation] | undefined;
  if (!found) throw new HdlError(`there is no generation ${generation} of PCI Express links`, { help: 'choose 1 to 6' });
  if (![1, 2, 4, 8, 16].includes(lanes))
    throw new HdlError(`a link has no ${lanes} lanes`, { help: 'choose 1, 2, 4, 8 or 16 lanes' });
  if (![128, 256, 512, 1024, 2048, 4096].includes(max_payload))
    throw new HdlError(`the largest payload is a power of two of 128 to 4,096 bytes, not ${max_payload}`);
  const symbols = (found.rate * 1e9) / (generation <= 2 ? 10 : 8);
  const raw = (found.rate * 1e9 * found.code * lanes) / 8;
  if (generation === 6) {
    const flits = raw / flit.total;
    return { raw, tlps: flits * flit.tlps, updates: flits * dllpBytes, acks: 0, ack_delay: internalDelay[5] / symbols };
  }
  const delay = internalDelay[generation];
  const limit = Math.floor(((max_payload + longestOverhead) * ackFactor(max_payload, lanes)) / lanes + delay);
  const dllps = (raw * dllpBytes) / limit;
  return { raw, tlps: raw * (1 - 4 / 1538) - 2 * dllps, updates: dllps, acks: dllps, ack_delay: delay / symbols };
}

/**
 * Payload in bytes per second of one direction that carries TLPs of one form without a pause: the table of payload rates is this with `payload` = MPS. With
 * `payload` 0 it is 0: see `tlpRate`.
 */
export const linkRate = (link: LinkKind & TlpForm): number => tlpRate(link) * link.payload;

/** TLPs of one form per second of one direction. */
export const tlpRate = (link: LinkKind & TlpForm): number => linkRates(link).tlps / tlpBytes(link.generation, link);
