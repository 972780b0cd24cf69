import type { Signal, Site } from '../ir/ir.ts';
import { Coverage, type DecisionCoverage, type SignalCoverage, type StateCoverage } from './coverage.ts';
import type { Decision, ModulePoints } from './coverage-points.ts';

/** What all instances of modules did together. */
export interface Seen {
  readonly toggles: (module: ModulePoints, signal: Signal) => { readonly rose: bigint; readonly fell: bigint };
  /** In how many samples the decision's wire had each value, from 0 up. */
  readonly counts: (module: ModulePoints, decision: Decision) => Float64Array;
  /** In how many samples a register had each code, and which codes followed which. */
  readonly states: (
    module: ModulePoints,
    register: Signal,
  ) => { readonly cycles: ArrayLike<number>; readonly transitions: readonly Transition[] };
}

export interface Transition {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** What was seen, with the names and places of the source. */
export function coverageOf(modules: Iterable<ModulePoints>, seen: Seen): Coverage {
  const signals: SignalCoverage[] = [];
  const decisions: DecisionCoverage[] = [];
  const states: StateCoverage[] = [];
  for (const points of modules) {
    const { module } = points;
    for (const signal of points.signals) {
      const { name, width, site } = signal;
      signals.push({ module, name, place: placeOf(site), width, ...seen.toggles(points, signal) });
    }
    for (const decision of points.decisions) decisions.push(decided(module, decision, seen.counts(points, decision)));
    for (const register of points.states) {
      const { name, site, states: names = [] } = register;
      const { cycles, transitions } = seen.states(points, register);
      const named = (code: number) => names[code] ?? `${code}`;
      states.push({
        module,
        name,
        place: placeOf(site),
        states: names.flatMap((state, code) => ({ state, cycles: cycles[code] ?? 0 })),
        transitions: transitions.map(({ from, to, count }) => ({ from: named(from), to: named(to), count })),
      });
    }
  }
  return new Coverage({ signals, decisions, states });
}

const placeOf = ({ frames }: Site) => frames[0];

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
