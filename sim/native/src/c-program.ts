import { type Item, type LimbGraph, limbBytes, Op, type PlacedMemory, strideOf, visit } from '@hdl/ts-hdl/engine';

/** What a piece of a program is written with. */
export interface CContext {
  readonly limbs: LimbGraph;
  /** By node: whether it has a variable. */
  readonly kept: Uint8Array;
  /** By node: where its value is for other functions; -1: nowhere. */
  readonly spills: Int32Array;
  readonly memories: readonly PlacedMemory[];
  /** The C name of a function of the program. */
  readonly nameOf: (target: Item & { kind: 'call' }) => string;
  readonly watching?: CWatching;
}

/** What is done about changes. */
export interface CWatching {
  /** Number of the effect of a change, by what changes; -1: none. */
  readonly effectOf: (source: number) => number;
  /** The statements of an effect. */
  readonly effect: (effect: number) => string;
  /** The statements that make the function run again in the next cycle. */
  readonly again: string;
}

const bitsOf = (bytes: number) => 8 * bytes;

/** A load of `bytes` bytes at an address of the machine's memory `m`. */
export const load = (bytes: number, address: number | string): string => `L${bitsOf(bytes)}(${address})`;

/** A store of the low bytes of a value. */
export const store = (bytes: number, address: number | string, value: string): string =>
  `S${bitsOf(bytes)}(${address}, ${value});`;

/** A 64-bit constant. */
export const literal = (value: bigint): string => `0x${BigInt.asUintN(64, value).toString(16)}ull`;

/** The lines that every file of a model begins with. */
export const prelude = `#include <stdint.h>
#include <string.h>
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
#define L8(a) ((u32)*(const u8*)(m + (a)))
#define L16(a) ((u32)*(const u16*)(m + (a)))
#define L32(a) (*(const u32*)(m + (a)))
#define L64(a) (*(const u64*)(m + (a)))
#define S8(a, v) (*(u8*)(m + (a)) = (u8)(v))
#define S16(a, v) (*(u16*)(m + (a)) = (u16)(v))
#define S32(a, v) (*(u32*)(m + (a)) = (u32)(v))
#define S64(a, v) (*(u64*)(m + (a)) = (u64)(v))
`;

/** Writes one function: a value is a u32 up to 32 bits, else a u64; bits above its width are 0. */
export class CFunction {
  private readonly context: CContext;
  private readonly g: LimbGraph;
  private readonly lines: string[] = [];
  /** Nodes whose variable has their value here. */
  private readonly valid = new Set<number>();
  private readonly scopes: number[][] = [[]];
  private readonly assigned = new Map<number, number>();
  /** Members of the branches that are written here. */
  private readonly declared = new Set<number>();
  private readonly effects = new Set<number>();
  private observes = false;

  constructor(context: CContext) {
    this.context = context;
    this.g = context.limbs;
  }

  /** The body of a function that does `items`. */
  body(items: readonly Item[]): string {
    this.items(items);
    const { watching } = this.context;
    const before = [...this.effects].map(effect => `u64 c${effect} = 0;`);
    if (this.observes) before.push('int again = 0;');
    const after = [...this.effects].map(effect => `if (c${effect}) { ${watching?.effect(effect)} }`);
    if (this.observes) after.push(`if (again) { ${watching?.again} }`);
    return [...before, ...this.lines, ...after].join('\n');
  }

  private type(node: number): 'u32' | 'u64' {
    return this.g.width(node) <= 32 ? 'u32' : 'u64';
  }

  private becomesValid(node: number): void {
    this.valid.add(node);
    this.scopes[this.scopes.length - 1]?.push(node);
  }

  private spill(node: number): void {
    const address = this.context.spills[node] ?? -1;
    if (address >= 0) this.lines.push(store(this.type(node) === 'u32' ? 4 : 8, address, `n${node}`));
  }

  private arm(items: readonly Item[]): void {
    this.scopes.push([]);
    this.items(items);
    for (const node of this.scopes.pop() ?? []) this.valid.delete(node);
  }

  private items(items: readonly Item[]): void {
    for (const item of items) this.item(item);
  }

  private item(item: Item): void {
    const { lines } = this;
    switch (item.kind) {
      case 'define':
        lines.push(`const ${this.type(item.node)} n${item.node} = ${this.operation(item.node)};`);
        this.spill(item.node);
        this.becomesValid(item.node);
        break;
      case 'assign':
        // Where an arm is a function of its own, the variable is that of the caller, which takes the value from its place.
        lines.push(
          `${this.declared.has(item.member) ? '' : `const ${this.type(item.member)} `}n${item.member} = ${this.value(item.value, this.type(item.member))};`,
        );
        this.spill(item.member);
        this.assigned.set(item.member, (this.assigned.get(item.member) ?? 0) + 1);
        break;
      case 'store':
        this.store(item);
        break;
      case 'branch': {
        for (const member of item.members) {
          lines.push(`${this.type(member)} n${member};`);
          this.declared.add(member);
        }
        lines.push(`if (${this.value(item.condition, 'u32')}) {`);
        this.arm(item.whenTrue);
        if (item.whenFalse.length > 0) {
          lines.push('} else {');
          this.arm(item.whenFalse);
        }
        lines.push('}');
        // A member that a called function assigns is in its place.
        for (const member of item.members) if (this.assigned.get(member) === 2) this.becomesValid(member);
        break;
      }
      case 'call':
        lines.push(`${this.context.nameOf(item)}(m);`);
    }
  }

  private store({ address, width, value, watch }: Item & { kind: 'store' }): void {
    const { lines } = this;
    const type = width <= 32 ? 'u32' : 'u64';
    const bytes = limbBytes(width);
    const effect = watch === undefined ? -1 : (this.context.watching?.effectOf(watch.source) ?? -1);
    if (watch === undefined || effect < 0) {
      lines.push(store(bytes, address, this.value(value, type)));
      return;
    }
    this.effects.add(effect);
    lines.push(`{ const ${type} v = ${this.value(value, type)}; c${effect} |= v ^ ${load(bytes, watch.before)};`);
    lines.push(`${store(bytes, address, 'v')} }`);
  }

  /** The value of a node; in a narrower type only its low bits. */
  private value(node: number, type: 'u32' | 'u64'): string {
    const { g } = this;
    const constant = g.constantValue(node);
    if (constant !== undefined) return type === 'u32' ? `${BigInt.asUintN(32, constant)}u` : literal(constant);
    const text = this.expression(node);
    return this.type(node) === type ? text : `(${type})${text}`;
  }

  private expression(node: number): string {
    if (this.valid.has(node)) return `n${node}`;
    if (this.context.kept[node] === 0) return `(${this.operation(node)})`;
    return load(this.type(node) === 'u32' ? 4 : 8, this.context.spills[node] ?? -1);
  }

  private masked(text: string, width: number, type: 'u32' | 'u64'): string {
    if (width >= (type === 'u32' ? 32 : 64)) return text;
    const ones = (1n << BigInt(width)) - 1n;
    return `(${text}) & ${type === 'u32' ? `${ones}u` : literal(ones)}`;
  }

  /** Computes a node, in its own type. */
  private operation(node: number): string {
    const { g } = this;
    const own = this.type(node);
    const [a, b, c] = [g.a(node), g.b(node), g.c(node)];
    const width = g.width(node);
    const both = (operator: string) => `${this.value(a, own)} ${operator} ${this.value(b, own)}`;
    const wider = this.g.width(a) > 32 ? 'u64' : 'u32';
    switch (g.op(node)) {
      case Op.Const:
        return this.value(node, own);
      case Op.Load:
        return load(limbBytes(width), a);
      case Op.Observe:
        this.observes = true;
        return `again = 1, ${load(limbBytes(width), a)}`;
      case Op.Read: {
        const memory = this.context.memories[b];
        if (memory === undefined) throw new RangeError(`there is no memory ${b}`);
        return load(limbBytes(width), `${memory.base + 8 * c} + (u64)${this.value(a, 'u32')} * ${strideOf(memory.width)}`);
      }
      case Op.And:
        return both('&');
      case Op.Or:
        return both('|');
      case Op.Xor:
        return both('^');
      case Op.Add:
        return Math.max(g.width(a), g.width(b)) + 1 > width ? this.masked(both('+'), width, own) : both('+');
      case Op.Sub:
        return this.masked(both('-'), width, own);
      case Op.Mul:
        return g.width(a) + g.width(b) > width ? this.masked(both('*'), width, own) : both('*');
      case Op.Shl:
        return `${this.value(a, own)} << ${b}`;
      case Op.Shr:
        return `(${own})(${this.value(a, wider)} >> ${b})`;
      case Op.ShlBy:
        return this.masked(`${this.value(a, own)} << ${this.value(b, 'u32')}`, width, own);
      case Op.ShrBy:
        return `(${own})(${this.value(a, c === 64 ? 'u64' : 'u32')} >> ${this.value(b, 'u32')})`;
      case Op.SarBy: {
        const signed = own === 'u32' ? 'int32_t' : 'int64_t';
        const unused = (own === 'u32' ? 32 : 64) - width;
        const extended = `(${signed})(${this.value(a, own)} << ${unused}) >> ${unused} >> ${this.value(b, 'u32')}`;
        return this.masked(`(${own})(${extended})`, width, own);
      }
      case Op.Eq:
        return this.comparison('==', a, b);
      case Op.Ne:
        return this.comparison('!=', a, b);
      case Op.Ltu:
        return this.comparison('<', a, b);
      case Op.Geu:
        return this.comparison('>=', a, b);
      case Op.Select:
        return `${this.value(a, 'u32')} ? ${this.value(b, own)} : ${this.value(c, own)}`;
      case Op.Parity:
        return `(u32)__builtin_parityll(${this.value(a, 'u64')})`;
    }
  }

  private comparison(operator: string, left: number, right: number): string {
    const type = this.g.width(left) > 32 || this.g.width(right) > 32 ? 'u64' : 'u32';
    return `(u32)(${this.value(left, type)} ${operator} ${this.value(right, type)})`;
  }
}

/** Operations of a list of items, about: how long its text is. */
export function sizeOf(items: readonly Item[]): number {
  let count = 0;
  visit(items, () => count++);
  return count;
}
