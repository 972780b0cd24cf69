import type { Binary, Module, Unary } from '../ir/ir.ts';

interface Common {
  readonly width: number;
  /** Indices of the operands, in the order that the kind gives them. */
  readonly operands: readonly number[];
}

/**
 * A node of a module's expression graph: the IR's expressions with dense indices in place of references.
 * `input`, `net` (wire or output) and `child` (output of a child) stand for a value that is computed elsewhere; `register` is the value
 * before the clock edge. Operands: `mux` condition, whenTrue, whenFalse; `concat` most significant part first; `memory-read` address.
 */
export type GraphNode =
  | (Common & { readonly kind: 'const'; readonly value: bigint })
  | (Common & { readonly kind: 'input' | 'net' | 'register'; readonly signal: number })
  | (Common & { readonly kind: 'child'; readonly instance: number; readonly port: number })
  | (Common & { readonly kind: 'unary'; readonly op: Unary['op'] })
  | (Common & { readonly kind: 'binary'; readonly op: Binary['op']; readonly signed: boolean })
  | (Common & { readonly kind: 'mux' | 'concat' })
  | (Common & { readonly kind: 'slice'; readonly low: number })
  | (Common & { readonly kind: 'extend'; readonly signed: boolean })
  | (Common & { readonly kind: 'memory-read'; readonly memory: number });

/** A memory write with its path condition as one node (`undefined`: always). */
export interface GraphWrite {
  readonly memory: number;
  readonly enable: number | undefined;
  readonly address: number;
  readonly data: number;
  readonly mask: number | undefined;
}

/** One module as a graph in which every driven signal has one driving node. Built once, shared by all instances of the module. */
export interface ModuleGraph {
  readonly module: Module;
  readonly nodes: readonly GraphNode[];
  /** Node that drives a signal, by index in `module.signals`: the value of a net, the next value of a register; -1 for inputs. */
  readonly drivers: readonly number[];
  /** Node that drives an input of a child, by instance and by index in the child's `signals`; -1 for other signals. */
  readonly childInputs: readonly (readonly number[])[];
  /** In the order of the statements. */
  readonly writes: readonly GraphWrite[];
}
