/** TLPs of the soak: plain numbers, an address in two halves, so that millions of them cost little. */
export interface Tlp {
  fmt: number;
  type: number;
  tc: number;
  attr: number;
  th: number;
  td: number;
  ep: number;
  at: number;
  /** As on the wire: 0 means 1,024 DW. */
  length: number;
  requester: number;
  tag: number;
  last_be: number;
  first_be: number;
  /** The 64 bits that `TlpHeader` calls `address`. */
  high: number;
  low: number;
  /** What lies in the beats: payload, then the digest if there is one. */
  body: Uint8Array;
}

export const nothing = new Uint8Array(0);

export const tlp = (fields: Partial<Tlp>): Tlp => ({
  fmt: 0,
  type: 0,
  tc: 0,
  attr: 0,
  th: 0,
  td: 0,
  ep: 0,
  at: 0,
  length: 1,
  requester: 0,
  tag: 0,
  last_be: 0,
  first_be: 0,
  high: 0,
  low: 0,
  body: nothing,
  ...fields,
});

export const hasData = (t: Tlp): boolean => (t.fmt & 2) !== 0;
export const dwords = (t: Tlp): number => t.length || 1024;
export const isMessage = (t: Tlp): boolean => t.type >> 3 === 2;
export const isCompletion = (t: Tlp): boolean => t.type === 10 || t.type === 11;
export const isAtomic = (t: Tlp): boolean => t.type >= 12 && t.type <= 14;

/** The code of a message. */
export const messageCode = (t: Tlp): number => 16 * t.last_be + t.first_be;

/** 0 posted, 1 non-posted, 2 completion: as a link sorts TLPs, the undefined ones too. */
export type TlpClass = 0 | 1 | 2;
export const classOf = (t: Tlp): TlpClass => (isCompletion(t) ? 2 : isMessage(t) || (t.type === 0 && hasData(t)) ? 0 : 1);

/** DW that the beats have to carry by the header: payload and digest. */
export const bodyDwords = (t: Tlp): number => (hasData(t) ? dwords(t) : 0) + t.td;

/** Transaction ID. */
export const transaction = (t: Tlp): number => t.requester * 1024 + t.tag;

/** Fields of a completion (2.2.9). */
export const completer = (t: Tlp): number => t.high >>> 16;
export const status = (t: Tlp): number => (t.high >>> 13) & 7;
export const byteCount = (t: Tlp): number => t.high & 0xfff || 4096;
export const lowerAddress = (t: Tlp): number => t.low & 0x7f;
export const completionHigh = (id: number, code: number, bytes: number): number =>
  ((id << 16) | (code << 13) | (bytes & 0xfff)) >>> 0;

/** The header as the header log shows it (7.8.4.8): byte 0 of a DW in its highest byte. */
export function logWords(t: Tlp): readonly number[] {
  const first =
    ((t.fmt << 29) |
      (t.type << 24) |
      ((t.tag >> 9) << 23) |
      (t.tc << 20) |
      (((t.tag >> 8) & 1) << 19) |
      ((t.attr >> 2) << 18) |
      (t.th << 16) |
      (t.td << 15) |
      (t.ep << 14) |
      ((t.attr & 3) << 12) |
      (t.at << 10) |
      t.length) >>>
    0;
  const who = ((t.requester << 16) | ((t.tag & 0xff) << 8)) >>> 0;
  if (isCompletion(t)) return [first, t.high, (who | (t.low & 0xff)) >>> 0, 0];
  const second = (who | (t.last_be << 4) | t.first_be) >>> 0;
  return t.fmt & 1 ? [first, second, t.high, t.low] : [first, second, t.low, 0];
}

const kinds: Readonly<Record<number, string>> = {
  1: 'MRdLk',
  10: 'Cpl',
  11: 'CplLk',
  12: 'FetchAdd',
  13: 'Swap',
  14: 'CAS',
};

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

/** A TLP for people, in one line. */
export function describe(t: Tlp): string {
  const write = hasData(t) ? 'Wr' : 'Rd';
  const pairs: Readonly<Record<number, string>> = { 0: `M${write}`, 2: `IO${write}`, 4: `Cfg${write}0`, 5: `Cfg${write}1` };
  const name = pairs[t.type] ?? kinds[t.type] ?? (isMessage(t) ? 'Msg' : `type ${t.type}`);
  const flags = [
    ['tc', t.tc],
    ['attr', t.attr],
    ['th', t.th],
    ['td', t.td],
    ['ep', t.ep],
    ['at', t.at],
  ] as const;
  const set = flags.filter(([, value]) => value).map(([flag, value]) => ` ${flag} ${value}`);
  const be = `be ${hex(t.last_be, 1)}/${hex(t.first_be, 1)}`;
  const where = isCompletion(t)
    ? `from ${hex(completer(t), 4)} status ${status(t)} bytes ${byteCount(t)} lower ${hex(lowerAddress(t), 2)}`
    : `address ${hex(t.high, 8)}_${hex(t.low, 8)}`;
  const id = `id ${hex(t.requester, 4)} tag ${t.tag}`;
  return `${name} fmt ${t.fmt} length ${t.length} ${be} ${where} ${id}${set.join('')}, ${t.body.length} bytes in the beats`;
}
