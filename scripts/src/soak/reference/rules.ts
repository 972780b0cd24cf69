import {
  bodyDwords,
  byteCount,
  dwords,
  hasData,
  isAtomic,
  isCompletion,
  isMessage,
  lowerAddress,
  messageCode,
  status,
  type Tlp,
} from '../tlp.ts';

/** What the specification says of single TLPs; written from its chapter 2, and not from the hardware. */

/** Formats that exist, by type (2.2.1). */
const formats: ReadonlyMap<number, readonly number[]> = new Map<number, readonly number[]>([
  [0, [0, 1, 2, 3]],
  [1, [0, 1]],
  [2, [0, 2]],
  [4, [0, 2]],
  [5, [0, 2]],
  [10, [0, 2]],
  [11, [0, 2]],
  [12, [2, 3]],
  [13, [2, 3]],
  [14, [2, 3]],
  ...[0, 1, 2, 3, 4, 5, 6, 7].map(route => [16 + route, [1, 3]] as const),
]);

interface MessageRule {
  readonly routes: readonly number[];
  /** DW of payload; any without. */
  readonly dwords?: number;
  readonly anyClass?: true;
  /** An endpoint of this kind takes it, or has a right to ignore it. */
  readonly fine?: true;
}

/** Messages by code (2.2.8), and those that an endpoint without their features refuses. */
const messages: ReadonlyMap<number, MessageRule> = new Map<number, MessageRule>([
  [0x00, { routes: [3], dwords: 0, fine: true }],
  [0x01, { routes: [2], dwords: 2, anyClass: true }],
  [0x02, { routes: [2], dwords: 0, anyClass: true }],
  [0x04, { routes: [0], dwords: 0, anyClass: true }],
  [0x05, { routes: [2], dwords: 0, anyClass: true }],
  [0x10, { routes: [4], dwords: 0 }],
  [0x12, { routes: [4], dwords: 0 }],
  [0x14, { routes: [4], dwords: 0, fine: true }],
  [0x18, { routes: [0], dwords: 0 }],
  [0x19, { routes: [3], dwords: 0, fine: true }],
  [0x1b, { routes: [5], dwords: 0 }],
  ...[0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27].map(code => [code, { routes: [4], dwords: 0 }] as const),
  ...[0x30, 0x31, 0x33].map(code => [code, { routes: [0], dwords: 0 }] as const),
  ...[0x40, 0x41, 0x43, 0x44, 0x45, 0x47, 0x48].map(code => [code, { routes: [4], dwords: 0, fine: true }] as const),
  [0x50, { routes: [4], dwords: 1, fine: true }],
  [0x52, { routes: [4], dwords: 0 }],
  [0x53, { routes: [4] }],
  [0x7e, { routes: [0, 2, 3, 4], anyClass: true }],
  [0x7f, { routes: [0, 2, 3, 4], anyClass: true, fine: true }],
]);

/** Whether an endpoint has nothing against a message. */
export const takesMessage = (t: Tlp): boolean => messages.get(messageCode(t))?.fine === true;

/** The steering tag of a read stands where its byte enables would (2.2.7.1.1): all bytes are meant. */
const steered = (t: Tlp): boolean => t.th === 1 && t.type < 2 && !hasData(t);

/** Whether the i-th byte of a memory request is enabled. */
export function enabled(t: Tlp, i: number): boolean {
  if (steered(t)) return true;
  const dword = i >> 2;
  const enables = dword === 0 ? t.first_be : dword === dwords(t) - 1 ? t.last_be : 15;
  return ((enables >> (i & 3)) & 1) === 1;
}

/** The first enabled byte, and how many there are from it to the last enabled one; one byte for a request of none (2.3.1.1). */
export function span(t: Tlp): { readonly first: number; readonly count: number } {
  const bytes = 4 * dwords(t);
  let first = 0;
  while (first < 4 && !enabled(t, first)) first++;
  if (first === 4) return { first: 0, count: 1 };
  let last = bytes - 1;
  while (!enabled(t, last)) last--;
  return { first, count: last + 1 - first };
}

/** Byte enables that a memory request must not have (2.2.5). */
function wrongEnables(t: Tlp): boolean {
  if (steered(t)) return false;
  const count = dwords(t);
  if (count === 1) return t.last_be !== 0;
  if (t.first_be === 0 || t.last_be === 0) return true;
  if (count === 2 && t.low % 8 === 0) return false;
  return ![15, 14, 12, 8].includes(t.first_be) || ![15, 7, 3, 1].includes(t.last_be);
}

/** Bytes of an AtomicOp's operand. */
export const operand = (t: Tlp): number => (t.type === 14 ? 2 : 4) * dwords(t);

function wrongMessage(t: Tlp): boolean {
  const rule = messages.get(messageCode(t));
  if (!rule) return false;
  const wrongSize = rule.dwords !== undefined && rule.dwords !== (hasData(t) ? dwords(t) : 0);
  return wrongSize || !rule.routes.includes(t.type & 7) || (!rule.anyClass && t.tc !== 0);
}

/** Whether there is such a type with such a format (2.2.1). */
export const defined = (t: Tlp): boolean => formats.get(t.type)?.includes(t.fmt) === true;

/** An I/O or configuration request that has more than its one DW, or what such requests never have (2.2.7). */
export const wrongSingle = (t: Tlp): boolean =>
  (t.type === 2 || t.type === 4 || t.type === 5) && (t.length !== 1 || t.tc + t.attr + t.at + t.last_be > 0);

/** Whether its header makes a TLP malformed for a receiver with a payload limit of `limit` bytes (2.3). */
export function malformed(t: Tlp, limit: number): boolean {
  if (!defined(t) || wrongSingle(t)) return true;
  const bytes = 4 * dwords(t);
  if (hasData(t) && bytes > limit) return true;
  if (t.type < 2) return (t.low & 0xfff) + bytes > 4096 || wrongEnables(t);
  if (isAtomic(t)) {
    const sizes = t.type === 14 ? [4, 8, 16] : [4, 8];
    return !sizes.includes(operand(t)) || t.low % operand(t) !== 0;
  }
  if (isMessage(t)) return wrongMessage(t);
  if (!isCompletion(t) || !hasData(t)) return false;
  return status(t) !== 0 || dwords(t) > Math.ceil(((lowerAddress(t) & 3) + byteCount(t)) / 4);
}

/** Beats of `bytes` bytes. */
export const beatsOf = (bytes: number, width: number): number => Math.max(1, Math.ceil((8 * bytes) / width));

/** Whether a TLP has as many beats as its header says. */
export const rightLength = (t: Tlp, width: number): boolean =>
  beatsOf(t.body.length, width) === beatsOf(4 * bodyDwords(t), width);
