import { at } from './at.ts';
import type { FlatGraph, FlatWrite } from './flat-graph.ts';
import type { Layout } from './layout.ts';
import {
  add,
  all,
  any,
  concat,
  constant,
  eq,
  extend,
  type Limbs,
  lessThan,
  limbCount,
  limbWidth,
  mul,
  parity,
  select,
  shl,
  shr,
  slice,
  sub,
} from './limb-arithmetic.ts';
import { LimbGraph } from './limb-graph.ts';
import type { GraphNode } from './module-graph.ts';
import type { Root, WritePort } from './program.ts';
import type { State } from './state.ts';

/** Bits that number `depth` words; 0 for a single word. */
function indexBits(depth: number): number {
  return 32 - Math.clz32(depth - 1);
}

/** Lowers the flat graph to limbs and gives the roots of the engine's programs. */
export class Lowering {
  readonly limbs = new LimbGraph();
  private readonly graph: FlatGraph;
  private readonly state: State;
  private readonly values: (Limbs | undefined)[];

  /** `nodes`: everything that is needed, operands first. */
  constructor(graph: FlatGraph, nodes: readonly number[], state: State) {
    this.graph = graph;
    this.state = state;
    // Filled in an order of its own: an array that grows here and there is slow.
    this.values = new Array<undefined>(graph.size).fill(undefined);
    for (const id of nodes) this.values[id] = this.lower(id);
  }

  private value(id: number): Limbs {
    return this.values[id] as Limbs;
  }

  private load(address: number, width: number): Limbs {
    return Array.from({ length: limbCount(width) }, (_, i) => this.limbs.load(address + 8 * i, limbWidth(width, i)));
  }

  private lower(id: number): Limbs {
    const g = this.limbs;
    const node = this.graph.node(id);
    const { width } = node;
    const operands = this.graph.operands(id);
    switch (node.kind) {
      case 'const':
        return constant(g, width, node.value);
      case 'register':
        return this.load(at(this.state.registers, this.graph.register(id)), width);
      case 'input':
      case 'net':
      case 'child':
        return operands.length > 0
          ? this.value(at(operands, 0))
          : this.load(at(this.state.ports, 'signal' in node ? node.signal : -1), width);
      case 'unary':
        return this.unary(node, this.value(at(operands, 0)), this.graph.node(at(operands, 0)).width);
      case 'binary':
        return this.binary(node, this.value(at(operands, 0)), this.value(at(operands, 1)), operands);
      case 'mux':
        return select(g, at(this.value(at(operands, 0)), 0), this.value(at(operands, 1)), this.value(at(operands, 2)));
      case 'concat':
        return concat(
          g,
          operands.map(part => ({ limbs: this.value(part), width: this.graph.node(part).width })),
        );
      case 'slice':
        return slice(g, this.value(at(operands, 0)), node.low, width);
      case 'extend':
        return extend(g, this.value(at(operands, 0)), this.graph.node(at(operands, 0)).width, width, node.signed);
      case 'memory-read': {
        const memory = this.graph.memory(id);
        const { index, valid } = this.word(memory, at(operands, 0));
        const zero = g.constant(0n);
        return Array.from({ length: limbCount(width) }, (_, i) =>
          g.select(valid, g.read(index, memory, i, limbWidth(width, i)), zero),
        );
      }
    }
  }

  private unary(node: GraphNode & { kind: 'unary' }, value: Limbs, width: number): Limbs {
    const g = this.limbs;
    switch (node.op) {
      case 'not':
        return value.map((limb, i) => g.not(limb, limbWidth(width, i)));
      case 'reduce_and':
        return [all(g, value, width)];
      case 'reduce_or':
        return [any(g, value)];
      case 'reduce_xor':
        return [parity(g, value)];
    }
  }

  private binary(node: GraphNode & { kind: 'binary' }, left: Limbs, right: Limbs, operands: readonly number[]): Limbs {
    const g = this.limbs;
    const { signed } = node;
    const width = this.graph.node(at(operands, 0)).width;
    const amountWidth = this.graph.node(at(operands, 1)).width;
    switch (node.op) {
      case 'add':
        return add(g, left, right, width);
      case 'sub':
        return sub(g, left, right, width);
      case 'mul':
        return mul(g, left, right, width);
      case 'and':
        return left.map((limb, i) => g.and(limb, at(right, i)));
      case 'or':
        return left.map((limb, i) => g.or(limb, at(right, i)));
      case 'xor':
        return left.map((limb, i) => g.xor(limb, at(right, i)));
      case 'eq':
        return [eq(g, left, right)];
      case 'ne':
        return [g.not(eq(g, left, right), 1)];
      case 'lt':
        return [lessThan(g, left, right, width, signed)];
      case 'gt':
        return [lessThan(g, right, left, width, signed)];
      case 'le':
        return [g.not(lessThan(g, right, left, width, signed), 1)];
      case 'ge':
        return [g.not(lessThan(g, left, right, width, signed), 1)];
      case 'shl':
        return shl(g, left, width, right, amountWidth);
      case 'shr':
        return shr(g, left, width, right, amountWidth, signed);
    }
  }

  /** The number of the word that an address means, and whether there is one. */
  private word(memory: number, address: number): { index: number; valid: number } {
    const g = this.limbs;
    const { depth } = at(this.graph.memories, memory);
    const { width } = this.graph.node(address);
    const limbs = this.value(address);
    const bits = indexBits(depth);
    const index = bits === 0 ? g.constant(0n) : g.extract(at(limbs, 0), 0, bits);
    const beyond = width > bits ? any(g, slice(g, limbs, bits, width - bits)) : g.constant(0n);
    const below = depth < 2 ** Math.min(bits, width) ? g.ltu(index, g.constant(BigInt(depth))) : g.constant(1n);
    return { index, valid: g.and(g.not(beyond, 1), below) };
  }

  private storesOf(address: number, width: number, limbs: Limbs): Root[] {
    return limbs.map((value, i) => ({ guard: -1, address: address + 8 * i, width: limbWidth(width, i), value, hold: -1 }));
  }

  /** Stores of the value of a node, limb by limb. */
  stores(address: number, id: number): Root[] {
    return this.storesOf(address, this.graph.node(id).width, this.value(id));
  }

  /** Stores of the value of a register before the edge. */
  currentStores(address: number, register: number): Root[] {
    const { width } = at(this.graph.registers, register);
    return this.storesOf(address, width, this.load(at(this.state.registers, register), width));
  }

  /** Stores of the next value of a register. */
  registerStores(register: number): Root[] {
    const { width, next } = at(this.graph.registers, register);
    const address = at(this.state.registers, register);
    const hold = this.load(address, width);
    return this.stores(address + this.state.shadow, next)
      .map((root, i) => ({ ...root, hold: at(hold, i) }))
      .filter(root => root.value !== root.hold);
  }

  /** Stores of the reset value of a register; none if it has no reset. */
  resetStores(register: number): Root[] {
    const { width, init } = at(this.graph.registers, register);
    if (init === undefined) return [];
    const address = at(this.state.registers, register) + this.state.shadow;
    return this.storesOf(address, width, constant(this.limbs, width, init));
  }

  /** The staging area of a memory write and the stores that fill it, the flag's first; `undefined` if the write can never happen. */
  write({ memory, enable, address, data, mask }: FlatWrite, layout: Layout): { port: WritePort; roots: Root[] } | undefined {
    const g = this.limbs;
    const { width, lane } = at(this.graph.memories, memory);
    const { index, valid } = this.word(memory, address);
    const lanes = width / lane;
    const enabled = enable === undefined ? valid : g.and(at(this.value(enable), 0), valid);
    const guard = mask !== undefined && lanes === 1 ? g.and(enabled, at(this.value(mask), 0)) : enabled;
    if (g.isConstant(guard, 0)) return undefined;
    const area = (bits: number) => layout.reserve(8 * limbCount(bits), 8);
    const port: WritePort = {
      memory,
      data: area(width),
      mask: mask === undefined || lanes === 1 ? undefined : area(lanes),
      index: layout.reserve(4, 4),
      flag: layout.reserve(1, 1),
    };
    const roots = [
      { address: port.flag, width: 1, value: g.constant(1n) },
      { address: port.index, width: 32, value: index },
      ...this.value(data).map((value, i) => ({ address: port.data + 8 * i, width: 64, value })),
    ];
    if (mask !== undefined && port.mask !== undefined)
      for (const [i, value] of this.value(mask).entries()) roots.push({ address: port.mask + 8 * i, width: 64, value });
    const always = g.isConstant(guard, 1);
    return { port, roots: roots.map(root => ({ ...root, guard: always ? -1 : guard, hold: -1 })) };
  }
}
