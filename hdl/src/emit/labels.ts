import type { Expr, Signal } from '../ir/ir.ts';
import { lines } from './lines.ts';
import { literal, range } from './literals.ts';
import type { Names } from './names.ts';

/** The name in the module of the state that `code` is for a signal of an enumeration; undefined for a code of no state, and where it has no name. */
export type LabelOf = (signal: Signal, code: bigint) => string | undefined;

/** An enumeration of a module: what stands before the names of its states, and the names in use, by code. */
interface Enumeration {
  readonly width: number;
  readonly prefix: string;
  readonly used: Map<bigint, string>;
}

/** The states that the text of a module names, each a localparam. A state that nothing names gets none: tools warn of unused ones. */
export class Labels {
  private readonly names: Names;
  private readonly enumerations = new Map<string, Enumeration>();

  constructor(names: Names) {
    this.names = names;
  }

  /** Names a state: as the user did, or, if the module has something else of one of the states' names, with the signal's name before it. */
  readonly use: LabelOf = (signal, code) => {
    const state = signal.states?.[Number(code)];
    if (state === undefined) return undefined;
    const { prefix, used } = this.enumeration(signal);
    const name = used.get(code) ?? (prefix === '' ? state : this.names.unique(prefix + state));
    used.set(code, name);
    return name;
  };

  /** Only names that are in use already. */
  readonly known: LabelOf = (signal, code) => this.enumerations.get(key(signal))?.used.get(code);

  /** An enumeration at a time, in the order of the codes. */
  declarations(): string[] {
    return [...this.enumerations.values()].flatMap(({ width, used }) => {
      const inOrder = [...used].sort(([a], [b]) => (a < b ? -1 : 1));
      const list = inOrder.map(([code, name]) => `${name} = ${literal(width, code)}`);
      return lines('  ', `localparam ${range(width)}${list.join(', ')};`);
    });
  }

  private enumeration(signal: Signal): Enumeration {
    const found = this.enumerations.get(key(signal));
    if (found) return found;
    const states = (signal.states ?? []).filter(state => state !== undefined);
    const prefix = this.names.take(states) ? '' : `${signal.name}_`;
    const made = { width: signal.width, prefix, used: new Map<bigint, string>() };
    this.enumerations.set(key(signal), made);
    return made;
  }
}

const key = ({ width, states }: Signal) => `${width} ${states}`;

/** The signal that tells of which enumeration a value is, if it is of one. */
export function enumerated(expr: Expr): Signal | undefined {
  let last = expr;
  for (; last.kind === 'mux'; last = last.whenFalse) {
    const signal = ownSignal(last.whenTrue);
    if (signal) return signal;
  }
  return ownSignal(last);
}

function ownSignal(expr: Expr): Signal | undefined {
  const signal = expr.kind === 'signal' ? expr.signal : expr.kind === 'instance' ? expr.port : undefined;
  return signal?.states && signal;
}
