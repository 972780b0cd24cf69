import type { Binary, Expr } from '../ir/ir.ts';
import { operands, postOrder } from '../ir/visit.ts';
import { guarded, isName } from './expressions.ts';
import type { Hints } from './hints.ts';
import { indexWidth } from './literals.ts';
import type { Names } from './names.ts';
import { selected } from './window.ts';

/** An expression as a statement uses it. */
export interface Root {
  readonly expr: Expr;
  /** What the statement drives: names are made from it where the source has none. */
  readonly base: string;
  /**
   * Set if the whole of `base` is `expr`, so that `base` serves as its name: the net of an `assign`, or a wire for a port connection that
   * exists only if a name is needed.
   */
  readonly alias: 'assign' | 'wire' | undefined;
  /** It is used where Verilog wants a name. */
  readonly forced: boolean;
  /**
   * No memory can be read here: in `always @*` Icarus would wait for all its words, and a memory that is read for the address of a write
   * becomes registers in Yosys.
   */
  readonly withoutMemories: boolean;
  /** Longest text that can stand here without a name. */
  readonly longest: number | undefined;
}

/** Longest text that a node may have and still stand inside another one. */
const longest = 480;
/** Longest text that may be repeated rather than named, if the user gave it no name. */
const repeatable = 32;

/**
 * Decides which nodes get a wire of their own: those that have several users and are no trifle, those that Verilog needs a name for (to take
 * bits of them), and those that would make a text too long. The name is the user's (`const sum = ...`), or the alias or number of what is driven.
 * @returns the names, and those nodes among them whose name is a net that an `assign` drives.
 */
export function nameNodes(
  roots: readonly Root[],
  names: Names,
  hints: Hints,
): { readonly names: Map<Expr, string>; readonly aliases: Set<Expr> } {
  const wanted = new Wanted(roots);
  const result = new Map<Expr, string>();
  const aliases = new Set<Expr>();
  const hinted = new Map<Expr, string | undefined>();
  const hint = (expr: Expr) => {
    if (!hinted.has(expr)) hinted.set(expr, hints.at(expr.site));
    return hinted.get(expr);
  };
  const chosen = wanted.choose(expr => hint(expr) !== undefined);
  for (const { expr, base, alias } of roots) {
    if (alias === undefined || !chosen.has(expr) || result.has(expr)) continue;
    const own = hint(expr);
    if (own !== undefined && own !== base) continue;
    result.set(expr, base);
    if (alias === 'assign') aliases.add(expr);
  }
  const seen = new Set<Expr>();
  /** Nodes by what they are to be called and the place of the source that makes them. */
  const series = new Map<string, { readonly name: string; readonly nodes: Expr[] }>();
  for (const { expr: root, base } of roots) {
    const stack = [root];
    for (let expr = stack.pop(); expr; expr = stack.pop()) {
      if (seen.has(expr)) continue;
      seen.add(expr);
      if (chosen.has(expr) && !result.has(expr)) {
        const name = hint(expr) ?? base;
        const [place] = expr.site.frames;
        const source = `${name} ${place?.file} ${place?.line} ${place?.column}`;
        const like = series.get(source);
        if (like) like.nodes.push(expr);
        else series.set(source, { name, nodes: [expr] });
      }
      const below = operands(expr);
      for (let i = below.length - 1; i >= 0; i--) {
        const operand = below[i];
        if (operand && !seen.has(operand)) stack.push(operand);
      }
    }
  }
  const given = new Set<string>();
  for (const { name, nodes } of series.values()) {
    // What one place makes several times, as in a loop, is numbered from 0, as the elements of a vector are.
    const numbered = nodes.map((_, i) => `${name}_${i}`);
    const taken = nodes.length > 1 && names.take(numbered);
    nodes.sort((a, b) => (a.site.order ?? 0) - (b.site.order ?? 0));
    nodes.forEach((expr, i) => {
      const again = given.has(name) && expr.kind !== 'memory-read';
      const own = again || names.free(name) ? name : described(name, expr);
      result.set(expr, (taken && numbered[i]) || names.unique(own));
      given.add(name);
    });
  }
  return { names: result, aliases };
}

const results = { add: 'sum', sub: 'difference', mul: 'product', shl: 'shifted', shr: 'shifted' } as const;

/** A name for a part of what is called `whole`: by what it is where that can be said, which tells more than a number. */
function described(whole: string, part: Expr): string {
  if (part.kind === 'memory-read') return `${part.memory.name}_word`;
  if (part.kind !== 'binary' || !(part.op in results)) return whole;
  return `${whole}_${results[part.op as keyof typeof results]}`;
}

class Wanted {
  private readonly uses = new Map<Expr, number>();
  private readonly forced = new Set<Expr>();
  private readonly order: Expr[] = [];
  /** Shifts: Icarus 11 makes code that it cannot read itself of a memory word in one. */
  private readonly shifts: Expr[] = [];

  private readonly roots: readonly Root[];

  constructor(roots: readonly Root[]) {
    this.roots = roots;
    const seen = new Set<Expr>();
    for (const root of roots) {
      this.use(root.expr);
      if (root.forced && !isName(root.expr)) this.forced.add(root.expr);
      postOrder(root.expr, seen, expr => {
        this.order.push(expr);
        this.visit(expr);
      });
    }
    const seenThere = new Set<Expr>();
    const withoutMemories = roots.filter(root => root.withoutMemories).map(root => root.expr);
    for (const expr of [...withoutMemories, ...this.shifts]) {
      postOrder(expr, seenThere, inner => {
        if (inner.kind === 'memory-read') this.forced.add(inner);
      });
    }
  }

  private use(expr: Expr): void {
    this.uses.set(expr, (this.uses.get(expr) ?? 0) + 1);
  }

  private visit(expr: Expr): void {
    if (expr.kind === 'slice') {
      const select = selected(expr);
      this.named(select ? select.left : expr.value);
      if (select && overflows(select.right)) this.named(select.right);
    }
    if (expr.kind === 'extend' && expr.signed && expr.value.width > 1) this.named(expr.value);
    if (expr.kind === 'binary' && (expr.op === 'shl' || expr.op === 'shr')) this.shifts.push(expr);
    if (expr.kind === 'memory-read') {
      const { memory, address } = expr;
      if (overflows(address)) this.named(address);
      if (guarded(memory, address) && address.kind !== 'const') {
        this.use(address);
        if (address.width > indexWidth(memory.depth)) this.named(address);
      }
    }
    const all = operands(expr);
    all.forEach((operand, i) => {
      if (expr.kind !== 'concat' || operand !== all[i - 1]) this.use(operand);
    });
  }

  private named(expr: Expr): void {
    if (!isName(expr)) this.forced.add(expr);
  }

  /** The nodes to be named. */
  choose(hasHint: (expr: Expr) => boolean): Set<Expr> {
    const chosen = new Set<Expr>();
    const size = new Map<Expr, number>();
    const of = (expr: Expr) => size.get(expr) ?? 8;
    for (const expr of this.order) {
      const length = operands(expr).reduce((sum, operand) => sum + of(operand) + 3, ownLength(expr));
      const shared = (this.uses.get(expr) ?? 0) > 1 && !isTrivial(expr, chosen);
      const repeat = length <= repeatable && operands(expr).every(o => isTrivial(o, chosen));
      const name = this.forced.has(expr) || (shared && (!repeat || hasHint(expr))) || length > longest;
      if (name) chosen.add(expr);
      size.set(expr, name ? 12 : length);
    }
    for (const { expr, longest: limit } of this.roots) if (limit !== undefined && of(expr) > limit) chosen.add(expr);
    return chosen;
  }
}

const overflowing: ReadonlySet<Binary['op']> = new Set(['add', 'sub', 'mul']);
/** Operators whose operands have as many bits as the index. */
const passing: ReadonlySet<Binary['op']> = new Set(['and', 'or', 'xor', 'shl', 'shr']);

/**
 * Whether an index has a sum, difference or product that may be longer than it: Icarus 11 computes an index with more bits than its operands have, and looks beyond
 * the end where the sum should wrap. A name cuts it to its width.
 */
export function overflows(expr: Expr): boolean {
  switch (expr.kind) {
    case 'binary':
      return overflowing.has(expr.op) || (passing.has(expr.op) && operands(expr).some(overflows));
    case 'unary':
      return expr.op === 'not' && overflows(expr.value);
    case 'mux':
      return overflows(expr.whenTrue) || overflows(expr.whenFalse);
    default:
      return false;
  }
}

const isPlain = (expr: Expr) => expr.kind === 'signal' || expr.kind === 'instance';

/** Names, constants, bits of names, and their complements: a name for them would only hide them. */
function isTrivial(expr: Expr, chosen: ReadonlySet<Expr>): boolean {
  if (isPlain(expr) || expr.kind === 'const' || chosen.has(expr)) return true;
  if (expr.kind === 'slice') return isPlain(expr.value) || chosen.has(expr.value);
  return expr.kind === 'unary' && expr.op === 'not' && isTrivial(expr.value, chosen);
}

function ownLength(expr: Expr): number {
  switch (expr.kind) {
    case 'signal':
      return expr.signal.name.length;
    case 'instance':
      return expr.instance.name.length + expr.port.name.length + 1;
    case 'const':
      return 4 + Math.ceil(expr.width / 4);
    case 'memory-read':
      return expr.memory.name.length + 4;
    default:
      return 4;
  }
}
