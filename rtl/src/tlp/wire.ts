import type { Packet, PacketHeader } from './packet.ts';
import { Fmt, TlpType } from './tlp.ts';

/** TLPs as bytes on the wire, for software: what the hardware's ECRC covers, and what a link carries. */

/** Framing, sequence number and LCRC of a TLP at 2.5 to 32 GT/s (rule C16). */
export const framingBytes = 8;

/** The header's bytes in the order of the wire: 12 or 16 (2.2.1). Reserved bits are 0. */
export function headerBytes(h: PacketHeader): Uint8Array {
  const four = (h.fmt & Fmt.header4) !== 0;
  const bytes = new DataView(new ArrayBuffer(four ? 16 : 12));
  const high = Number(h.address >> 32n);
  const low = Number(h.address & 0xffff_ffffn);
  bytes.setUint8(0, (h.fmt << 5) | h.type);
  bytes.setUint8(1, ((h.tag >> 9) << 7) | (h.tc << 4) | (((h.tag >> 8) & 1) << 3) | ((h.attr >> 2) << 2) | h.th);
  bytes.setUint16(2, (h.td << 15) | (h.ep << 14) | ((h.attr & 3) << 12) | (h.at << 10) | h.length);
  if (h.type >> 1 === TlpType.completion >> 1) {
    bytes.setUint32(4, high);
    bytes.setUint16(8, h.requester_id);
    bytes.setUint8(10, h.tag & 0xff);
    bytes.setUint8(11, low & 0xff);
  } else {
    bytes.setUint16(4, h.requester_id);
    bytes.setUint8(6, h.tag & 0xff);
    bytes.setUint8(7, (h.last_be << 4) | h.first_be);
    if (four) bytes.setUint32(8, high);
    bytes.setUint32(four ? 12 : 8, low);
  }
  return new Uint8Array(bytes.buffer);
}

/** What follows the header: payload, and the digest if there is one. Also what the beats of a TLP carry. */
export function bodyBytes(packet: Packet): Uint8Array {
  const { payload, digest } = packet;
  if (packet.td === 0) return payload;
  const bytes = new Uint8Array(payload.length + 4);
  bytes.set(payload);
  new DataView(bytes.buffer).setUint32(payload.length, digest ?? 0, true);
  return bytes;
}

/** Bytes that a link spends on a TLP, framing included. */
export const linkBytes = (packet: Packet): number => framingBytes + headerBytes(packet).length + bodyBytes(packet).length;

/** The 32 bits of the polynomial 0x04C11DB7, the highest term at bit 0, as bits go from bit 0 of a byte upward. */
const polynomial = 0xedb8_8320;

/**
 * The digest of a TLP (2.7.1, rule C71c): CRC-32 over header and payload from byte 0, each byte from its bit 0, with seed all ones; bit 0 of Type and
 * EP, which may change on the way, count as 1. The result, inverted, has its highest coefficient at bit 0 of the digest's byte 0: as a DW in a beat
 * it is the number that this function gives. `td` is taken as it stands in the header.
 */
export function ecrcOf(packet: Packet): number {
  const header = headerBytes(packet);
  header[0] = (header[0] ?? 0) | 0x01;
  header[2] = (header[2] ?? 0) | 0x40;
  let crc = 0xffff_ffff;
  for (const part of [header, packet.payload])
    for (const byte of part) {
      crc ^= byte;
      for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? polynomial : 0);
    }
  return ~crc >>> 0;
}

/** The same TLP with a digest: `td` 1 and the ECRC. */
export function withDigest(packet: Packet): Packet {
  const marked = { ...packet, td: 1 };
  return { ...marked, digest: ecrcOf(marked) };
}

/** Whether the digest of a TLP is right; true if it has none. */
export const digestIsRight = (packet: Packet): boolean => packet.td === 0 || packet.digest === ecrcOf(packet);
