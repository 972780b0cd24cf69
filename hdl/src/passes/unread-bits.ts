import type { Assign, Design, Expr, Instance, Memory, MemoryWrite, Module, Signal, Statement } from '../ir/ir.ts';
import { ones } from '../ir/visit.ts';
import { possibleValues } from './constant-bits.ts';
import type { Possible } from './possible-bits.ts';
import { fixedBits, type Readers, readBy } from './read-by.ts';

/** Bits of signals on which nothing depends: a mask by module name and signal name, of those signals that have any. */
export type UnreadBits = ReadonlyMap<string, ReadonlyMap<string, bigint>>;

/**
 * The bits that in no instance of their module make a difference to an output of the top module, a property, a line of a log or a black box, through any number
 * of registers, memories and modules. What a constant (as `constantBits` finds them) makes ineffective is not read: the other side of a multiplexer that goes one
 * way, the bits that a mask takes away, the body of a condition that never holds. Of bits that are constant themselves nothing depends either.
 */
export function unreadBits(design: Design): UnreadBits {
  const reads = new Reads(design);
  reads.follow();
  return new Map(design.modules.map(module => [module.name, reads.unread(module)] as const));
}

/** Conditions that decide whether statements are reached. */
interface Guard {
  readonly conditions: readonly Expr[];
  readonly outer: Guard | undefined;
  isRead: boolean;
}

/** A statement that can be reached, and what decides so. */
interface Guarded<T extends Statement> {
  readonly statement: T;
  readonly guard: Guard | undefined;
}

/** What is read of a module, by any of its instances. */
interface State {
  readonly module: Module;
  readonly value: (expr: Expr) => Possible;
  readonly signals: Map<Signal, bigint>;
  readonly memories: Map<Memory, bigint>;
  readonly nodes: Map<Expr, bigint>;
  /** Bits of nodes that are read, of whose operands nothing is known yet. */
  readonly pending: Map<Expr, bigint>;
  readonly assignments: Map<Signal, Guarded<Assign>[]>;
  readonly ofChildren: Map<Instance, Map<Signal, Guarded<Assign>[]>>;
  readonly writes: Map<Memory, Guarded<MemoryWrite>[]>;
  readonly parents: { readonly state: State; readonly instance: Instance }[];
}

class Reads {
  private readonly states = new Map<Module, State>();
  private readonly queue: { readonly state: State; readonly expr: Expr }[] = [];

  constructor({ top, modules }: Design) {
    const valuesOf = possibleValues({ top, modules });
    for (const module of modules) this.states.set(module, newState(module, valuesOf(module)));
    for (const state of this.states.values())
      for (const instance of state.module.instances) this.states.get(instance.module)?.parents.push({ state, instance });
    for (const state of this.states.values()) this.collect(state, state.module.body, undefined);
    for (const state of this.states.values()) this.start(state, state.module === top);
  }

  follow(): void {
    for (let item = this.queue.pop(); item; item = this.queue.pop()) {
      const { state, expr } = item;
      const bits = state.pending.get(expr) ?? 0n;
      state.pending.delete(expr);
      if (bits !== 0n) readBy(expr, bits, this.readersOf(state));
    }
  }

  unread(module: Module): ReadonlyMap<string, bigint> {
    const found = new Map<string, bigint>();
    const { signals } = this.states.get(module) ?? {};
    for (const signal of module.signals) {
      const bits = ones(signal.width) & ~(signals?.get(signal) ?? 0n);
      if (signal.kind !== 'parameter' && bits !== 0n) found.set(signal.name, bits);
    }
    return found;
  }

  /** Notes what drives what, of the statements that can be reached. */
  private collect(state: State, body: readonly Statement[], guard: Guard | undefined): void {
    for (const statement of body) {
      switch (statement.kind) {
        case 'assign': {
          const { instance, signal } = statement.target;
          listed(instance ? inner(state.ofChildren, instance) : state.assignments, signal).push({ statement, guard });
          break;
        }
        case 'memory-write':
          listed(state.writes, statement.memory).push({ statement, guard });
          break;
        case 'if': {
          const conditions: Expr[] = [];
          let isLast = false;
          for (const arm of statement.arms) {
            const { zero, one } = state.value(arm.condition);
            conditions.push(arm.condition);
            if (one !== 0n) this.collect(state, arm.body, { conditions: [...conditions], outer: guard, isRead: false });
            isLast = zero === 0n;
            if (isLast) break;
          }
          if (!isLast) this.collect(state, statement.otherwise, { conditions, outer: guard, isRead: false });
          break;
        }
        case 'match': {
          const inside = { conditions: [statement.subject], outer: guard, isRead: false };
          const { zero, one } = state.value(statement.subject);
          for (const { value, body: arm } of statement.arms)
            if ((value & ~one) === 0n && (ones(statement.subject.width) & ~value & ~zero) === 0n)
              this.collect(state, arm, inside);
          this.collect(state, statement.otherwise, inside);
          break;
        }
        case 'property':
          this.node(state, statement.condition, 1n);
          this.guard(state, guard);
          break;
        case 'log':
          for (const part of statement.parts) if (typeof part !== 'string') this.node(state, part.value, ones(part.value.width));
          this.guard(state, guard);
      }
    }
  }

  /** What is read from outside: the top's outputs, what a black box gets, and resets that are signals. */
  private start(state: State, isTop: boolean): void {
    const { signals, domains, external } = state.module;
    const resets = new Set(domains.flatMap(({ of, reset }) => (of && reset ? [reset.name] : [])));
    for (const signal of signals) {
      const isRead = (isTop && signal.kind === 'output') || (external && signal.kind === 'input') || resets.has(signal.name);
      if (isRead) this.signal(state, signal, ones(signal.width));
    }
  }

  private readersOf(state: State): Readers {
    return {
      value: state.value,
      node: (expr, bits) => this.node(state, expr, bits),
      signal: (signal, bits) => this.signal(state, signal, bits),
      output: (instance, port, bits) => {
        const child = this.states.get(instance.module);
        if (child) this.signal(child, port, bits);
      },
      words: (memory, bits) => {
        const fresh = add(state.memories, memory, bits);
        if (fresh !== 0n) for (const write of state.writes.get(memory) ?? []) this.written(state, write, fresh);
      },
    };
  }

  private node(state: State, expr: Expr, bits: bigint): void {
    if (expr.kind === 'const' || bits === 0n) return;
    const fresh = add(state.nodes, expr, bits & ~fixedBits(state.value(expr)));
    if (fresh === 0n) return;
    const waiting = state.pending.get(expr);
    state.pending.set(expr, (waiting ?? 0n) | fresh);
    if (waiting === undefined) this.queue.push({ state, expr });
  }

  private signal(state: State, signal: Signal, bits: bigint): void {
    const fresh = add(state.signals, signal, bits);
    if (fresh === 0n) return;
    for (const assignment of state.assignments.get(signal) ?? []) this.assigned(state, assignment, fresh);
    if (signal.kind !== 'input') return;
    for (const { state: parent, instance } of state.parents)
      for (const assignment of parent.ofChildren.get(instance)?.get(signal) ?? []) this.assigned(parent, assignment, fresh);
  }

  private assigned(state: State, { statement, guard }: Guarded<Assign>, bits: bigint): void {
    const { low, offset, value } = statement;
    const above = bits >> BigInt(low);
    // What arrives at an offset may arrive anywhere above its place.
    const read =
      offset === undefined ? above & ones(value.width) : above === 0n ? 0n : ones(Math.min(value.width, length(above)));
    if (read === 0n) return;
    this.node(state, value, read);
    if (offset) this.node(state, offset, ones(offset.width));
    this.guard(state, guard);
  }

  private written(state: State, { statement, guard }: Guarded<MemoryWrite>, bits: bigint): void {
    const { memory, address, data, mask } = statement;
    this.node(state, data, bits);
    this.node(state, address, ones(address.width));
    const lane = BigInt(memory.lane);
    for (let i = 0; mask && i < mask.width; i++)
      if ((bits >> (BigInt(i) * lane)) & ones(memory.lane)) this.node(state, mask, 1n << BigInt(i));
    this.guard(state, guard);
  }

  private guard(state: State, guard: Guard | undefined): void {
    for (let at = guard; at && !at.isRead; at = at.outer) {
      at.isRead = true;
      for (const condition of at.conditions) this.node(state, condition, ones(condition.width));
    }
  }
}

function newState(module: Module, value: (expr: Expr) => Possible): State {
  return {
    module,
    value,
    signals: new Map(),
    memories: new Map(),
    nodes: new Map(),
    pending: new Map(),
    assignments: new Map(),
    ofChildren: new Map(),
    writes: new Map(),
    parents: [],
  };
}

const length = (bits: bigint): number => bits.toString(2).length;

/** Adds bits to those of a key. @returns those that are new. */
function add<K>(map: Map<K, bigint>, key: K, bits: bigint): bigint {
  const before = map.get(key) ?? 0n;
  const fresh = bits & ~before;
  if (fresh !== 0n) map.set(key, before | fresh);
  return fresh;
}

function listed<K, T>(map: Map<K, T[]>, key: K): T[] {
  const known = map.get(key) ?? [];
  map.set(key, known);
  return known;
}

function inner<K, L, T>(map: Map<K, Map<L, T>>, key: K): Map<L, T> {
  const known = map.get(key) ?? new Map<L, T>();
  map.set(key, known);
  return known;
}
