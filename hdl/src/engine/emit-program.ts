import { at } from './at.ts';
import { type Layout, limbBytes, strideOf } from './layout.ts';
import { type LimbGraph, Op } from './limb-graph.ts';
import type { Item, ProgramFunction } from './program.ts';
import type { Program } from './schedule.ts';
import { ByteWriter, Code, type FunctionCode, I32, I64, Signature } from './wasm-encoder.ts';

/** Where a memory's words are. */
export interface PlacedMemory {
  readonly base: number;
  readonly width: number;
}

/** Calls `see` for each item, those in branches included. */
export function visit(items: readonly Item[], see: (item: Item) => void): void {
  for (const item of items) {
    see(item);
    if (item.kind !== 'branch') continue;
    visit(item.whenTrue, see);
    visit(item.whenFalse, see);
  }
}

/** Calls `see` for each use of a node by an item, through the nodes that are computed where they are used. */
export function visitUses(g: LimbGraph, kept: Uint8Array, item: Item, see: (node: number) => void): void {
  switch (item.kind) {
    case 'define':
      for (let i = g.operandCount(item.node) - 1; i >= 0; i--) visitTree(g, kept, g.operand(item.node, i), see);
      break;
    case 'assign':
    case 'store':
      visitTree(g, kept, item.value, see);
      break;
    case 'branch':
      visitTree(g, kept, item.condition, see);
  }
}

function visitTree(g: LimbGraph, kept: Uint8Array, node: number, see: (node: number) => void): void {
  if (g.op(node) === Op.Const) return;
  see(node);
  if (kept[node] === 1) return;
  for (let i = g.operandCount(node) - 1; i >= 0; i--) visitTree(g, kept, g.operand(node, i), see);
}

/** Reserves a place for each kept node that one function computes and another uses. @returns addresses by node, -1 for no place. */
export function placeSpills(g: LimbGraph, program: Program, layout: Layout): Int32Array {
  const home = new Int32Array(g.size).fill(-1);
  const spills = new Int32Array(g.size).fill(-1);
  const spill = (node: number) => {
    if (spills[node] !== -1) return;
    const bytes = g.width(node) > 32 ? 8 : 4;
    spills[node] = layout.reserve(bytes, bytes);
  };
  const defines = (node: number, index: number) => {
    if (home[node] !== -1 && home[node] !== index) spill(node);
    home[node] = index;
  };
  program.functions.forEach(({ items }, index) => {
    visit(items, item => {
      if (item.kind === 'define') defines(item.node, index);
      if (item.kind === 'assign') defines(item.member, index);
    });
  });
  program.functions.forEach(({ items }, index) => {
    visit(items, item => {
      visitUses(g, program.kept, item, node => {
        if (program.kept[node] === 1 && home[node] !== index) spill(node);
      });
    });
  });
  return spills;
}

/** What the functions of a program are emitted with. */
export interface EmitContext {
  readonly limbs: LimbGraph;
  readonly kept: Uint8Array;
  readonly spills: Int32Array;
  readonly memories: readonly PlacedMemory[];
  /** Index of a function that has been emitted. */
  readonly indexOf: (target: ProgramFunction) => number;
  readonly watching?: Watching;
}

/** What is done about changes. Stores that have an effect in common are told apart no further. */
export interface Watching {
  /** Number of the effect of a change, by what changes; -1: none. */
  readonly effectOf: (source: number) => number;
  /** Writes the code of an effect. */
  readonly effect: (effect: number, out: ByteWriter) => void;
  /** Writes what makes this function run again in the next cycle. */
  readonly again: (out: ByteWriter) => void;
}

/** Emits one function. A value is on the stack in the type of its width: i32 up to 32 bits, else i64; bits above the width are 0. */
class FunctionEmitter {
  private readonly context: EmitContext;
  private readonly g: LimbGraph;
  private readonly out = new ByteWriter();
  private readonly locals: number[] = [];
  private readonly localOf = new Map<number, number>();
  /** Nodes whose local has their value here, and how many uses are still to come in this function. */
  private readonly valid = new Set<number>();
  private readonly usesLeft = new Map<number, number>();
  /** Nodes that became valid in each open arm. */
  private readonly scopes: number[][] = [[]];
  /** Locals that collect the changes of an effect, one of each type. */
  private readonly changes = new Map<number, number>();
  private readonly scratch = new Map<number, number>();
  /** Assignments to members that this function has done. */
  private readonly assigned = new Map<number, number>();

  constructor(context: EmitContext) {
    this.context = context;
    this.g = context.limbs;
  }

  emit(items: readonly Item[]): FunctionCode {
    visit(items, item => {
      visitUses(this.g, this.context.kept, item, node => {
        this.usesLeft.set(node, (this.usesLeft.get(node) ?? 0) + 1);
      });
    });
    this.items(items);
    this.effects();
    return { signature: Signature.run, locals: this.locals, code: this.out.bytes };
  }

  /** Adds the change that a store makes to those of its effect; the value to store is on the stack and stays there. */
  private compare(before: number, effect: number, type: number, width: number): void {
    const { out } = this;
    const is64 = type === I32 ? 0 : 1;
    const temporary = this.once(this.scratch, type, type);
    const changes = this.once(this.changes, 2 * effect + is64, type);
    out.localTee(temporary);
    out.i32(0);
    out.load(type, limbBytes(width), before);
    out.byte(Code.xor[is64]);
    out.localGet(changes);
    out.byte(Code.or[is64]);
    out.localSet(changes);
    out.localGet(temporary);
  }

  private once(locals: Map<number, number>, key: number, type: number): number {
    let index = locals.get(key);
    if (index === undefined) {
      index = this.locals.push(type) - 1;
      locals.set(key, index);
    }
    return index;
  }

  private effects(): void {
    const { out } = this;
    for (const effect of new Set([...this.changes.keys()].map(key => key >> 1))) {
      const narrow = this.changes.get(2 * effect);
      const wide = this.changes.get(2 * effect + 1);
      if (narrow !== undefined) out.localGet(narrow);
      if (wide !== undefined) {
        out.localGet(wide);
        out.i64(0, 0);
        out.byte(Code.ne[1]);
        if (narrow !== undefined) out.byte(Code.or[0]);
      }
      out.open(Code.if);
      this.context.watching?.effect(effect, out);
      out.byte(Code.end);
    }
  }

  private type(node: number): number {
    return this.g.width(node) <= 32 ? I32 : I64;
  }

  private local(node: number): number {
    let index = this.localOf.get(node);
    if (index === undefined) {
      index = this.locals.push(this.type(node)) - 1;
      this.localOf.set(node, index);
    }
    return index;
  }

  private becomesValid(node: number): void {
    this.valid.add(node);
    this.scopes[this.scopes.length - 1]?.push(node);
  }

  private convert(from: number, to: number): void {
    if (from !== to) this.out.byte(to === I64 ? Code.extend : Code.wrap);
  }

  /** Keeps the value on the stack in the node's local, and in its place if another function needs it. */
  private keep(node: number): void {
    this.out.localSet(this.local(node));
    const spill = at(this.context.spills, node);
    if (spill < 0) return;
    this.out.i32(0);
    this.out.localGet(this.local(node));
    this.out.store(this.type(node), this.type(node) === I32 ? 4 : 8, spill);
  }

  private arm(items: readonly Item[]): void {
    this.scopes.push([]);
    this.items(items);
    for (const node of this.scopes.pop() ?? []) this.valid.delete(node);
  }

  private items(items: readonly Item[]): void {
    const { out } = this;
    for (const item of items) {
      switch (item.kind) {
        case 'define':
          this.operation(item.node, this.type(item.node));
          this.keep(item.node);
          this.becomesValid(item.node);
          break;
        case 'assign':
          this.value(item.value, this.type(item.member));
          this.keep(item.member);
          this.assigned.set(item.member, (this.assigned.get(item.member) ?? 0) + 1);
          break;
        case 'store': {
          const type = item.width <= 32 ? I32 : I64;
          const { watch } = item;
          const effect = watch === undefined ? -1 : (this.context.watching?.effectOf(watch.source) ?? -1);
          out.i32(0);
          this.value(item.value, type);
          if (watch !== undefined && effect >= 0) this.compare(watch.before, effect, type, item.width);
          out.store(type, limbBytes(item.width), item.address);
          break;
        }
        case 'branch': {
          this.value(item.condition, I32);
          const negated = item.whenTrue.length === 0;
          if (negated) out.byte(Code.eqz[0]);
          out.open(Code.if);
          this.arm(negated ? item.whenFalse : item.whenTrue);
          if (!negated && item.whenFalse.length > 0) {
            out.byte(Code.else);
            this.arm(item.whenFalse);
          }
          out.byte(Code.end);
          for (const member of item.members) if (this.assigned.get(member) === 2) this.becomesValid(member);
          break;
        }
        case 'call':
          out.call(this.context.indexOf(item.target));
      }
    }
  }

  /** Puts the value of a node on the stack; in a narrower type only its low bits. */
  private value(node: number, type: number): void {
    const { g, out } = this;
    if (g.op(node) === Op.Const) {
      if (type === I32) out.i32(g.a(node));
      else out.i64(g.a(node), g.b(node));
      return;
    }
    const own = this.type(node);
    const left = (this.usesLeft.get(node) ?? 1) - 1;
    this.usesLeft.set(node, left);
    if (this.valid.has(node)) {
      out.localGet(this.local(node));
      this.convert(own, type);
      return;
    }
    if (left === 0) {
      this.compute(node, type);
      return;
    }
    this.compute(node, own);
    out.localTee(this.local(node));
    this.becomesValid(node);
    this.convert(own, type);
  }

  private compute(node: number, type: number): void {
    if (this.context.kept[node] === 0) {
      this.operation(node, type);
      return;
    }
    const bytes = this.type(node) === I32 ? 4 : 8;
    this.out.i32(0);
    this.out.load(bytes === 8 ? I64 : type, bytes, at(this.context.spills, node));
    if (bytes === 8) this.convert(I64, type);
  }

  /** Masks a result of type `type` to the node's width. */
  private mask(width: number, type: number): void {
    if (width >= (type === I32 ? 32 : 64)) return;
    const ones = (1n << BigInt(width)) - 1n;
    this.literal(ones, type);
    this.out.byte(Code.and[type === I32 ? 0 : 1]);
  }

  private literal(value: bigint, type: number): void {
    if (type === I32) this.out.i32(Number(BigInt.asIntN(32, value)));
    else this.out.i64(Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
  }

  private operation(node: number, type: number): void {
    const { g, out } = this;
    const own = this.type(node);
    const is64 = own === I32 ? 0 : 1;
    const [a, b, c] = [g.a(node), g.b(node), g.c(node)];
    const width = g.width(node);
    switch (g.op(node)) {
      case Op.Const:
        break;
      case Op.Load:
      case Op.Observe: {
        if (g.op(node) === Op.Observe) this.context.watching?.again(out);
        const bytes = limbBytes(width);
        out.i32(0);
        out.load(bytes === 8 ? I64 : type, bytes, a);
        if (bytes === 8) this.convert(I64, type);
        return;
      }
      case Op.Read: {
        const { base, width: word } = at(this.context.memories, b);
        const stride = strideOf(word);
        this.value(a, I32);
        out.i32(Number.isInteger(Math.log2(stride)) ? Math.log2(stride) : stride);
        out.byte(Number.isInteger(Math.log2(stride)) ? Code.shl[0] : Code.mul[0]);
        out.load(own, limbBytes(width), base + 8 * c);
        break;
      }
      case Op.And:
        this.value(a, own);
        if (g.op(b) === Op.Const && width === 32 && g.a(b) === -1 && own === I32) break;
        this.value(b, own);
        out.byte(Code.and[is64]);
        break;
      case Op.Or:
        this.binary(a, b, own, Code.or[is64]);
        break;
      case Op.Xor:
        this.binary(a, b, own, Code.xor[is64]);
        break;
      case Op.Add:
        this.binary(a, b, own, Code.add[is64]);
        if (Math.max(g.width(a), g.width(b)) + 1 > width) this.mask(width, own);
        break;
      case Op.Sub:
        this.binary(a, b, own, Code.sub[is64]);
        this.mask(width, own);
        break;
      case Op.Mul:
        this.binary(a, b, own, Code.mul[is64]);
        if (g.width(a) + g.width(b) > width) this.mask(width, own);
        break;
      case Op.Shl:
        this.value(a, own);
        this.literal(BigInt(b), own);
        out.byte(Code.shl[is64]);
        break;
      case Op.Shr: {
        const wide = this.type(a);
        this.value(a, wide);
        this.literal(BigInt(b), wide);
        out.byte(Code.shrUnsigned[wide === I32 ? 0 : 1]);
        this.convert(wide, type);
        return;
      }
      case Op.ShlBy:
        this.binary(a, b, own, Code.shl[is64]);
        this.mask(width, own);
        break;
      case Op.ShrBy: {
        const wide = c === 64 ? I64 : I32;
        this.binary(a, b, wide, Code.shrUnsigned[wide === I32 ? 0 : 1]);
        this.convert(wide, type);
        return;
      }
      case Op.SarBy: {
        const unused = BigInt((own === I32 ? 32 : 64) - width);
        this.value(a, own);
        if (unused > 0n) {
          this.literal(unused, own);
          out.byte(Code.shl[is64]);
          this.literal(unused, own);
          out.byte(Code.shrSigned[is64]);
        }
        this.value(b, own);
        out.byte(Code.shrSigned[is64]);
        this.mask(width, own);
        break;
      }
      case Op.Eq:
      case Op.Ne:
      case Op.Ltu:
      case Op.Geu:
        this.comparison(g.op(node), a, b, g.width(a) > 32 || g.width(b) > 32 ? I64 : I32);
        break;
      case Op.Select:
        this.value(b, own);
        this.value(c, own);
        this.value(a, I32);
        out.byte(Code.select);
        break;
      case Op.Parity: {
        const wide = this.type(a);
        this.value(a, wide);
        out.byte(Code.popcnt[wide === I32 ? 0 : 1]);
        this.convert(wide, I32);
        out.i32(1);
        out.byte(Code.and[0]);
        break;
      }
    }
    this.convert(own, type);
  }

  private binary(left: number, right: number, type: number, code: number): void {
    this.value(left, type);
    this.value(right, type);
    this.out.byte(code);
  }

  private comparison(op: Op, left: number, right: number, type: number): void {
    const is64 = type === I32 ? 0 : 1;
    this.value(left, type);
    if (op === Op.Eq && this.g.isConstant(right, 0)) {
      this.out.byte(Code.eqz[is64]);
      return;
    }
    this.value(right, type);
    const codes = op === Op.Eq ? Code.eq : op === Op.Ne ? Code.ne : op === Op.Ltu ? Code.ltu : Code.geu;
    this.out.byte(codes[is64]);
  }
}

/** Emits one function of a program. */
export function emitFunction(context: EmitContext, items: readonly Item[]): FunctionCode {
  return new FunctionEmitter(context).emit(items);
}
