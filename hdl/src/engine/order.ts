import { at } from './at.ts';
import { splitIntoBits } from './bit-split.ts';
import type { FlatGraph } from './flat-graph.ts';
import { SimulationError } from './simulation.ts';

/** What lives, in an order in which every node comes after its operands. */
export interface Order {
  readonly nodes: readonly number[];
  /** Flat numbers of the registers that the roots depend on, directly or through other registers. */
  readonly registers: readonly number[];
}

/**
 * Orders everything that `roots` and the next values of `registers` depend on. A loop through different bits of the same words is resolved by splitting those words.
 * @throws SimulationError if values depend on themselves combinationally; the message has the path.
 */
export function order(graph: FlatGraph, roots: readonly number[], registers: readonly number[] = []): Order {
  for (;;) {
    const { loops, ...result } = components(graph, roots, registers);
    if (loops.length === 0) return result;
    for (const loop of loops)
      if (!splitIntoBits(graph, loop))
        throw new SimulationError(
          `The design has a combinational loop: ${loopPath(graph, loop)}. ` +
            'A value depends on itself within one cycle; put a register into the path.',
        );
  }
}

/** Tarjan's algorithm without recursion: strongly connected components come out operands first. */
function components(graph: FlatGraph, roots: readonly number[], asked: readonly number[]): Order & { loops: number[][] } {
  const index = new Int32Array(graph.size);
  const lowest = new Int32Array(graph.size);
  const open = new Uint8Array(graph.size);
  const registerSeen = new Uint8Array(graph.registers.length);
  const registers: number[] = [];
  const nodes: number[] = [];
  const loops: number[][] = [];
  const pending = [...roots];
  const component: number[] = [];
  const frames: number[] = [];
  const positions: number[] = [];
  let count = 0;

  const need = (register: number) => {
    if (registerSeen[register] === 1) return;
    registerSeen[register] = 1;
    registers.push(register);
    pending.push(at(graph.registers, register).next);
  };

  const enter = (id: number) => {
    count++;
    index[id] = count;
    lowest[id] = count;
    open[id] = 1;
    component.push(id);
    frames.push(id);
    positions.push(0);
    const register = graph.register(id);
    if (register >= 0) need(register);
  };

  const leave = (id: number) => {
    frames.pop();
    positions.pop();
    const caller = frames[frames.length - 1];
    if (caller !== undefined) lowest[caller] = Math.min(lowest[caller] as number, lowest[id] as number);
    if (lowest[id] !== index[id]) return;
    const members = component.splice(component.lastIndexOf(id));
    for (const member of members) open[member] = 0;
    if (members.length > 1 || graph.operands(id).includes(id)) loops.push(members);
    else nodes.push(id);
  };

  for (const register of asked) need(register);
  for (let root = 0; root < pending.length; root++) {
    if (index[pending[root] as number] !== 0) continue;
    enter(pending[root] as number);
    while (frames.length > 0) {
      const id = frames[frames.length - 1] as number;
      const position = positions[positions.length - 1] as number;
      const operands = graph.operands(id);
      const operand = operands[position];
      if (operand === undefined) {
        leave(id);
        continue;
      }
      positions[positions.length - 1] = position + 1;
      if (index[operand] === 0) enter(operand);
      else if (open[operand] === 1) lowest[id] = Math.min(lowest[id] as number, index[operand] as number);
    }
  }
  return { nodes, registers, loops };
}

/** The signals along one cycle inside a strongly connected component. */
function loopPath(graph: FlatGraph, loop: readonly number[]): string {
  const members = new Set(loop);
  const seen = new Map<number, number>();
  const path: number[] = [];
  let id = at(loop, 0);
  while (!seen.has(id)) {
    seen.set(id, path.length);
    path.push(id);
    id = graph.operands(id).find(operand => members.has(operand)) ?? id;
  }
  const names = path.slice(seen.get(id)).flatMap(member => graph.name(member) ?? []);
  const distinct = names.filter((name, i) => name !== names[i - 1]).reverse();
  return [...distinct, ...distinct.slice(0, 1)].join(' -> ') || 'an expression of itself';
}
