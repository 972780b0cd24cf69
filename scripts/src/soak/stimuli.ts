import { barMaps, functionParams } from './device.ts';
import { payload } from './random.ts';
import { bodyDwords, classOf, completionHigh, hasData, type Tlp, tlp } from './tlp.ts';

/** TLPs from the numbers of an operation. A number of 0 always gives the plainest form. */

const pick = <T>(list: readonly [T, ...T[]], index: number): T => list[index % list.length] ?? list[0];

/** A part of a function's BAR that requests go to. */
export interface Area {
  readonly function: number;
  readonly bar: number;
  /** Bytes from and to, in the BAR. */
  readonly from: number;
  readonly to: number;
}

const area = (of: number, bar: number, from: number, to: number): Area => ({ function: of, bar, from, to });
const KiB = 1024;

/** Memory of posted writes and reads; of AtomicOps and reads; of the DMA and reads. */
export const areas = {
  memory: [area(0, 1, 0, 16 * KiB), area(1, 0, 0, 15 * KiB), area(2, 1, 0, 16 * KiB)],
  atomic: [area(0, 1, 16 * KiB, 17 * KiB), area(1, 0, 15 * KiB, 16 * KiB)],
  dma: [area(0, 1, 17 * KiB, 32 * KiB)],
  /** The mailboxes, as far as the host may write them. */
  registers: [area(0, 0, 0x400, 0x800), area(2, 0, 0x804, 0xb80)],
} as const;

/** Where the BARs are: their addresses, by function and BAR. */
export type Bases = readonly (readonly { readonly high: number; readonly low: number }[])[];

/** Bases from the settings: 64 KiB apart at least, the ones of 64 bits mostly above 4 GiB. */
export function basesOf(settings: readonly number[]): Bases {
  let index = 0;
  return functionParams.map(({ bars }) =>
    bars.map(({ width }) => {
      const setting = settings[8 + index] ?? 0;
      const low = (0x1000_0000 * (index + 2) + (setting & 0xfff) * 0x1_0000) >>> 0;
      index++;
      return { high: width === 64 && (setting >>> 12) % 4 !== 0 ? (setting >>> 16) + 1 : 0, low };
    }),
  );
}

const traits = (c: number) => ({
  tc: c & 7,
  attr: (c >>> 3) & 7,
  td: ((c >>> 6) & 7) === 7 ? 1 : 0,
  at: ((c >>> 9) & 15) === 15 ? 2 : 0,
});

/** Fills in what lies in the beats. */
export function withBody(t: Tlp, seed: number): Tlp {
  const dwords = bodyDwords(t);
  if (dwords > 0) t.body = payload(seed, 4 * dwords);
  return t;
}

const sizes = [1, 1, 1, 2, 2, 3, 4, 5, 8, 15, 16, 17, 31, 32, 33, 48, 64, 128, 256, 1024] as const;

/** Byte enables that a memory request may have. */
function enables(count: number, low: number, x: number): { readonly first_be: number; readonly last_be: number } {
  if (count === 1) return { first_be: x % 2 === 0 ? 15 : (x >>> 1) & 15, last_be: 0 };
  if (count === 2 && low % 8 === 0 && x % 2 === 1) return { first_be: 1 + ((x >>> 1) % 15), last_be: 1 + ((x >>> 5) % 15) };
  return { first_be: pick([15, 15, 14, 12, 8], x >>> 1), last_be: pick([15, 15, 7, 3, 1], x >>> 4) };
}

/** A place in an area: one in four anywhere, else in half a KiB, where requests meet. */
function place(all: readonly [Area, ...Area[]], bases: Bases, a: number, align = 4) {
  const { function: of, bar, from, to } = pick(all, a);
  const hot = ((a >>> 2) & 3) !== 3;
  const span = hot ? Math.min(512, to - from) : to - from;
  const inside = from + align * ((a >>> 4) % (span / align));
  const base = bases[of]?.[bar] ?? { high: 0, low: 0 };
  const low = base.low + inside;
  return { high: base.high, low, four: base.high ? 1 : 0, room: Math.min(to - inside, 4096 - (low & 0xfff)) };
}

export interface Numbers {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
}

/** MWr or MRd to an area; `limit` in DW. */
export function memoryRequest(
  all: readonly [Area, ...Area[]],
  { a, b, c, d }: Numbers,
  { bases, write, limit }: { readonly bases: Bases; readonly write: boolean; readonly limit: number },
): Tlp {
  const { high, low, four, room } = place(all, bases, a);
  const count = Math.min(pick(sizes, b), limit, room / 4);
  const th = ((c >>> 13) & 31) === 31 ? 1 : 0;
  const shape = { length: count & 0x3ff, high, low, th, ...enables(count, low, b >>> 8) };
  return withBody(tlp({ fmt: (write ? 2 : 0) | four, ...traits(c), ...shape }), d);
}

/** MRd of nothing (C8): its completion says that the writes before it have arrived. */
export const flush = ({ a, c }: Numbers, bases: Bases): Tlp => {
  const { high, low, four } = place(areas.memory, bases, a);
  return tlp({ fmt: four, ...traits(c & ~0x1c0), high, low });
};

/** An AtomicOp on its own area. A CAS compares what `memory` has there, or something else. */
export function atomic(
  { a, b, c, d }: Numbers,
  bases: Bases,
  memory: (of: number, at: number, bytes: number) => Uint8Array,
): Tlp {
  const type = 12 + (b % 3);
  const size = type === 14 ? pick([4, 8, 16], b >>> 2) : pick([4, 8], b >>> 2);
  const { high, low, four } = place(areas.atomic, bases, a, size);
  const length = ((type === 14 ? 2 : 1) * size) / 4;
  const t = withBody(
    tlp({ fmt: 2 | four, type, ...traits(c), length, high, low, first_be: 15, last_be: length > 1 ? 15 : 0 }),
    d,
  );
  const of = pick(areas.atomic, a).function;
  const bar = of === 0 ? 1 : 0;
  if (type === 14 && (b >>> 4) % 4 !== 0) t.body.set(memory(of, low - (bases[of]?.[bar]?.low ?? 0), size));
  return t;
}

/** A configuration request of type 0. */
export function configRequest(
  target: { readonly device: number; readonly function: number; readonly offset: number },
  write?: { readonly data: number; readonly enables: number },
): Tlp {
  const low = ((target.device << 19) | (target.function << 16) | target.offset) >>> 0;
  const body = new Uint8Array(write ? 4 : 0);
  if (write) new DataView(body.buffer).setUint32(0, write.data, true);
  return tlp({ fmt: write ? 2 : 0, type: 4, low, first_be: write?.enables ?? 15, body });
}

const codes = [0x7f, 0x00, 0x14, 0x19, 0x50, 0x41, 0x48, 0x7e, 0x20, 0x30, 0x18, 0x10, 0x01, 0x53, 0x99] as const;
const routes: Readonly<Record<number, number>> = { 0: 3, 25: 3, 48: 0, 24: 0, 1: 2, 126: 2, 127: 3 };

/** A message as it ought to be: known and unknown ones. */
export function message({ a, b, c, d }: Numbers): Tlp {
  const code = pick(codes, a);
  const vendor = code === 0x7f || code === 0x7e;
  const dwords = code === 0x50 ? 1 : code === 0x01 ? 2 : vendor || code === 0x53 || code === 0x99 ? b % 17 : 0;
  const t = tlp({
    fmt: dwords > 0 ? 3 : 1,
    type: 16 | (routes[code] ?? 4),
    tc: vendor ? c & 7 : 0,
    attr: (c >>> 3) & 7,
    td: ((c >>> 6) & 7) === 7 ? 1 : 0,
    length: dwords,
    first_be: code & 15,
    last_be: code >> 4,
    high: d,
    low: c,
  });
  return withBody(t, d);
}

/** A well-formed request that no BAR and no function claims (C51). */
export function nobody({ a, b, c, d }: Numbers, bases: Bases): Tlp {
  const beyond = { high: 0x7fff_0000, low: 0x100 + 4 * (b % 64) };
  const base = bases[0]?.[1] ?? beyond;
  const registers = bases[0]?.[0] ?? beyond;
  const some = [
    () => tlp({ fmt: 3, ...traits(c), length: 1 + (b % 32), ...beyond, first_be: 15, last_be: b % 32 > 0 ? 15 : 0 }),
    () => tlp({ fmt: 1, ...traits(c), length: 1 + (b % 32), ...beyond, first_be: 15, last_be: b % 32 > 0 ? 15 : 0 }),
    () => tlp({ fmt: base.high ? 1 : 0, type: 1, ...base, first_be: 15 }),
    () => tlp({ fmt: base.high ? 1 : 0, at: 1 + 2 * (b % 2), tc: c & 7, ...base, first_be: 15 }),
    () => tlp({ fmt: base.high ? 3 : 2, at: 1 + 2 * (b % 2), tc: c & 7, ...base, first_be: 15 }),
    () => tlp({ fmt: 2 * (b % 2), type: 2, low: 0x1000 + 4 * (b % 64), first_be: 15 }),
    () => tlp({ fmt: 2 * (b % 2), type: 5, low: 4 * (b % 256), first_be: 15 }),
    () => tlp({ fmt: 2 * (b % 2), type: 4, low: 0x3_0000 + 0x1_0000 * (c % 5) + 4 * (b % 256), first_be: 15 }),
    () => tlp({ fmt: 3, type: 12 + (b % 2), ...beyond, first_be: 15 }),
    // An AtomicOp to registers.
    () => tlp({ fmt: 2, type: 13, length: 2, low: registers.low + 0x100, first_be: 15, last_be: 15 }),
    // Just below and just behind a BAR.
    () => tlp({ fmt: base.high ? 1 : 0, high: base.high, low: base.low + (b % 2 ? 0x8000 : -4), first_be: 15 }),
  ] as const;
  return withBody(pick([some[0], ...some.slice(1)], a)(), d);
}

/** What makes a good TLP malformed (C71d), by name. The class stays, so that it takes its place in the order. */
export const damages: Readonly<Record<string, (t: Tlp, b: number) => Partial<Tlp>>> = {
  prefix: (_, b) => ({ fmt: 4 + (b % 4) }),
  undefined_type: (_, b) => ({ type: pick([3, 6, 7, 8, 9, 15, 24, 31], b), length: 1 + (b % 8) }),
  undefined_format: t => ({ fmt: t.fmt ^ (t.type === 0 ? 4 : 1) }),
  byte_enables: (_, b) => ({ first_be: b & 15, last_be: (b >>> 4) & 15 }),
  page_crossing: (t, b) => ({ low: ((t.low | 0xfff) & ~3) - 4 * (b % 4), length: 5 + (b % 8) }),
  traffic_class: (_, b) => ({ tc: 1 + (b % 7) }),
  attributes: (_, b) => ({ attr: 1 + (b % 7) }),
  address_type: (_, b) => ({ at: 1 + (b % 3) }),
  length: (_, b) => ({ length: b % 17 }),
  payload_limit: (_, b) => ({ length: 65 + (b % 80) }),
  alignment: (t, b) => ({ low: t.low + 4 * (1 + (b % 3)) }),
  route: (t, b) => ({ type: (t.type & ~7) | (b % 8) }),
  status_with_data: (t, b) => ({ high: (t.high & ~0xe000) | ((1 + (b % 7)) << 13) }),
  byte_count: (t, b) => ({ high: (t.high & ~0xfff) | (1 + (b % 8)), length: 4 + (b % 8) }),
};
export const damageNames = Object.keys(damages) as readonly string[];

/** Whether a damaged TLP keeps the class of the good one and fits into the credits of its class. */
export function usable(t: Tlp, of: number): boolean {
  const limit = [128, 16, 160][of] ?? 16;
  return classOf(t) === of && (!hasData(t) || (t.length > 0 && t.length <= limit));
}

/** A completion that nobody waits for (C58): a foreign requester, or a tag that is never used. */
export function unexpected({ a, b, c, d }: Numbers, ids: readonly number[]): Tlp {
  const requester = a % 3 === 0 ? 0x0777 : (ids[a % ids.length] ?? 0);
  const length = b % 33;
  const bytes = Math.max(1, 4 * length - (c & 3));
  const t = tlp({
    fmt: length > 0 ? 2 : 0,
    type: (c >>> 2) % 8 === 7 ? 11 : 10,
    tc: (c >>> 5) & 7,
    attr: (c >>> 8) & 7,
    td: ((c >>> 11) & 7) === 7 ? 1 : 0,
    length,
    requester,
    tag: 64 + (d % 960),
    high: completionHigh(0x0008, length > 0 ? 0 : pick([0, 1, 4], c >>> 14), bytes),
    low: c & 3,
  });
  return withBody(t, d);
}

/** Where a function's BAR lies in the BAR memory. */
export const memoryBase = (of: number): number => barMaps[of]?.find(({ to }) => to === 'memory')?.base ?? 0;
