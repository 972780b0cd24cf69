import type { Location } from '../ir/ir.ts';

/** Which bits of a signal have risen from 0 to 1, and fallen from 1 to 0, from one clock edge to the next, in any instance of the module. */
export interface SignalCoverage {
  readonly module: string;
  readonly name: string;
  /** Where it was declared, if that is known. */
  readonly place: Location | undefined;
  readonly width: number;
  readonly rose: bigint;
  readonly fell: bigint;
}

/** In how many cycles a decision went each way: each condition of a `when` that was asked, each arm of a `match`, each multiplexer. */
export interface DecisionCoverage {
  readonly module: string;
  readonly kind: 'when' | 'match' | 'mux';
  readonly place: Location | undefined;
  /** Such as `when 1`, `elsewhen 0` (`elsewhen#2` is the second one), `mux 1`, or the label of an arm. */
  readonly ways: readonly { readonly way: string; readonly count: number }[];
}

/** How often the states of a register of an enumeration were seen, and which followed which. */
export interface StateCoverage {
  readonly module: string;
  readonly name: string;
  readonly place: Location | undefined;
  readonly states: readonly { readonly state: string; readonly cycles: number }[];
  /** Only those that were seen. */
  readonly transitions: readonly { readonly from: string; readonly to: string; readonly count: number }[];
}

/** Coverage as plain data. */
export interface CoverageData {
  readonly signals: readonly SignalCoverage[];
  readonly decisions: readonly DecisionCoverage[];
  readonly states: readonly StateCoverage[];
}

/** So many things can be covered, and so many are. */
export interface Tally {
  readonly covered: number;
  readonly total: number;
}

/** What simulations have exercised: see `CoverageData`. Instances of one module, and runs, add up. */
export class Coverage implements CoverageData {
  readonly signals: readonly SignalCoverage[];
  readonly decisions: readonly DecisionCoverage[];
  readonly states: readonly StateCoverage[];

  constructor({ signals, decisions, states }: CoverageData) {
    this.signals = signals;
    this.decisions = decisions;
    this.states = states;
  }

  /** Bits that rose and bits that fell, ways of decisions, and states; of one module or all. */
  tally(module?: string): { readonly toggle: Tally; readonly condition: Tally; readonly state: Tally } {
    const of = <T extends { readonly module: string }>(list: readonly T[]) =>
      module === undefined ? list : list.filter(item => item.module === module);
    const counts = (list: readonly number[]) => ({ covered: list.filter(count => count > 0).length, total: list.length });
    return {
      toggle: of(this.signals).reduce(
        ({ covered, total }, { width, rose, fell }) => ({
          covered: covered + ones(rose) + ones(fell),
          total: total + 2 * width,
        }),
        { covered: 0, total: 0 },
      ),
      condition: counts(of(this.decisions).flatMap(({ ways }) => ways.map(({ count }) => count))),
      state: counts(of(this.states).flatMap(({ states }) => states.map(({ cycles }) => cycles))),
    };
  }

  /** The names of the modules that have something to cover, in order. */
  get modules(): string[] {
    return [...new Set([...this.signals, ...this.decisions, ...this.states].map(({ module }) => module))];
  }

  /**
   * Without signals and state registers that need not be covered: patterns of `module.signal`, in which `*` stands for any text, such as `*.rst` or
   * `Fifo*.debug_*`.
   */
  waive(...patterns: readonly string[]): Coverage {
    const expressions = patterns.map(pattern => new RegExp(`^${pattern.split('*').map(escaped).join('.*')}$`));
    const counts = ({ module, name }: { readonly module: string; readonly name: string }) =>
      !expressions.some(expression => expression.test(`${module}.${name}`));
    return new Coverage({
      signals: this.signals.filter(counts),
      decisions: this.decisions,
      states: this.states.filter(counts),
    });
  }

  /** What several runs have covered together, of one design or of several that have modules in common. */
  static merge(...runs: readonly CoverageData[]): Coverage {
    return new Coverage({
      signals: merged(
        runs.flatMap(({ signals }) => numbered(signals, ({ name, width }) => `${name} ${width}`)),
        (a, b) => ({ ...a, rose: a.rose | b.rose, fell: a.fell | b.fell }),
      ),
      decisions: merged(
        runs.flatMap(({ decisions }) => numbered(decisions, ({ kind, ways }) => `${kind} ${ways.map(({ way }) => way)}`)),
        (a, b) => ({ ...a, ways: a.ways.map(({ way, count }, i) => ({ way, count: count + (b.ways[i]?.count ?? 0) })) }),
      ),
      states: merged(
        runs.flatMap(({ states }) => numbered(states, ({ name, states: all }) => `${name} ${all.map(({ state }) => state)}`)),
        (a, b) => ({
          ...a,
          states: a.states.map(({ state, cycles }, i) => ({ state, cycles: cycles + (b.states[i]?.cycles ?? 0) })),
          transitions: merged(
            [...a.transitions, ...b.transitions].map(item => [`${item.from} ${item.to}`, item] as const),
            (x, y) => ({ ...x, count: x.count + y.count }),
          ),
        }),
      ),
    });
  }

  /** For `JSON.stringify`, to merge runs of several processes; `Coverage.parse` reads it. */
  toJSON(): unknown {
    const hex = (bits: bigint) => `0x${bits.toString(16)}`;
    const signals = this.signals.map(({ rose, fell, ...signal }) => ({ ...signal, rose: hex(rose), fell: hex(fell) }));
    return { signals, decisions: this.decisions, states: this.states };
  }

  /** Coverage from the text that `JSON.stringify` made of it. */
  static parse(text: string): Coverage {
    const isBits = (key: string, value: unknown) => (key === 'rose' || key === 'fell') && typeof value === 'string';
    return new Coverage(JSON.parse(text, (key, value: unknown) => (isBits(key, value) ? BigInt(String(value)) : value)));
  }
}

function ones(bits: bigint): number {
  return bits.toString(2).replaceAll('0', '').length;
}

const escaped = (text: string) => text.replace(/[\\^$.|?+()[\]{}]/g, '\\$&');

/** Keys that tell the things of one run apart: of equal things at one place the first is the same as the first of another run. */
function numbered<T extends { readonly module: string; readonly place: Location | undefined }>(
  list: readonly T[],
  detail: (item: T) => string,
): (readonly [string, T])[] {
  const seen = new Map<string, number>();
  return list.map(item => {
    const { file, line, column } = item.place ?? {};
    const key = `${item.module} ${file}:${line}:${column} ${detail(item)}`;
    const number = seen.get(key) ?? 0;
    seen.set(key, number + 1);
    return [`${key} ${number}`, item] as const;
  });
}

/** Joins what has the same key; the order is that of first appearance. */
function merged<T>(list: readonly (readonly [string, T])[], join: (a: T, b: T) => T): T[] {
  const found = new Map<string, T>();
  for (const [key, item] of list) {
    const other = found.get(key);
    found.set(key, other === undefined ? item : join(other, item));
  }
  return [...found.values()];
}
