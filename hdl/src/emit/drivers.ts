import type { Assign, Const, Expr, Log, MemoryWrite, Module, Property, Site, Statement, Target } from '../ir/ir.ts';
import { bodies, ones, targetName, walk } from '../ir/visit.ts';
import { constant } from './fold.ts';
import { gaps } from './reads.ts';

/** A wire, output or instance input, and the statements that drive it. */
export interface CombNet {
  /** `count`, or `fifo.in_valid` for an input of a child. */
  readonly name: string;
  readonly target: Target;
  /** Its driver if no condition is involved; undefined if a block drives it. */
  readonly value: Expr | undefined;
  readonly site: Site;
  /** The top-level statements that drive it and are not overwritten by a later one. */
  readonly live: ReadonlySet<Statement>;
  /** Some path assigns it nothing: it needs a default. */
  readonly incomplete: boolean;
}

/** All combinational nets of a module, in the order in which they are first assigned, then those that nothing assigns. */
export function combNets(module: Module, body: readonly Statement[]): CombNet[] {
  const found = new Map<string, { readonly target: Target; readonly statements: Set<Statement> }>();
  const enter = (target: Target) => {
    const name = targetName(target);
    let net = found.get(name);
    if (net === undefined) {
      net = { target, statements: new Set() };
      found.set(name, net);
    }
    return net;
  };
  for (const top of body) {
    walk([top], statement => {
      if (statement.kind !== 'assign' || statement.target.signal.kind === 'register') return;
      enter(statement.target).statements.add(top);
    });
  }
  for (const signal of module.signals) {
    if (signal.kind === 'wire' || signal.kind === 'output') enter({ instance: undefined, signal });
  }
  for (const instance of module.instances) {
    for (const signal of instance.module.signals) if (signal.kind === 'input') enter({ instance, signal });
  }
  return [...found].map(([name, net]) => combNet(name, net.target, [...net.statements]));
}

function combNet(name: string, target: Target, statements: readonly Statement[]): CombNet {
  const { width } = target.signal;
  const last = statements.findLastIndex(s => isFixed(s) && s.value.width === width);
  const live = statements.slice(Math.max(0, last));
  const plain = live.every(isFixed);
  const site = live[0]?.site ?? target.signal.site;
  const incomplete = !plain && definite(live, name) !== ones(width);
  return { name, target, value: plain ? joined(live, target) : undefined, site, live: new Set(live), incomplete };
}

/** An assignment to bits that do not change. */
const isFixed = (statement: Statement): statement is Assign => statement.kind === 'assign' && statement.offset === undefined;

/** The value that unconditional assignments give together; the last one wins, and bits that none drives are 0. */
function joined(statements: readonly Assign[], target: Target): Expr {
  const { width, site } = target.signal;
  const [first] = statements;
  if (first && statements.length === 1 && first.value.width === width) return first.value;
  let covered = 0n;
  const pieces: { readonly low: number; readonly value: Expr }[] = [];
  const add = (low: number, size: number, value: (low: number, width: number) => Expr) => {
    const seen = (covered >> BigInt(low)) & ones(size);
    for (const [from, to] of gaps(seen, size)) pieces.push({ low: low + from, value: value(from, to - from + 1) });
    covered |= ones(size) << BigInt(low);
  };
  for (const { low, value } of statements.toReversed()) {
    add(low, value.width, (from, size) => sliceOf(value, from, size));
  }
  add(0, width, (_, size) => constant(size, 0n, site));
  const parts = pieces.sort((a, b) => b.low - a.low).map(piece => piece.value);
  const [only] = parts;
  if (only && parts.length === 1) return only;
  if (!parts.every((part): part is Const => part.kind === 'const')) return { kind: 'concat', width, parts, site };
  const whole = parts.reduce((value, part) => (value << BigInt(part.width)) | part.value, 0n);
  return constant(width, whole, site);
}

/** Bits of a value, which may be all of it. */
export function sliceOf(value: Expr, low: number, width: number): Expr {
  const { site } = value;
  if (width === value.width) return value;
  return value.kind === 'const' ? constant(width, value.value >> BigInt(low), site) : { kind: 'slice', width, low, value, site };
}

/** The bits of the target `name` that the statements assign on every path. */
export function definite(statements: readonly Statement[], name: string): bigint {
  let bits = 0n;
  for (const statement of statements) {
    if (statement.kind === 'assign') {
      if (targetName(statement.target) === name && isFixed(statement))
        bits |= ones(statement.value.width) << BigInt(statement.low);
    } else if (statement.kind === 'if' || statement.kind === 'match') {
      const full = statement.kind === 'match' && BigInt(statement.arms.length) === 1n << BigInt(statement.subject.width);
      const paths = full ? bodies(statement).slice(0, -1) : bodies(statement);
      bits |= paths.map(body => definite(body, name)).reduce((a, b) => a & b);
    }
  }
  return bits;
}

/** A statement that does something itself. */
export type Action = Assign | MemoryWrite | Property | Log;

/** What of a statement does the things that `keep` accepts; nothing if it does none of them. */
export function project(statement: Statement, keep: (action: Action) => boolean): Statement[] {
  const inner = (body: readonly Statement[]) => body.flatMap(s => project(s, keep));
  switch (statement.kind) {
    case 'match': {
      const otherwise = inner(statement.otherwise);
      const arms = statement.arms.map(arm => ({ ...arm, body: inner(arm.body) }));
      const useful = otherwise.length > 0 ? arms : arms.filter(arm => arm.body.length > 0);
      if (useful.length === 0 && otherwise.length === 0) return [];
      return [{ ...statement, arms: useful, otherwise }];
    }
    case 'if': {
      const otherwise = inner(statement.otherwise);
      const arms = statement.arms.map(arm => ({ ...arm, body: inner(arm.body) }));
      const needed = otherwise.length > 0 ? arms.length : arms.findLastIndex(arm => arm.body.length > 0) + 1;
      if (needed === 0 && otherwise.length === 0) return [];
      return [{ ...statement, arms: arms.slice(0, needed), otherwise }];
    }
    default:
      return keep(statement) ? [statement] : [];
  }
}

/** As `project`, for the assignments to some targets. */
export function driving(statement: Statement, keep: (target: Target) => boolean): Statement[] {
  return project(statement, action => action.kind === 'assign' && keep(action.target));
}
