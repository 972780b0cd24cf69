import { ByteWriter } from './byte-writer.ts';
import type { ChangeFinder } from './signals.ts';

/** How much of a waveform is kept until it is written as a block. */
export interface BlockSize {
  /** Words of changes. */
  readonly words: number;
  /** Times, at most 2^20. */
  readonly times: number;
}

/** Some tens of megabytes: large enough for what has to be said of a signal once per block. */
export const usualBlock: BlockSize = { words: 1 << 23, times: 1 << 20 };

/** The changes of a block of FST in the order of time, and in the end value by value. */
export class ChangeLog {
  /** The times, each as what lies between it and the one before. */
  readonly times = new ByteWriter(1 << 12);
  count = 0;
  private readonly finder: ChangeFinder;
  private latest = 0;
  /** For each change, the value's number times 2 and the bit of a 1-bit value, or else the words behind it. */
  private words = new Uint32Array(1 << 12);
  private size = 0;
  /** Where the changes of each time end. */
  private ends = new Uint32Array(1 << 10);
  /** Words that a sample adds at most. */
  private readonly worst: number;
  private readonly block: BlockSize;

  constructor(finder: ChangeFinder, block: BlockSize) {
    this.finder = finder;
    this.block = block;
    this.worst = finder.values.length + finder.list.length;
  }

  /** Whether a sample more may be too much. */
  get full(): boolean {
    const { size, worst, count, block } = this;
    return (size > 0 && size + worst > block.words) || count + 2 > block.times;
  }

  /** Bytes of the chains, at most. */
  get bound(): number {
    return 8 * this.size;
  }

  clear(): void {
    this.times.clear();
    this.count = 0;
    this.latest = 0;
    this.size = 0;
  }

  /** Notes a time, unless it is there. */
  at(time: number): void {
    if (this.count > 0 && time === this.latest) return;
    this.times.unsigned(time - this.latest);
    this.latest = time;
    if (this.count === this.ends.length) this.ends = grown(this.ends, 2 * this.count);
    this.ends[this.count++] = this.size;
  }

  /** Notes the first `changes` changes that the finder has found, at `time`. */
  add(time: number, changes: number): void {
    this.at(time);
    if (this.size + this.worst > this.words.length)
      this.words = grown(this.words, Math.max(this.size + this.worst, Math.min(2 * this.words.length, this.block.words)));
    const { finder, words } = this;
    const { changed, values, list } = finder;
    let size = this.size;
    for (let k = 0; k < changes; k++) {
      const number = changed[k] ?? 0;
      const value = list[number];
      if (value === undefined) continue;
      const { width, start, count } = value;
      if (width === 1) {
        words[size++] = 2 * number + (values[start] ?? 0);
      } else {
        words[size++] = 2 * number;
        for (let i = 0; i < count; i++) words[size++] = values[start + i] ?? 0;
      }
    }
    this.size = size;
    this.ends[this.count - 1] = size;
  }

  /** Gives the changes of each value, in the order of the values, as FST has them; the bytes are a view that ends with the next log. */
  chains(each: (chain: Uint8Array) => void): void {
    const { words, ends, count } = this;
    const { list } = this.finder;
    const places = this.places();
    const cursors = places.slice(0, -1);
    const bytes = new Uint8Array(places[list.length] ?? 0);
    const latest = new Uint32Array(list.length);
    let word = 0;
    for (let time = 0; time < count; time++) {
      for (const end = ends[time] ?? 0; word < end; ) {
        const head = words[word++] ?? 0;
        const number = head >>> 1;
        const value = list[number];
        if (value === undefined) continue;
        let cursor = cursors[number] ?? 0;
        const passed = time - (latest[number] ?? 0);
        latest[number] = time;
        // A change of one bit is its time and the bit, of more their time and the bits, most significant first and from the top of the byte down.
        for (let rest = value.width === 1 ? 4 * passed + 2 * (head & 1) : 2 * passed; ; rest >>>= 7) {
          bytes[cursor++] = rest > 127 ? (rest & 127) | 128 : rest;
          if (rest <= 127) break;
        }
        if (value.width > 1) {
          const size = (value.width + 7) >>> 3;
          writeBits(bytes, cursor, size, words, word, 8 * size - value.width);
          cursor += size;
          word += value.count;
        }
        cursors[number] = cursor;
      }
    }
    for (let number = 0; number < list.length; number++) each(bytes.subarray(places[number], cursors[number]));
  }

  /** Where each value's chain begins, with room for the longest that it may be. */
  private places(): Uint32Array {
    const { words, size } = this;
    const { list } = this.finder;
    const changes = new Uint32Array(list.length);
    for (let word = 0; word < size; ) {
      const number = (words[word] ?? 0) >>> 1;
      const value = list[number];
      if (value === undefined) break;
      changes[number] = (changes[number] ?? 0) + 1;
      word += value.width === 1 ? 1 : 1 + value.count;
    }
    const places = new Uint32Array(list.length + 1);
    list.forEach(({ width }, i) => {
      // A difference of times takes up to 4 bytes.
      const most = 4 + (width === 1 ? 0 : (width + 7) >>> 3);
      places[i + 1] = (places[i] ?? 0) + most * (changes[i] ?? 0);
    });
    return places;
  }
}

function grown(old: Uint32Array<ArrayBuffer>, size: number): Uint32Array<ArrayBuffer> {
  const now = new Uint32Array(size);
  now.set(old);
  return now;
}

/** Writes `size` bytes, most significant first, of the value whose words begin at `word`, after which `spare` bits of 0 follow. */
function writeBits(bytes: Uint8Array, cursor: number, size: number, words: Uint32Array, word: number, spare: number): void {
  let low = -spare;
  for (let place = cursor + size - 1; place >= cursor; place--, low += 8) {
    if (low < 0) {
      bytes[place] = (words[word] ?? 0) << spare;
      continue;
    }
    const from = word + (low >>> 5);
    const shift = low & 31;
    const bits = (words[from] ?? 0) >>> shift;
    bytes[place] = shift > 24 ? bits | ((words[from + 1] ?? 0) << (32 - shift)) : bits;
  }
}
