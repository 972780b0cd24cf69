import type { Coverage } from './coverage.ts';
import type { ModulePoints } from './coverage-points.ts';
import { coverageOf } from './coverage-result.ts';
import type { PlacedDesign } from './lowered-design.ts';

/** What all instances of a module have done. */
interface ModuleRecord {
  /** First word of each signal in the lists of bits that rose and fell, by name. */
  readonly words: ReadonlyMap<string, number>;
  /** First count of each decision, by the name of its wire; the counts are by the wire's value. */
  readonly decisions: ReadonlyMap<string, number>;
  readonly states: ReadonlyMap<string, StateRecord>;
}

/** Cycles in each state by code, and changes by `from * 2^16 + to`. */
interface StateRecord {
  readonly cycles: Float64Array;
  readonly transitions: Map<number, number>;
}

interface StatePlace {
  readonly place: number;
  readonly record: StateRecord;
  /** -1 before the first sample. */
  last: number;
}

/** Codes of states are below this. */
const CODES = 2 ** 16;

/**
 * Looks at the values of all signals before each clock edge, for machines that do not count by themselves. What has changed goes to lists that the instances of a module share, so the result is
 * merged as it is made. Few signals change in a cycle: a word that has not is one comparison.
 */
export class CoverageSampler {
  private readonly memory: Int32Array;
  private readonly points: ReadonlyMap<string, ModulePoints>;
  private readonly modules = new Map<string, ModuleRecord>();
  /** For each word of a signal of an instance: where it is, its value at the last sample, and its place in the lists. */
  private readonly places: Int32Array;
  private readonly last: Int32Array;
  private readonly targets: Int32Array;
  private readonly rose: Int32Array;
  private readonly fell: Int32Array;
  /** For each decision of an instance: where its wire is, and its first count. */
  private readonly wires: Int32Array;
  private readonly firstCounts: Int32Array;
  private readonly counts: Float64Array;
  private readonly states: readonly StatePlace[];
  private first = true;

  constructor(design: PlacedDesign, buffer: ArrayBuffer, points: ReadonlyMap<string, ModulePoints>) {
    this.memory = new Int32Array(buffer);
    this.points = points;
    let end = 0;
    let counts = 0;
    for (const module of points.values()) {
      const words = new Map<string, number>();
      for (const { name, width } of module.signals) {
        words.set(name, end);
        end += Math.ceil(width / 32);
      }
      const decisions = new Map<string, number>();
      for (const { wire, labels } of module.decisions) {
        decisions.set(wire, counts);
        counts += labels.length + 2;
      }
      this.modules.set(module.module, {
        words,
        decisions,
        states: new Map(
          module.states.map(({ name, states }) => {
            return [name, { cycles: new Float64Array(states?.length ?? 0), transitions: new Map() }];
          }),
        ),
      });
    }
    const places: number[] = [];
    const targets: number[] = [];
    const wires: number[] = [];
    const firstCounts: number[] = [];
    const states: StatePlace[] = [];
    for (const { instance, name, width, address } of design.traced) {
      const module = this.modules.get(instance.graph.module.name);
      const firstCount = module?.decisions.get(name);
      if (firstCount !== undefined) {
        wires.push(address / 4);
        firstCounts.push(firstCount);
      }
      const record = module?.states.get(name);
      if (record) states.push({ place: address / 4, record, last: -1 });
      const target = module?.words.get(name);
      if (target === undefined) continue;
      for (let i = 0; i < Math.ceil(width / 32); i++) {
        places.push(address / 4 + i);
        targets.push(target + i);
      }
    }
    this.places = Int32Array.from(places);
    this.targets = Int32Array.from(targets);
    this.last = new Int32Array(places.length);
    this.rose = new Int32Array(end);
    this.fell = new Int32Array(end);
    this.wires = Int32Array.from(wires);
    this.firstCounts = Int32Array.from(firstCounts);
    this.counts = new Float64Array(counts);
    this.states = states;
  }

  /** Notes the settled values. */
  sample(): void {
    const { memory, places, last, targets, rose, fell, first } = this;
    for (let i = 0; i < places.length; i++) {
      const now = memory[places[i] ?? 0] ?? 0;
      const before = last[i] ?? 0;
      if (now === before) continue;
      last[i] = now;
      if (first) continue;
      const target = targets[i] ?? 0;
      rose[target] = (rose[target] ?? 0) | (now & ~before);
      fell[target] = (fell[target] ?? 0) | (before & ~now);
    }
    this.first = false;
    this.countDecisions();
    for (const state of this.states) {
      const now = memory[state.place] ?? 0;
      const { cycles, transitions } = state.record;
      if (now < cycles.length) cycles[now] = (cycles[now] ?? 0) + 1;
      if (state.last >= 0 && state.last !== now && now < CODES) {
        const key = state.last * CODES + now;
        transitions.set(key, (transitions.get(key) ?? 0) + 1);
      }
      state.last = now < CODES ? now : -1;
    }
  }

  private countDecisions(): void {
    const { memory, wires, firstCounts, counts } = this;
    for (let i = 0; i < wires.length; i++) {
      const count = (firstCounts[i] ?? 0) + (memory[wires[i] ?? 0] ?? 0);
      counts[count] = (counts[count] ?? 0) + 1;
    }
  }

  /** Forgets the last values: what comes next does not come from them. */
  jump(): void {
    this.first = true;
    for (const state of this.states) state.last = -1;
  }

  /** What has been seen so far. */
  result(): Coverage {
    const record = (module: ModulePoints) => this.modules.get(module.module);
    return coverageOf(this.points.values(), {
      toggles: (module, { name, width }) => {
        const word = record(module)?.words.get(name) ?? 0;
        const bits = (list: Int32Array) => bitsOf(list.subarray(word, word + Math.ceil(width / 32)));
        return { rose: bits(this.rose), fell: bits(this.fell) };
      },
      counts: (module, { wire, labels }) => {
        const count = record(module)?.decisions.get(wire) ?? 0;
        return this.counts.subarray(count, count + labels.length + 2);
      },
      states: (module, { name }) => {
        const { cycles = [], transitions = new Map<number, number>() } = record(module)?.states.get(name) ?? {};
        return {
          cycles,
          transitions: [...transitions].map(([key, count]) => ({ from: Math.floor(key / CODES), to: key % CODES, count })),
        };
      },
    });
  }
}

function bitsOf(words: Int32Array): bigint {
  return words.reduceRight((high, word) => (high << 32n) | BigInt(word >>> 0), 0n);
}
