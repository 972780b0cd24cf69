import type { Design, Expr, Instance, Memory, Module, Signal, Statement } from '../ir/ir.ts';
import { ones, postOrder } from '../ir/visit.ts';
import { anything, either, exactly, nothing, type Possible, possible, same } from './possible-bits.ts';

/** Bits of signals that never change whatever comes in: a mask by module name and signal name, of those signals that have any. */
export type ConstantBits = ReadonlyMap<string, ReadonlyMap<string, bigint>>;

/**
 * The bits that are constant in all instances of their module: tied by a parameter, or because nothing else ever arrives there. What may move for reasons that
 * cannot be seen from single bits counts as moving. The ports of the top module move; a memory that the design never writes holds anything.
 */
export function constantBits(design: Design): ConstantBits {
  const solver = solved(design);
  return new Map(design.modules.map(module => [module.name, solver.constants(module)] as const));
}

/** What each expression of a module can be, over all instances of the module: as `constantBits` has it for signals. */
export function possibleValues(design: Design): (module: Module) => (expr: Expr) => Possible {
  const solver = solved(design);
  return module => solver.values(module);
}

const known = new WeakMap<Design, Solver>();

function solved(design: Design): Solver {
  let solver = known.get(design);
  if (!solver) {
    solver = new Solver(design);
    solver.solve();
    known.set(design, solver);
  }
  return solver;
}

/** What is possible in a module, over all its instances. */
interface State {
  readonly module: Module;
  readonly signals: Map<Signal, Possible>;
  readonly memories: Map<Memory, Possible>;
  /** Those whose instances read this one's outputs. */
  readonly parents: Set<State>;
  stale: boolean;
}

class Solver {
  private readonly states = new Map<Module, State>();

  constructor({ top, modules }: Design) {
    for (const module of modules) this.states.set(module, stateOf(module, module === top));
    for (const state of this.states.values())
      for (const { module } of state.module.instances) this.states.get(module)?.parents.add(state);
  }

  solve(): void {
    // Parents first, from whom inputs come.
    const order = [...this.states.values()].reverse();
    for (let again = true; again; ) {
      again = false;
      for (const state of order)
        while (state.stale) {
          again = true;
          state.stale = false;
          new Pass(state, this.states).run();
        }
    }
  }

  values(module: Module): (expr: Expr) => Possible {
    const state = this.states.get(module);
    if (!state) return ({ width }) => anything(width);
    const pass = new Pass(state, this.states);
    return expr => pass.of(expr);
  }

  constants(module: Module): ReadonlyMap<string, bigint> {
    const found = new Map<string, bigint>();
    for (const [{ name, width }, { zero, one }] of this.states.get(module)?.signals ?? []) {
      const constant = ones(width) & ~(zero & one);
      if (constant !== 0n) found.set(name, constant);
    }
    return found;
  }
}

function stateOf(module: Module, isTop: boolean): State {
  const signals = new Map<Signal, Possible>();
  const isBox = module.external !== undefined;
  for (const signal of module.signals) {
    const { kind, width, init } = signal;
    const free = kind === 'parameter' || (kind === 'input' && isTop) || (kind === 'output' && isBox);
    signals.set(signal, free ? anything(width) : kind === 'register' ? exactly(width, init ?? 0n) : nothing);
  }
  const written = new Set<Memory>();
  const look = (body: readonly Statement[]): void => {
    for (const statement of body) {
      if (statement.kind === 'memory-write') written.add(statement.memory);
      if (statement.kind !== 'if' && statement.kind !== 'match') continue;
      for (const arm of statement.arms) look(arm.body);
      look(statement.otherwise);
    }
  };
  look(module.body);
  const memories = new Map<Memory, Possible>();
  for (const memory of module.memories) {
    const words = (memory.init ?? []).reduce((all, word) => either(all, exactly(memory.width, word)), exactly(memory.width, 0n));
    memories.set(memory, written.has(memory) ? words : anything(memory.width));
  }
  return { module, signals, memories, parents: new Set(), stale: true };
}

/** One evaluation of all statements of a module. */
class Pass {
  private readonly state: State;
  private readonly states: ReadonlyMap<Module, State>;
  private readonly known = new Map<Expr, Possible>();
  private readonly seen = new Set<Expr>();
  private readonly operand = (expr: Expr): Possible => this.known.get(expr) ?? nothing;
  private readonly read = (source: Expr & { readonly kind: 'signal' | 'instance' | 'memory-read' }): Possible => {
    if (source.kind === 'signal') return this.state.signals.get(source.signal) ?? anything(source.width);
    if (source.kind === 'memory-read') return this.state.memories.get(source.memory) ?? anything(source.width);
    return this.states.get(source.instance.module)?.signals.get(source.port) ?? anything(source.width);
  };

  constructor(state: State, states: ReadonlyMap<Module, State>) {
    this.state = state;
    this.states = states;
  }

  of(root: Expr): Possible {
    postOrder(root, this.seen, expr => this.known.set(expr, possible(expr, this.operand, this.read)));
    return this.operand(root);
  }

  run(): void {
    this.body(this.state.module.body);
  }

  private body(body: readonly Statement[]): void {
    for (const statement of body) this.statement(statement);
  }

  private statement(statement: Statement): void {
    switch (statement.kind) {
      case 'assign': {
        const { target, low, offset, value } = statement;
        const { width } = target.signal;
        const came = this.of(value);
        const at = BigInt(low);
        const bits: Possible =
          offset === undefined
            ? { zero: (came.zero << at) & ones(width), one: (came.one << at) & ones(width) }
            : { zero: ones(width), one: came.one === 0n ? 0n : ones(width) };
        this.arrives(target.instance, target.signal, bits);
        return;
      }
      case 'if':
        for (const { condition, body } of statement.arms) {
          const { zero, one } = this.of(condition);
          if (one !== 0n) this.body(body);
          if (zero === 0n) return;
        }
        this.body(statement.otherwise);
        return;
      case 'match': {
        const { zero, one } = this.of(statement.subject);
        if ((zero | one) !== ones(statement.subject.width)) return;
        for (const { value, body } of statement.arms)
          if ((value & ~one) === 0n && (ones(statement.subject.width) & ~value & ~zero) === 0n) this.body(body);
        this.body(statement.otherwise);
        return;
      }
      case 'memory-write': {
        const { memory, data } = statement;
        const before = this.state.memories.get(memory) ?? nothing;
        const after = either(before, this.of(data));
        if (same(before, after)) return;
        this.state.memories.set(memory, after);
        this.state.stale = true;
        return;
      }
      case 'property':
      case 'log':
    }
  }

  /** A value may arrive at a signal of this module, or at an input of a child. */
  private arrives(instance: Instance | undefined, signal: Signal, bits: Possible): void {
    const owner = instance ? this.states.get(instance.module) : this.state;
    if (!owner) return;
    const before = owner.signals.get(signal) ?? nothing;
    const after = either(before, bits);
    if (same(before, after)) return;
    owner.signals.set(signal, after);
    owner.stale = true;
    if (!instance && signal.kind === 'output') for (const parent of owner.parents) parent.stale = true;
  }
}
