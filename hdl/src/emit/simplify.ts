import type { Assign, Binary, Concat, Expr, Extend, Memory, Module, Site, Slice, Statement } from '../ir/ir.ts';
import { expressions, operands, postOrder, walk } from '../ir/visit.ts';
import { type CombNet, combNets } from './drivers.ts';
import { constant, extended, foldBinary, foldMux, foldUnary, sameSource } from './fold.ts';
import { type Known, knownSignals } from './known.ts';
import { indexWidth } from './literals.ts';
import { selected, selection, windowOf } from './window.ts';

/** A module's body and what drives its combinational nets. */
export interface Simplified {
  readonly body: readonly Statement[];
  readonly nets: readonly CombNet[];
}

/**
 * The body as a person would write it: constants folded, also those that a wire is tied to (Verilator warns of comparisons that are always
 * true, and of what is assigned under a condition that never is), and and slices moved to where Verilog can take them, which is at names only. A value that has several users keeps its node.
 */
export function simplify(module: Module): Simplified {
  const uses = new Map<Expr, number>();
  const use = (expr: Expr) => uses.set(expr, (uses.get(expr) ?? 0) + 1);
  const seen = new Set<Expr>();
  walk(module.body, statement => {
    for (const root of expressions(statement)) {
      use(root);
      postOrder(root, seen, expr => {
        for (const operand of operands(expr)) use(operand);
      });
    }
  });
  let known: Known = new Map();
  for (;;) {
    const body = new Simplifier(uses, known).body(module.body);
    const nets = combNets(module, body);
    const next = knownSignals(module, body, nets);
    if (next.size === known.size) return { body, nets };
    known = next;
  }
}

/** Most bits of a shift amount: Verilator takes no more than 32. */
const widestShift = 31;

class Simplifier {
  private readonly uses: ReadonlyMap<Expr, number>;
  private readonly results = new Map<Expr, Expr>();
  private readonly seen = new Set<Expr>();
  /** Results that stand for more than one use of the input. */
  private readonly shared = new Set<Expr>();
  private readonly given = new Set<Expr>();

  private readonly known: Known;

  constructor(uses: ReadonlyMap<Expr, number>, known: Known) {
    this.uses = uses;
    this.known = known;
  }

  body(statements: readonly Statement[]): Statement[] {
    return statements.flatMap(statement => this.statement(statement));
  }

  private statement(statement: Statement): readonly Statement[] {
    switch (statement.kind) {
      case 'property':
        return [{ ...statement, condition: this.expression(statement.condition) }];
      case 'log': {
        const parts = statement.parts.map(part =>
          typeof part === 'string' ? part : { ...part, value: this.expression(part.value) },
        );
        return [{ ...statement, parts }];
      }
      case 'assign': {
        const value = this.expression(statement.value);
        if (statement.offset === undefined) return [{ ...statement, value }];
        return this.placed(statement, this.expression(statement.offset), value);
      }
      case 'memory-write': {
        const address = this.address(statement.memory, this.expression(statement.address));
        const mask = statement.mask && this.expression(statement.mask);
        if (address === undefined || (mask?.kind === 'const' && mask.value === 0n)) return [];
        return [{ ...statement, address, data: this.expression(statement.data), mask }];
      }
      case 'match': {
        const subject = this.expression(statement.subject);
        if (subject.kind === 'const') {
          return this.body(statement.arms.find(arm => arm.value === subject.value)?.body ?? statement.otherwise);
        }
        const arms = statement.arms.map(arm => ({ ...arm, body: this.body(arm.body) }));
        const full = BigInt(arms.length) === 1n << BigInt(subject.width);
        return [{ ...statement, subject, arms, otherwise: full ? [] : this.body(statement.otherwise) }];
      }
      case 'if': {
        const arms = statement.arms.map(arm => ({ ...arm, condition: this.expression(arm.condition) }));
        const always = arms.findIndex(arm => arm.condition.kind === 'const' && arm.condition.value === 1n);
        const possible = (always < 0 ? arms : arms.slice(0, always)).filter(arm => arm.condition.kind !== 'const');
        const otherwise = this.body(arms[always]?.body ?? statement.otherwise);
        if (possible.length === 0) return otherwise;
        return [{ ...statement, arms: possible.map(arm => ({ ...arm, body: this.body(arm.body) })), otherwise }];
      }
    }
  }

  /** An assignment at an offset, which becomes the index of the first bit; under a condition where that would not do. */
  private placed(statement: Assign, offset: Expr, value: Expr): readonly Statement[] {
    const { target, low, site } = statement;
    const whole = target.signal.width;
    const plain = { ...statement, offset: undefined };
    if (offset.kind === 'const') {
      const from = offset.value + BigInt(low);
      const width = from < BigInt(whole) ? Math.min(value.width, whole - Number(from)) : 0;
      return width > 0 ? [{ ...plain, low: Number(from), value: this.slice(value, 0, width, site) }] : [];
    }
    const part = (expr: Expr, from: number, width: number) => this.slice(expr, from, width, expr.site);
    const window = windowOf(offset, low, value.width, whole, part);
    if (window === undefined) {
      const bits = Array.from({ length: value.width }, (_, i) => i).filter(i => low + i < whole);
      return bits.flatMap(i => this.placed({ ...statement, low: low + i }, offset, part(value, i, 1)));
    }
    const { index, inside, roomy } = window;
    const assign: Assign = { ...plain, low: window.low, offset: index, value };
    if (inside === undefined || (index && roomy)) return [assign];
    return [{ kind: 'if', arms: [{ condition: inside, body: [assign] }], otherwise: [], site }];
  }

  private expression(root: Expr): Expr {
    postOrder(root, this.seen, expr => {
      const result = this.rewrite(expr);
      if ((this.uses.get(expr) ?? 0) > 1 || this.given.has(result)) this.shared.add(result);
      this.given.add(result);
      this.results.set(expr, result);
    });
    return this.of(root);
  }

  private of(expr: Expr): Expr {
    return this.results.get(expr) ?? expr;
  }

  private readonly lone = (expr: Expr): boolean => !this.shared.has(expr);

  private rewrite(expr: Expr): Expr {
    switch (expr.kind) {
      case 'const':
      case 'instance':
        return expr;
      case 'signal': {
        const value = this.known.get(expr.signal);
        return value === undefined ? expr : constant(expr.width, value, expr.site);
      }
      case 'unary':
        return foldUnary({ ...expr, value: this.of(expr.value) }, this.lone);
      case 'binary':
        return this.binary({ ...expr, left: this.of(expr.left), right: this.of(expr.right) });
      case 'mux':
        return foldMux({
          ...expr,
          condition: this.of(expr.condition),
          whenTrue: this.of(expr.whenTrue),
          whenFalse: this.of(expr.whenFalse),
        });
      case 'concat':
        return this.concat({ ...expr, parts: expr.parts.map(part => this.of(part)) });
      case 'slice':
        return this.slice(this.of(expr.value), expr.low, expr.width, expr.site);
      case 'extend':
        return this.extend({ ...expr, value: this.of(expr.value) });
      case 'memory-read': {
        const address = this.address(expr.memory, this.of(expr.address));
        return address ? { ...expr, address } : constant(expr.width, 0n, expr.site);
      }
    }
  }

  /** A constant address has just the bits that the memory needs; undefined if it lies beyond. */
  private address(memory: Memory, address: Expr): Expr | undefined {
    if (address.kind !== 'const') return address;
    if (address.value >= BigInt(memory.depth)) return undefined;
    return constant(indexWidth(memory.depth), address.value, address.site);
  }

  private binary(expr: Binary): Expr {
    const { op, signed, left, right, width, site } = expr;
    if ((op !== 'shl' && op !== 'shr') || right.kind === 'const' || right.width <= widestShift)
      return foldBinary(expr, this.lone);
    this.shared.add(right);
    const high = this.slice(right, widestShift, right.width - widestShift, site);
    const far = foldUnary({ kind: 'unary', op: 'reduce_or', width: 1, value: high, site }, this.lone);
    const last = constant(widestShift, BigInt(width - 1), site);
    const beyond = op === 'shr' && signed ? foldBinary({ ...expr, right: last }) : constant(width, 0n, site);
    const near = foldBinary({ ...expr, left, right: this.slice(right, 0, widestShift, site) });
    return foldMux({ kind: 'mux', condition: far, whenTrue: beyond, whenFalse: near, width, site });
  }

  private extend(expr: Extend): Expr {
    const { value, width, signed } = expr;
    if (value.kind === 'const') return extended(value, width, signed);
    if (value.kind === 'extend' && value.signed === signed && this.lone(value)) return { ...expr, value: value.value };
    return expr;
  }

  /** Joins neighbours: parts of a part, constants, and slices that continue each other. */
  private concat(expr: Concat): Expr {
    const flat = expr.parts.flatMap(part => (part.kind === 'concat' && this.lone(part) ? part.parts : [part]));
    const parts: Expr[] = [];
    for (const part of flat) {
      const joined = parts.length > 0 ? this.join(parts.at(-1), part) : undefined;
      if (joined) parts[parts.length - 1] = joined;
      else parts.push(part);
    }
    const [only] = parts;
    return only && parts.length === 1 ? only : { ...expr, parts };
  }

  private join(high: Expr | undefined, low: Expr): Expr | undefined {
    if (high?.kind === 'const' && low.kind === 'const') {
      return constant(high.width + low.width, (high.value << BigInt(low.width)) | low.value, high.site);
    }
    if (high?.kind === 'slice' && low.kind === 'slice' && high.low === low.low + low.width) {
      if (!sameSource(high.value, low.value)) return undefined;
      return this.slice(high.value, low.low, high.width + low.width, high.site);
    }
    return undefined;
  }

  /** Bits `low` .. `low + width - 1` of `value`, taken as near to a named signal as that costs nothing. */
  private slice(value: Expr, low: number, width: number, site: Site): Expr {
    if (low === 0 && width === value.width) return value;
    const plain: Slice = { kind: 'slice', value, low, width, site };
    if (value.kind === 'slice' && selected(value)) return plain;
    switch (value.kind) {
      case 'const':
        return constant(width, value.value >> BigInt(low), site);
      case 'slice':
        return this.slice(value.value, value.low + low, width, site);
      case 'concat':
        return this.sliceConcat(value, plain);
      case 'extend':
        return this.sliceExtend(value, plain);
    }
    if (this.shared.has(value)) return plain;
    const part = (operand: Expr) => this.slice(operand, low, width, site);
    if (value.kind === 'unary' && value.op === 'not') return foldUnary({ ...value, width, value: part(value.value) }, this.lone);
    if (value.kind === 'mux') {
      return foldMux({ ...value, width, whenTrue: part(value.whenTrue), whenFalse: part(value.whenFalse) });
    }
    if (value.kind !== 'binary') return plain;
    const bitwise = value.op === 'and' || value.op === 'or' || value.op === 'xor';
    const fromBelow = value.op === 'add' || value.op === 'sub' || value.op === 'mul';
    if (bitwise || (fromBelow && low === 0)) {
      return foldBinary({ ...value, width, left: part(value.left), right: part(value.right) });
    }
    if (value.op === 'shl' && low === 0) return foldBinary({ ...value, width, left: part(value.left) });
    return value.op === 'shr' && !value.signed && value.right.kind !== 'const' ? this.select(value, plain) : plain;
  }

  /** Bits of a shifted value as a part of the value, if they never lie half beyond it. */
  private select({ left, right }: Binary, plain: Slice): Expr {
    const { low, width, site } = plain;
    const window = windowOf(right, low, width, left.width, (expr, from, size) => this.slice(expr, from, size, expr.site));
    if (window === undefined) return plain;
    const { index, inside } = window;
    const chosen = index ? selection(left, index, width, site) : this.slice(left, window.low, width, site);
    if (inside === undefined) return chosen;
    return foldMux({ kind: 'mux', width, condition: inside, whenTrue: chosen, whenFalse: constant(width, 0n, site), site });
  }

  private sliceConcat(value: Concat, plain: Slice): Expr {
    const { low, width, site } = plain;
    const parts: Expr[] = [];
    let top = value.width;
    for (const part of value.parts) {
      const bottom = top - part.width;
      const from = Math.max(bottom, low);
      const to = Math.min(top, low + width);
      if (from < to) parts.push(this.slice(part, from - bottom, to - from, site));
      top = bottom;
    }
    const [only] = parts;
    if (only && parts.length === 1) return only;
    return this.shared.has(value) ? plain : this.concat({ kind: 'concat', width, parts, site });
  }

  private sliceExtend(extend: Extend, plain: Slice): Expr {
    const { low, width, site } = plain;
    const { value, signed } = extend;
    if (low + width <= value.width) return this.slice(value, low, width, site);
    if (signed) return this.shared.has(extend) ? plain : this.sliceSigned(extend, plain);
    if (low >= value.width) return constant(width, 0n, site);
    return this.extend({ ...extend, width, value: this.slice(value, low, value.width - low, site), site });
  }

  private sliceSigned(extend: Extend, plain: Slice): Expr {
    const { low, width, site } = plain;
    const { value } = extend;
    const kept = this.slice(value, Math.min(low, value.width - 1), value.width - Math.min(low, value.width - 1), site);
    return kept.width === width ? kept : this.extend({ ...extend, width, value: kept, site });
  }
}
