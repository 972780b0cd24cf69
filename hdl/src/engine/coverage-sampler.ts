import type { Site } from '../ir/ir.ts';
import { Coverage, type DecisionCoverage, type SignalCoverage, type StateCoverage } from './coverage.ts';
import type { Decision, ModulePoints } from './coverage-points.ts';
import type { PlacedDesign } from './lowered-design.ts';

/** What all instances of a module have done. */
interface ModuleRecord {
  readonly points: ModulePoints;
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
 * Looks at the values of all signals before each clock edge. What has changed goes to lists that the instances of a module share, so the result is
 * merged as it is made. Few signals change in a cycle: a word that has not is one comparison.
 */
export class CoverageSampler {
  private readonly memory: Int32Array;
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
        points: module,
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
    const signals: SignalCoverage[] = [];
    const decisions: DecisionCoverage[] = [];
    const states: StateCoverage[] = [];
    for (const { points, words, decisions: firstCounts, states: records } of this.modules.values()) {
      const { module } = points;
      for (const { name, width, site } of points.signals) {
        const word = words.get(name) ?? 0;
        const bits = (list: Int32Array) => bitsOf(list.subarray(word, word + Math.ceil(width / 32)));
        signals.push({ module, name, place: placeOf(site), width, rose: bits(this.rose), fell: bits(this.fell) });
      }
      for (const decision of points.decisions) {
        const count = firstCounts.get(decision.wire) ?? 0;
        decisions.push(decided(module, decision, this.counts.subarray(count, count + decision.labels.length + 2)));
      }
      for (const { name, site, states: names = [] } of points.states) {
        const record = records.get(name);
        const named = (code: number) => names[code] ?? `${code}`;
        states.push({
          module,
          name,
          place: placeOf(site),
          states: names.flatMap((state, code) => ({ state, cycles: record?.cycles[code] ?? 0 })),
          transitions: [...(record?.transitions ?? [])].map(([key, count]) => {
            return { from: named(Math.floor(key / CODES)), to: named(key % CODES), count };
          }),
        });
      }
    }
    return new Coverage({ signals, decisions, states });
  }
}

const placeOf = ({ frames }: Site) => frames[0];

function bitsOf(words: Int32Array): bigint {
  return words.reduceRight((high, word) => (high << 32n) | BigInt(word >>> 0), 0n);
}

/** `counts` are by the value of the decision's wire. */
function decided(module: string, { kind, site, labels }: Decision, counts: Float64Array): DecisionCoverage {
  const count = (value: number) => counts[value] ?? 0;
  const ways = labels.flatMap((label, i) => {
    if (kind === 'match') return { way: label === '' ? 'otherwise' : label, count: count(i + 1) };
    const not = counts.subarray(i + 2).reduce((sum, later) => sum + later, 0);
    return [
      { way: `${label} 1`, count: count(i + 1) },
      { way: `${label} 0`, count: not },
    ];
  });
  return { module, kind, place: placeOf(site), ways };
}
