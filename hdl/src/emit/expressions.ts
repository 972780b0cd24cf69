import type { Binary, Concat, Expr, Extend, Instance, Memory, MemoryRead, Mux, Signal } from '../ir/ir.ts';
import { enumerated, type LabelOf } from './labels.ts';
import { indexWidth, literal, signedLiteral } from './literals.ts';
import type { Reads } from './reads.ts';
import { selected } from './window.ts';

/** How tightly a text holds together; decides about parentheses. */
type Level =
  | 'primary'
  | 'unary'
  | 'reduction'
  | 'mul'
  | 'add'
  | 'shift'
  | 'signed shift'
  | 'compare'
  | 'and'
  | 'or'
  | 'xor'
  | 'mux';

interface Text {
  readonly text: string;
  readonly level: Level;
}

const operators = {
  add: ['+', 'add'],
  sub: ['-', 'add'],
  mul: ['*', 'mul'],
  and: ['&', 'and'],
  or: ['|', 'or'],
  xor: ['^', 'xor'],
  eq: ['==', 'compare'],
  ne: ['!=', 'compare'],
  lt: ['<', 'compare'],
  le: ['<=', 'compare'],
  gt: ['>', 'compare'],
  ge: ['>=', 'compare'],
  shl: ['<<', 'shift'],
  shr: ['>>', 'shift'],
} as const satisfies { readonly [op in Binary['op']]: readonly [string, Level] };

const opposites: { readonly [op in Binary['op']]?: Binary['op'] } = {
  eq: 'ne',
  ne: 'eq',
  lt: 'ge',
  ge: 'lt',
  gt: 'le',
  le: 'gt',
};

const reductions = { reduce_and: '&', reduce_or: '|', reduce_xor: '^' } as const;

/** Where an output of a child can be read. */
export type OutputName = (instance: Instance, port: string) => string;

/** Whether Verilog can take bits of it directly: a name, or a word of a memory that needs no guard. */
export function isName(expr: Expr): boolean {
  return (
    expr.kind === 'signal' || expr.kind === 'instance' || (expr.kind === 'memory-read' && !guarded(expr.memory, expr.address))
  );
}

/** Whether an address can reach beyond the memory. */
export function guarded(memory: Memory, address: Expr): boolean {
  if (address.kind === 'const') return address.value >= BigInt(memory.depth);
  return address.width > 30 || 2 ** address.width > memory.depth;
}

/** Renders expressions. A node in `names` stands as its name. */
export class Expressions {
  private readonly names: ReadonlyMap<Expr, string>;
  private readonly reads: Reads;
  private readonly outputName: OutputName;
  private readonly labelOf: LabelOf;

  constructor(names: ReadonlyMap<Expr, string>, reads: Reads, outputName: OutputName, labelOf: LabelOf) {
    this.names = names;
    this.reads = reads;
    this.outputName = outputName;
    this.labelOf = labelOf;
  }

  /** The text of a value on the right of an assignment, to `target` if given, or between brackets; by its name if it has one. */
  value(expr: Expr, target?: Signal): string {
    return this.text(expr, target).text;
  }

  /** A constant, by the name of the state that it is for `signal`, if it is one. */
  constant(width: number, value: bigint, signal: Signal | undefined): string {
    const label = signal?.width === width && signal.states ? this.labelOf(signal, value) : undefined;
    return label ?? literal(width, value);
  }

  /** The text of a value beside which others may stand, as in a `case`. */
  subject(expr: Expr): string {
    return this.isolated(expr).text;
  }

  /** The text of what `expr` computes, even if it has a name. */
  definition(expr: Expr, target?: Signal): string {
    return this.render(expr, target).text;
  }

  /** The text of the opposite of a condition. */
  inverse(condition: Expr): string {
    if (!this.names.has(condition)) {
      if (condition.kind === 'unary' && condition.op === 'not') return this.value(condition.value);
      const opposite = condition.kind === 'binary' ? opposites[condition.op] : undefined;
      if (condition.kind === 'binary' && opposite) return this.render({ ...condition, op: opposite }).text;
    }
    return this.not(condition).text;
  }

  /** The memory word at `address`, whether that is inside or not. */
  word(memory: Memory, address: Expr): string {
    this.reads.mark(memory.name, 0, 1);
    return this.element(memory, address);
  }

  /** As `word`, on the left of an assignment. */
  element(memory: Memory, address: Expr): string {
    const wanted = indexWidth(memory.depth);
    const { width } = address;
    if (address.kind === 'const' && !this.names.has(address)) return `${memory.name}[${literal(wanted, address.value)}]`;
    if (width > wanted) return `${memory.name}[${this.part(address, 0, wanted)}]`;
    const text = this.value(address);
    return `${memory.name}[${width < wanted ? `{${literal(wanted - width, 0n)}, ${text}}` : text}]`;
  }

  /** The condition that `address` lies inside the memory. */
  inside(memory: Memory, address: Expr): string {
    const index = this.atom(address);
    return memory.depth === 1 && address.width === 1 ? `~${index}` : `${index} < ${literal(address.width, BigInt(memory.depth))}`;
  }

  /** Bits of a value that has a name. */
  part(expr: Expr, low: number, width: number): string {
    if (low === 0 && width === expr.width) return this.value(expr);
    const bits = width === 1 ? `[${low}]` : `[${low + width - 1}:${low}]`;
    const name = this.names.get(expr);
    if (name === undefined && expr.kind === 'memory-read') return this.word(expr.memory, expr.address) + bits;
    const whole = name ?? this.nameOf(expr);
    this.reads.mark(whole, low, width);
    return whole + bits;
  }

  private nameOf(expr: Expr): string {
    if (expr.kind === 'signal') return expr.signal.name;
    if (expr.kind === 'instance') return this.outputName(expr.instance, expr.port.name);
    throw new Error(`bits are taken of a ${expr.kind} that has no name`);
  }

  private text(expr: Expr, like?: Signal): Text {
    const name = this.names.get(expr);
    if (name === undefined) return this.render(expr, like);
    this.reads.mark(name, 0, expr.width);
    return { text: name, level: 'primary' };
  }

  private atom(expr: Expr): string {
    const { text, level } = this.text(expr);
    return level === 'primary' ? text : `(${text})`;
  }

  /** As it stands for itself; a state of an enumeration has its name where `like` is a signal of it. */
  private render(expr: Expr, like?: Signal): Text {
    switch (expr.kind) {
      case 'const':
        return { text: this.constant(expr.width, expr.value, like), level: 'primary' };
      case 'signal':
      case 'instance':
        return { text: this.whole(expr), level: 'primary' };
      case 'unary':
        return expr.op === 'not'
          ? this.not(expr.value)
          : { text: `${reductions[expr.op]}${this.atom(expr.value)}`, level: 'reduction' };
      case 'binary':
        return this.binary(expr);
      case 'mux': {
        const { condition: decides, whenTrue, whenFalse } = this.positive(expr);
        const condition = this.text(decides);
        const bare = condition.level === 'primary' || condition.level === 'unary';
        const known = like ?? (whenTrue.kind === 'const' || whenFalse.kind === 'const' ? enumerated(expr) : undefined);
        const arm = (value: Expr, nested: boolean) => {
          const { text, level } = this.isolated(value, known);
          return level === 'mux' && !nested ? `(${text})` : text;
        };
        const head = bare ? condition.text : `(${condition.text})`;
        return { text: `${head} ? ${arm(whenTrue, false)} : ${arm(whenFalse, true)}`, level: 'mux' };
      }
      case 'concat':
        return { text: this.concat(expr), level: 'primary' };
      case 'slice': {
        const select = this.names.has(expr.value) ? undefined : selected(expr);
        return { text: select ? this.select(select, expr.width) : this.part(expr.value, expr.low, expr.width), level: 'primary' };
      }
      case 'extend':
        return { text: this.extend(expr), level: 'primary' };
      case 'memory-read':
        return this.memoryRead(expr);
    }
  }

  /** A mux whose condition is no negation, unless that would break up a chain of them. */
  private positive(expr: Mux): Mux {
    const { condition, whenTrue, whenFalse } = expr;
    const chained = whenFalse.kind === 'mux' && !this.names.has(whenFalse);
    if (chained || condition.kind !== 'unary' || condition.op !== 'not' || this.names.has(condition)) return expr;
    return { ...expr, condition: condition.value, whenTrue: whenFalse, whenFalse: whenTrue };
  }

  private whole(expr: Expr): string {
    const name = this.nameOf(expr);
    this.reads.mark(name, 0, expr.width);
    return name;
  }

  private not(value: Expr): Text {
    const inner = this.isolated(value);
    if (inner.level === 'reduction') return { text: `~${inner.text}`, level: 'reduction' };
    return { text: `~${inner.level === 'primary' ? inner.text : `(${inner.text})`}`, level: 'unary' };
  }

  private binary(expr: Binary): Text {
    const { op, signed, left, right } = expr;
    const [sign, level] = operators[op];
    if (level === 'compare') {
      const like = enumerated(left) ?? enumerated(right);
      const side = (e: Expr) => (signed ? this.signed(e) : this.operand(e, 'compare', false, like));
      return { text: `${side(left)} ${sign} ${side(right)}`, level };
    }
    if (level === 'shift') {
      const amount = right.kind === 'const' && !this.names.has(right) ? String(right.value) : this.operand(right, 'shift', false);
      if (op === 'shr' && signed) return { text: `${this.signed(left)} >>> ${amount}`, level: 'signed shift' };
      return { text: `${this.operand(left, 'shift', false)} ${sign} ${amount}`, level };
    }
    if (op === 'sub' && left.kind === 'const' && left.value === 0n && !this.names.has(left)) {
      return { text: `-${this.atom(right)}`, level: 'unary' };
    }
    return { text: `${this.operand(left, level, true)} ${sign} ${this.operand(right, level, op !== 'sub')}`, level };
  }

  private signed(expr: Expr): string {
    if (expr.kind === 'const' && !this.names.has(expr)) return signedLiteral(expr.width, expr.value);
    return `$signed(${this.text(expr).text})`;
  }

  /** A text whose signedness stays inside: that of a signed shift would otherwise be lost beside unsigned operands. */
  private isolated(expr: Expr, like?: Signal): Text {
    const text = this.text(expr, like);
    return text.level === 'signed shift' ? { text: `$unsigned(${text.text})`, level: 'primary' } : text;
  }

  private operand(expr: Expr, around: Level, chains: boolean, like?: Signal): string {
    const { text, level } = this.isolated(expr, like);
    const plain = level === 'primary' || level === 'unary';
    return plain || (level === 'mul' && around === 'add') || (chains && level === around) ? text : `(${text})`;
  }

  private concat(expr: Concat): string {
    const parts: string[] = [];
    for (let i = 0; i < expr.parts.length; ) {
      const part = expr.parts[i];
      let copies = 1;
      while (i + copies < expr.parts.length && expr.parts[i + copies] === part) copies++;
      if (part) parts.push(copies === 1 ? this.inner(part) : `{${copies}{${this.inner(part)}}}`);
      i += copies;
    }
    const [only] = parts;
    return only !== undefined && parts.length === 1 ? only : `{${parts.join(', ')}}`;
  }

  /** A part of a concatenation, without braces of its own where they say nothing. */
  private inner(expr: Expr): string {
    const joins = expr.kind === 'extend' && !expr.signed && !this.names.has(expr);
    const text = this.value(expr);
    return joins ? text.slice(1, -1) : text;
  }

  private extend(expr: Extend): string {
    const { value, signed, width } = expr;
    const more = width - value.width;
    if (!signed) return `{${literal(more, 0n)}, ${this.concatInner(value)}}`;
    if (value.width === 1) return `{${width}{${this.value(value)}}}`;
    return `{{${more}{${this.part(value, value.width - 1, 1)}}}, ${this.value(value)}}`;
  }

  private concatInner(value: Expr): string {
    const text = this.value(value);
    const braces = value.kind === 'concat' && !this.names.has(value) && !/^\{\d+\{/.test(text);
    return braces ? text.slice(1, -1) : text;
  }

  /** `x[index]` or `x[index +: width]`. */
  private select({ left, right }: Binary, width: number): string {
    return `${this.part(left, 0, left.width)}[${this.index(right, width)}]`;
  }

  /** What stands between the brackets for `width` bits from one that a signal chooses upward. */
  index(first: Expr, width: number): string {
    return width === 1 ? this.value(first) : `${this.value(first)} +: ${width}`;
  }

  private memoryRead(expr: MemoryRead): Text {
    const { memory, address, width } = expr;
    const word = this.word(memory, address);
    if (!guarded(memory, address)) return { text: word, level: 'primary' };
    return { text: `(${this.inside(memory, address)}) ? ${word} : ${literal(width, 0n)}`, level: 'mux' };
  }
}
