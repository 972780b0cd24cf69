import type { Coverage } from './coverage.ts';
import type { CoveragePlaces, CoverageRecord } from './coverage-kernel.ts';
import type { ModulePoints } from './coverage-points.ts';
import { coverageOf, type Transition } from './coverage-result.ts';
import type { PlacedDesign, TracedSignal } from './lowered-design.ts';

/** Reads what a machine has counted in its memory. */
export class CoverageCounts {
  private readonly places: CoveragePlaces;
  private readonly points: ReadonlyMap<string, ModulePoints>;
  private readonly bytes: Uint8Array;
  private readonly words: Uint32Array;
  private readonly longs: BigInt64Array;
  /** All places of a signal of a module, by `module.signal`. */
  private readonly signals = new Map<string, TracedSignal[]>();
  private fresh = true;

  constructor({ traced }: PlacedDesign, buffer: ArrayBuffer, points: ReadonlyMap<string, ModulePoints>, places: CoveragePlaces) {
    this.places = places;
    this.points = points;
    this.bytes = new Uint8Array(buffer);
    this.words = new Uint32Array(buffer, 0, Math.floor(buffer.byteLength / 4));
    this.longs = new BigInt64Array(buffer, 0, Math.floor(buffer.byteLength / 8));
    for (const signal of traced) {
      const key = keyOf(signal.instance.graph.module.name, signal.name);
      const list = this.signals.get(key);
      if (list) list.push(signal);
      else this.signals.set(key, [signal]);
    }
    for (const [address, record] of places.counted) {
      this.words.set([record.counts, record.width, record.transitions], record.address / 4);
      this.words[(places.records + this.placeOf(address)) / 4] = record.address;
    }
  }

  /** Whether the next sample takes the values as they are: they have to be settled then. */
  get isFresh(): boolean {
    return this.fresh;
  }

  /** Has the machine run and sample. @returns what `run` does. */
  during(run: () => number): number {
    if (this.fresh) this.takeOver();
    const cycles = run();
    if (cycles > 0) this.fresh = false;
    return cycles;
  }

  private takeOver(): void {
    const { ranges, last } = this.places;
    for (const { address, bytes, offset } of ranges) this.bytes.copyWithin(last + offset, address, address + bytes);
  }

  /** Forgets the last values: what comes next does not come from them. */
  jump(): void {
    if (this.fresh) return;
    this.fresh = true;
    const { counted, since, samples } = this.places;
    for (const [address, record] of counted) {
      const place = this.placeOf(address);
      const count = this.countAt(record, this.lastOf(place));
      this.longs[count] = (this.longs[count] ?? 0n) + this.pending(place);
      this.longs[(since + 2 * place) / 8] = this.longs[samples / 8] ?? 0n;
    }
  }

  /** What has been seen so far. */
  result(): Coverage {
    return coverageOf(this.points.values(), {
      toggles: ({ module }, { name }) => {
        const all = this.signals.get(keyOf(module, name)) ?? [];
        const { rose, fell } = this.places;
        return { rose: this.joined(all, rose), fell: this.joined(all, fell) };
      },
      counts: ({ module }, { wire, labels }) => this.counted(module, wire, labels.length + 2),
      states: ({ module }, { name, width }) => ({
        cycles: this.counted(module, name, 2 ** width),
        transitions: this.transitions(module, name, width),
      }),
    });
  }

  /** The place in the lists of the value at an address. */
  private placeOf(address: number): number {
    const range = this.places.ranges.find(({ address: begin, bytes }) => address >= begin && address < begin + bytes);
    if (!range) throw new RangeError(`nothing looks at the address ${address}`);
    return address - range.address + range.offset;
  }

  private lastOf(place: number): number {
    return this.words[(this.places.last + place) / 4] ?? 0;
  }

  /** Index of the count of a value. */
  private countAt({ counts }: CoverageRecord, value: number): number {
    return counts / 8 + value;
  }

  /** Samples since a value came that are not counted yet. */
  private pending(place: number): bigint {
    const { samples, since } = this.places;
    return (this.longs[samples / 8] ?? 0n) - (this.longs[(since + 2 * place) / 8] ?? 0n);
  }

  private joined(signals: readonly TracedSignal[], list: number): bigint {
    return signals.reduce((all, { address, width }) => {
      const word = (list + this.placeOf(address)) / 4;
      const words = this.words.subarray(word, word + Math.ceil(width / 32));
      return all | words.reduceRight((high, bits) => (high << 32n) | BigInt(bits), 0n);
    }, 0n);
  }

  private counted(module: string, name: string, values: number): Float64Array {
    const sum = new Float64Array(values);
    for (const { address } of this.signals.get(keyOf(module, name)) ?? []) {
      const record = this.places.counted.get(address);
      if (!record) continue;
      const place = this.placeOf(address);
      const current = this.lastOf(place);
      for (let value = 0; value < Math.min(values, 2 ** record.width); value++) {
        const more = value === current ? this.pending(place) : 0n;
        sum[value] = (sum[value] ?? 0) + Number((this.longs[this.countAt(record, value)] ?? 0n) + more);
      }
    }
    return sum;
  }

  private transitions(module: string, name: string, width: number): Transition[] {
    const size = 2 ** width;
    const sum = new Float64Array(size * size);
    for (const { address } of this.signals.get(keyOf(module, name)) ?? []) {
      const { transitions = 0 } = this.places.counted.get(address) ?? {};
      if (transitions === 0) continue;
      for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + Number(this.longs[transitions / 8 + i] ?? 0n);
    }
    const found: Transition[] = [];
    sum.forEach((count, i) => {
      if (count > 0) found.push({ from: Math.floor(i / size), to: i % size, count });
    });
    return found;
  }
}

const keyOf = (module: string, signal: string) => `${module}.${signal}`;
