import { crc32 } from 'node:zlib';
import { bodyDwords, dwords, hasData, isCompletion, logWords, type Tlp } from '../tlp.ts';

/**
 * The digest of a TLP (2.7.1, C71c): the CRC-32 of Ethernet over header and payload in the order of the wire, where bit 0 of the type and the poison bit count as 1;
 * as the DW behind the payload that has its first byte lowest.
 */
function digestOf(t: Tlp): number {
  const long = (t.fmt & 1) === 1 && !isCompletion(t);
  const header = new DataView(new ArrayBuffer(long ? 16 : 12));
  for (let i = 0; i < header.byteLength; i += 4) header.setUint32(i, logWords(t)[i / 4] ?? 0);
  header.setUint8(0, header.getUint8(0) | 1);
  header.setUint8(2, header.getUint8(2) | 0x40);
  return crc32(t.body.subarray(0, hasData(t) ? 4 * dwords(t) : 0), crc32(new Uint8Array(header.buffer)));
}

/** Where it stands in the beats. */
const placeOf = (t: Tlp): number => 4 * (bodyDwords(t) - 1);

/** Puts the right digest behind the payload of a TLP that has one and is as long as it says. */
export function seal(t: Tlp): void {
  if (t.td === 0 || t.body.length !== 4 * bodyDwords(t)) return;
  new DataView(t.body.buffer, t.body.byteOffset).setUint32(placeOf(t), digestOf(t), true);
}

/** Whether the digest of a TLP is right. */
export const isSealed = (t: Tlp): boolean =>
  t.body.length >= placeOf(t) + 4 && new DataView(t.body.buffer, t.body.byteOffset).getUint32(placeOf(t), true) === digestOf(t);
