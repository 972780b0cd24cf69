import type { Domain, Memory, Module, Signal, Site, Statement, Target } from '../ir/ir.ts';
import { needsClock } from '../ir/state.ts';
import { ones, walk } from '../ir/visit.ts';
import { type Action, project } from './drivers.ts';
import { constant } from './fold.ts';
import { indexWidth } from './literals.ts';
import { joined } from './nesting.ts';
import { gaps } from './reads.ts';

/** An `always` block of one clock. */
export interface ClockedItem {
  readonly kind: 'clocked';
  readonly domain: Domain;
  readonly statements: readonly Statement[];
  /** The registers that the domain's reset sets here. */
  readonly resets: readonly Signal[];
}

/** What a module's registers and memories become. */
export interface Clocked {
  readonly items: readonly ClockedItem[];
  /** Registers that nothing ever gives a value. */
  readonly constants: ReadonlySet<Signal>;
  /** Memories that only a test bench fills, in a module without a clock. */
  readonly zeroed: readonly Memory[];
}

/**
 * One block for each clock. A block with an asynchronous reset holds nothing that reset leaves alone: a register beside it would become one with
 * an enable, so the others of such a domain have a block of their own.
 */
export function clocked(module: Module, body: readonly Statement[]): Clocked {
  const { given, written } = assigned(body);
  const registers = module.signals.filter(signal => signal.kind === 'register');
  const constants = new Set(registers.filter(signal => signal.init === undefined && !given.has(signal)));
  const unwritten = module.memories.filter(memory => memory.init === undefined && !written.has(memory));
  const writer = module.domains.find(domain => needsClock(module, domain));
  const items: ClockedItem[] = [];
  for (const domain of module.domains) {
    const own = registers.filter(signal => signal.domain === domain);
    const resets = own.filter(signal => signal.init !== undefined);
    const zeros = own.filter(signal => signal.init === undefined && given.has(signal)).flatMap(signal => undriven(signal, given));
    const never = domain === writer ? unwritten.map(memory => neverWritten(memory, domain)) : [];
    const add = (
      before: readonly Statement[],
      keep: (action: Action) => boolean,
      set: readonly Signal[],
      after: readonly Statement[],
    ) => {
      const statements = [...before, ...joined(body.flatMap(s => project(s, keep))), ...after];
      if (statements.length + set.length > 0) items.push({ kind: 'clocked', domain, statements, resets: set });
    };
    const holds = (action: Action) =>
      action.kind === 'assign' ? action.target.signal.domain === domain && isRegister(action) : isWrite(action, domain);
    if (domain.reset?.kind === 'async' && resets.length > 0) {
      const isReset = (action: Action) => action.kind === 'assign' && action.target.signal.init !== undefined;
      add([], action => holds(action) && isReset(action), resets, []);
      add(zeros, action => holds(action) && !isReset(action), [], never);
    } else {
      add(zeros, holds, resets, never);
    }
  }
  return { items, constants, zeroed: writer ? [] : unwritten };
}

const isRegister = (action: Action) => action.kind === 'assign' && action.target.signal.kind === 'register';
const isWrite = (action: Action, domain: Domain) => action.kind === 'memory-write' && action.domain === domain;

/** Which bits of which registers, and which memories, something writes. */
function assigned(body: readonly Statement[]): { readonly given: Map<Signal, bigint>; readonly written: Set<Memory> } {
  const given = new Map<Signal, bigint>();
  const written = new Set<Memory>();
  walk(body, statement => {
    if (statement.kind === 'memory-write') written.add(statement.memory);
    if (statement.kind !== 'assign' || statement.target.signal.kind !== 'register') return;
    const { signal } = statement.target;
    const bits = statement.offset ? ones(signal.width) : ones(statement.value.width) << BigInt(statement.low);
    given.set(signal, (given.get(signal) ?? 0n) | bits);
  });
  return { given, written };
}

/** Gives bits of a register that nothing drives their constant value. */
function undriven(signal: Signal, given: ReadonlyMap<Signal, bigint>): Statement[] {
  return gaps(given.get(signal) ?? 0n, signal.width).map(([low, high]) =>
    assignZero({ instance: undefined, signal }, low, high - low + 1),
  );
}

/** `target[low +: width] = 0`. */
export function assignZero(target: Target, low: number, width: number): Statement {
  const site: Site = { frames: [] };
  return { kind: 'assign', target, low, offset: undefined, value: constant(width, 0n, site), site };
}

/** A write that never happens, to a memory that only a test bench fills: a memory without any has no driver. */
function neverWritten(memory: Memory, domain: Domain): Statement {
  const { site } = memory;
  const address = constant(indexWidth(memory.depth), 0n, site);
  const data = constant(memory.width, 0n, site);
  const write: Statement = { kind: 'memory-write', memory, address, data, mask: undefined, domain, site };
  return { kind: 'if', arms: [{ condition: constant(1, 0n, site), body: [write] }], otherwise: [], site };
}
