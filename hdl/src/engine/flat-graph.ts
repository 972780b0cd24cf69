import type { Design, Module } from '../ir/ir.ts';
import { at } from './at.ts';
import { moduleGraph } from './drivers.ts';
import type { GraphNode, ModuleGraph } from './module-graph.ts';

/** One instance of the unfolded hierarchy. Node `i` of its module is the flat node `firstNode + i`. */
export interface FlatInstance {
  /** Path below the top module, empty for the top itself. */
  readonly path: string;
  readonly graph: ModuleGraph;
  readonly firstNode: number;
  /** `undefined` for the top. */
  readonly parent: { readonly instance: FlatInstance; readonly index: number } | undefined;
  readonly children: readonly FlatInstance[];
  /** Flat register number by signal index; -1 for other signals. */
  readonly registers: readonly number[];
  /** Flat number of the first memory. */
  readonly firstMemory: number;
}

export interface FlatRegister {
  readonly width: number;
  readonly init: bigint | undefined;
  /** Flat node of the value after the next edge. */
  readonly next: number;
}

/** A memory write; all numbers are flat. */
export interface FlatWrite {
  readonly memory: number;
  readonly enable: number | undefined;
  readonly address: number;
  readonly data: number;
  readonly mask: number | undefined;
}

export interface FlatMemory {
  readonly path: string;
  readonly width: number;
  readonly depth: number;
  readonly lane: number;
  /** The first words at the beginning; all others are 0. */
  readonly init: readonly bigint[] | undefined;
}

/** Longest chain of wires, slices and concatenations that a slice is followed through; the rest is found by the ordering. */
const FOLLOWED = 1000;

/** The whole design as one graph. */
export class FlatGraph {
  readonly top: FlatInstance;
  readonly instances: FlatInstance[] = [];
  readonly registers: FlatRegister[] = [];
  readonly memories: FlatMemory[] = [];
  readonly writes: FlatWrite[] = [];
  private readonly nodes: GraphNode[] = [];
  private readonly owners: (FlatInstance | undefined)[] = [];
  private readonly flatOperands: (readonly number[] | undefined)[];
  private readonly names = new Map<number, string>();

  constructor(design: Design) {
    const graphs = new Map<Module, ModuleGraph>();
    for (const module of design.modules) graphs.set(module, moduleGraph(module));
    this.top = this.unfold(design.top, '', undefined, graphs);
    // Filled in an order of its own: an array that grows here and there is slow.
    this.flatOperands = new Array<undefined>(this.nodes.length).fill(undefined);
  }

  get size(): number {
    return this.nodes.length;
  }

  private unfold(module: Module, path: string, parent: FlatInstance['parent'], graphs: Map<Module, ModuleGraph>): FlatInstance {
    const graph = graphs.get(module) ?? moduleGraph(module);
    const firstNode = this.nodes.length;
    const registers = module.signals.map((signal, index) => {
      if (signal.kind !== 'register') return -1;
      return this.registers.push({ width: signal.width, init: signal.init, next: firstNode + at(graph.drivers, index) }) - 1;
    });
    const below = path === '' ? '' : `${path}.`;
    const firstMemory = this.memories.length;
    const children: FlatInstance[] = [];
    const instance: FlatInstance = { path, graph, firstNode, parent, children, registers, firstMemory };
    this.instances.push(instance);
    for (const node of graph.nodes) {
      this.nodes.push(node);
      this.owners.push(instance);
    }
    for (const { name, width, depth, lane, init } of module.memories)
      this.memories.push({ path: below + name, width, depth, lane, init });
    const flat = (node: number | undefined) => (node === undefined ? undefined : node + firstNode);
    for (const { memory, enable, address, data, mask } of graph.writes)
      this.writes.push({
        memory: memory + firstMemory,
        enable: flat(enable),
        address: address + firstNode,
        data: data + firstNode,
        mask: flat(mask),
      });
    module.instances.forEach((child, index) => {
      children.push(this.unfold(child.module, below + child.name, { instance, index }, graphs));
    });
    return instance;
  }

  node(id: number): GraphNode {
    return at(this.nodes, id);
  }

  /** The instance that a node of a module belongs to; `undefined` for nodes that were added afterwards. */
  owner(id: number): FlatInstance | undefined {
    return this.owners[id];
  }

  /** Flat number of the register that a `register` node reads. */
  register(id: number): number {
    const node = this.node(id);
    return node.kind === 'register' ? at(this.owners[id]?.registers ?? [], node.signal) : -1;
  }

  /** Flat number of the memory that a `memory-read` node reads. */
  memory(id: number): number {
    const node = this.node(id);
    return node.kind === 'memory-read' ? (this.owners[id]?.firstMemory ?? 0) + node.memory : -1;
  }

  /** Flat node of the value of a signal of an instance; -1 for an input of the top. */
  signal(instance: FlatInstance, index: number): number {
    const driver = at(instance.graph.drivers, index);
    if (driver >= 0) return instance.firstNode + driver;
    const { parent } = instance;
    if (parent === undefined) return -1;
    return parent.instance.firstNode + at(at(parent.instance.graph.childInputs, parent.index), index);
  }

  /** The flat nodes that a node depends on combinationally. Inputs of the top and registers have none. */
  operands(id: number): readonly number[] {
    let operands = this.flatOperands[id];
    if (operands === undefined) {
      operands = this.resolve(id);
      this.flatOperands[id] = operands;
    }
    return operands;
  }

  private resolve(id: number): readonly number[] {
    const node = this.node(id);
    const owner = this.owners[id];
    if (owner === undefined) return node.operands;
    switch (node.kind) {
      case 'input': {
        const driver = this.signal(owner, node.signal);
        return driver < 0 ? [] : [driver];
      }
      case 'net':
        return [this.signal(owner, node.signal)];
      case 'child':
        return [this.signal(at(owner.children, node.instance), node.port)];
      case 'slice':
        return this.followSlice(id, owner.firstNode + at(node.operands, 0), node.low, node.width);
      default:
        return node.operands.map(operand => operand + owner.firstNode);
    }
  }

  /** Lets a slice read the part of a concatenation that it is about, so that it depends on nothing else. */
  private followSlice(id: number, from: number, fromLow: number, width: number): readonly number[] {
    let value = from;
    let low = fromLow;
    for (let step = 0; step < FOLLOWED; step++) {
      const node = this.node(value);
      if (node.kind === 'net' || node.kind === 'child' || node.kind === 'input') {
        const [source] = this.operands(value);
        if (source === undefined) break;
        value = source;
      } else if (node.kind === 'slice' && this.flatOperands[value] === undefined) {
        low += node.low;
        value = (this.owners[value]?.firstNode ?? 0) + at(node.operands, 0);
      } else if (node.kind === 'slice') {
        low += node.low;
        value = at(this.operands(value), 0);
      } else if (node.kind === 'extend' && low + width <= this.node(at(this.operands(value), 0)).width) {
        value = at(this.operands(value), 0);
      } else if (node.kind === 'concat') {
        const part = this.partWith(this.operands(value), low, width);
        if (part === undefined) break;
        value = part.node;
        low -= part.low;
      } else {
        break;
      }
    }
    this.nodes[id] = { kind: 'slice', width, operands: [], low };
    return [value];
  }

  private partWith(parts: readonly number[], low: number, width: number): { node: number; low: number } | undefined {
    let position = 0;
    for (let i = parts.length - 1; i >= 0; i--) {
      const node = at(parts, i);
      const end = position + this.node(node).width;
      if (low < end) return low + width <= end ? { node, low: position } : undefined;
      position = end;
    }
    return undefined;
  }

  /** Hierarchical name of the signal that a node stands for, from the top module's name on; `undefined` for expressions. */
  name(id: number): string | undefined {
    const node = this.node(id);
    const owner = this.owners[id];
    if (owner === undefined) return this.names.get(id);
    if (node.kind === 'child') return this.signalName(at(owner.children, node.instance), node.port);
    return node.kind === 'net' || node.kind === 'input' ? this.signalName(owner, node.signal) : undefined;
  }

  private signalName(instance: FlatInstance, index: number): string {
    const { name } = at(instance.graph.module.signals, index);
    return [this.top.graph.module.name, instance.path, name].filter(part => part !== '').join('.');
  }

  /** Adds a node whose operands are flat. */
  add(node: GraphNode): number {
    this.owners.push(undefined);
    return this.nodes.push(node) - 1;
  }

  /** Replaces a node by one whose operands are flat; `name` is what messages call it. */
  replace(id: number, node: GraphNode, name: string | undefined): void {
    if (name !== undefined) this.names.set(id, name);
    this.nodes[id] = node;
    this.owners[id] = undefined;
    this.flatOperands[id] = node.operands;
  }
}
