import { isDecision } from './coverage-points.ts';
import type { Layout } from './layout.ts';
import type { LoweredDesign } from './lowered-design.ts';
import { type ByteWriter, Code, I32, I64 } from './wasm-encoder.ts';

/** Counts of a value: for each value that it can have the samples at which it had it, and for states how often which followed which. */
export interface CoverageRecord {
  /** Bits of the value. */
  readonly width: number;
  /** Addresses of lists of 64-bit counts: by value; by `from * 2^width + to`, 0 if that is not counted. */
  readonly counts: number;
  readonly transitions: number;
  /** Address of these three numbers, for the code. */
  readonly address: number;
}

/** A piece of memory in which traced values are, and where it begins in the copies of it. */
export interface CoveredRange {
  readonly address: number;
  readonly bytes: number;
  readonly offset: number;
}

/** What coverage keeps in the machine's memory. Lists are by the bytes of the copy of all ranges. */
export interface CoveragePlaces {
  readonly ranges: readonly CoveredRange[];
  /** Bytes of all ranges. */
  readonly bytes: number;
  /** Values at the last sample, bits that rose, bits that fell, addresses of records. */
  readonly last: number;
  readonly rose: number;
  readonly fell: number;
  readonly records: number;
  /** For each word of 32 bits the sample, 64 bits, since which it has its value. */
  readonly since: number;
  /** The number of samples, 64 bits. */
  readonly samples: number;
  /** By the address of the value. */
  readonly counted: ReadonlyMap<number, CoverageRecord>;
}

/** Transitions of wider states are not counted in a table. */
const WIDEST_STATE = 6;
/** Bytes that are compared at once, and that are noted at once. */
const LINE = 64;
const BLOCK = 16;

/** Reserves room for coverage; undefined for a design with states of so many bits that it is better left to JavaScript. */
export function placeCoverage({ traced, state }: LoweredDesign, layout: Layout): CoveragePlaces | undefined {
  const counted = new Map<number, CoverageRecord>();
  for (const { name, width, states, address } of traced) {
    const isState = states !== undefined;
    if (!isState && !isDecision(name)) continue;
    if (isState && width > WIDEST_STATE) return undefined;
    const before = counted.get(address);
    const counts = before?.counts ?? layout.reserve(8 * 2 ** width, 8);
    const transitions = isState ? before?.transitions || layout.reserve(8 * 4 ** width, 8) : (before?.transitions ?? 0);
    counted.set(address, { width, counts, transitions, address: before?.address ?? layout.reserve(12, 4) });
  }
  const outside = traced.filter(({ address }) => address < state.current);
  const inside = traced.filter(({ address }) => address >= state.current);
  let bytes = 0;
  const ranges = [outside, inside].flatMap(signals => {
    if (signals.length === 0) return [];
    const begin = signals.reduce((least, { address }) => Math.min(least, address), Number.POSITIVE_INFINITY);
    const end = signals.reduce((most, { address, width }) => Math.max(most, address + 4 * Math.ceil(width / 32)), 0);
    const offset = bytes;
    bytes += Math.ceil((end - begin) / LINE) * LINE;
    return [{ address: begin, bytes: bytes - offset, offset }];
  });
  const list = () => layout.reserve(bytes, BLOCK);
  const [last, rose, fell, records] = [list(), list(), list(), list()];
  const since = layout.reserve(2 * bytes, 8);
  // The last line of a range may reach beyond what the design has.
  const samples = layout.reserve(8 + LINE, 8);
  return { ranges, bytes, last, rose, fell, records, since, samples, counted };
}

/** Instructions on 128 bits. */
const V128 = 0x7b;
const Vector = { load: 0x00, store: 0x0b, and: 0x4e, andNot: 0x4f, or: 0x50, xor: 0x51, any: 0x53 } as const;

function vector(out: ByteWriter, op: number): void {
  out.byte(0xfd);
  out.unsigned(op);
}

function access(out: ByteWriter, op: typeof Vector.load | typeof Vector.store, offset: number): void {
  vector(out, op);
  out.byte(3);
  out.unsigned(offset);
}

/** The locals of `emitSample`, and their types. */
const Sample = { at: 0, now: 1, changed: 2 } as const;
export const sampleLocals = [I32, V128, V128];

/** Looks at all values: a line of 64 bytes in which nothing has changed costs a comparison. `count` is the function that `emitCount` makes. */
export function emitSample(out: ByteWriter, places: CoveragePlaces, count: number): void {
  const { ranges, last, samples } = places;
  for (const { address, bytes, offset } of ranges) {
    out.i32(0);
    out.localSet(Sample.at);
    out.open(Code.loop);
    for (let block = 0; block < LINE; block += BLOCK) {
      out.localGet(Sample.at);
      access(out, Vector.load, address + block);
      out.localGet(Sample.at);
      access(out, Vector.load, last + offset + block);
      vector(out, Vector.xor);
      if (block > 0) vector(out, Vector.or);
    }
    vector(out, Vector.any);
    out.open(Code.if);
    for (let block = 0; block < LINE; block += BLOCK) emitBlock(out, places, address + block, offset + block, count);
    out.byte(Code.end);
    out.localGet(Sample.at);
    out.i32(LINE);
    out.byte(Code.add[0]);
    out.localTee(Sample.at);
    out.i32(bytes);
    out.byte(Code.ltu[0]);
    out.branch(Code.branchIf, 0);
    out.byte(Code.end);
  }
  out.i32(0);
  out.i32(0);
  out.load(I64, 8, samples);
  out.i64(1, 0);
  out.byte(Code.add[1]);
  out.store(I64, 8, samples);
}

/** Notes what has changed in a block whose values begin at `address` and whose place in the lists is `offset`, both beyond the local `at`. */
function emitBlock(out: ByteWriter, places: CoveragePlaces, address: number, offset: number, count: number): void {
  const { last, rose, fell, records } = places;
  const { at, now, changed } = Sample;
  const collect = (list: number, op: number) => {
    out.localGet(at);
    out.localGet(at);
    access(out, Vector.load, list + offset);
    out.localGet(changed);
    out.localGet(now);
    vector(out, op);
    vector(out, Vector.or);
    access(out, Vector.store, list + offset);
  };
  out.localGet(at);
  access(out, Vector.load, address);
  out.localTee(now);
  out.localGet(at);
  access(out, Vector.load, last + offset);
  vector(out, Vector.xor);
  out.localTee(changed);
  vector(out, Vector.any);
  out.open(Code.if);
  collect(rose, Vector.and);
  collect(fell, Vector.andNot);
  out.localGet(at);
  access(out, Vector.load, records + offset);
  vector(out, Vector.any);
  out.open(Code.if);
  for (let word = 0; word < BLOCK; word += 4) {
    out.localGet(at);
    out.load(I32, 4, address + word);
    out.localGet(at);
    out.load(I32, 4, last + offset + word);
    out.byte(Code.ne[0]);
    out.open(Code.if);
    out.localGet(at);
    out.i32(offset + word);
    out.byte(Code.add[0]);
    out.localGet(at);
    out.load(I32, 4, address + word);
    out.call(count);
    out.byte(Code.drop);
    out.byte(Code.end);
  }
  out.byte(Code.end);
  out.localGet(at);
  out.localGet(now);
  access(out, Vector.store, last + offset);
  out.byte(Code.end);
}

/** Types of the locals of `emitCount` beyond its two parameters. */
export const countLocals = [I32, I32];

/** Counts a value that has changed, if it has a record: parameters are its place in the lists, in bytes, and the value; the result is of no meaning. */
export function emitCount(out: ByteWriter, { last, records, since, samples }: CoveragePlaces): void {
  const [place, now, before, record] = [0, 1, 2, 3];
  const addTo = (amount: () => void) => {
    // The address is on the stack.
    out.localTee(place);
    out.localGet(place);
    out.load(I64, 8, 0);
    amount();
    out.byte(Code.add[1]);
    out.store(I64, 8, 0);
  };
  out.localGet(place);
  out.load(I32, 4, last);
  out.localSet(before);
  out.localGet(place);
  out.load(I32, 4, records);
  out.localTee(record);
  out.open(Code.if);
  // What the value before has had of samples since it came.
  out.localGet(place);
  out.i32(1);
  out.byte(Code.shl[0]);
  out.localSet(place);
  out.localGet(record);
  out.load(I32, 4, 0);
  out.localGet(before);
  out.i32(3);
  out.byte(Code.shl[0]);
  out.byte(Code.add[0]);
  out.localGet(record);
  out.load(I32, 4, 0);
  out.localGet(before);
  out.i32(3);
  out.byte(Code.shl[0]);
  out.byte(Code.add[0]);
  out.load(I64, 8, 0);
  out.i32(0);
  out.load(I64, 8, samples);
  out.byte(Code.add[1]);
  out.localGet(place);
  out.load(I64, 8, since);
  out.byte(Code.sub[1]);
  out.store(I64, 8, 0);
  out.localGet(place);
  out.i32(0);
  out.load(I64, 8, samples);
  out.store(I64, 8, since);
  out.localGet(record);
  out.load(I32, 4, 8);
  out.open(Code.if);
  out.localGet(record);
  out.load(I32, 4, 8);
  out.localGet(before);
  out.localGet(record);
  out.load(I32, 4, 4);
  out.byte(Code.shl[0]);
  out.localGet(now);
  out.byte(Code.add[0]);
  out.i32(3);
  out.byte(Code.shl[0]);
  out.byte(Code.add[0]);
  addTo(() => out.i64(1, 0));
  out.byte(Code.end);
  out.byte(Code.end);
  out.i32(0);
}
