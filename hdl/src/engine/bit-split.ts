import { at } from './at.ts';
import type { FlatGraph } from './flat-graph.ts';
import type { GraphNode } from './module-graph.ts';

/** Whether each bit of the result depends on single bits of the operands. */
function bitwise(node: GraphNode): boolean {
  switch (node.kind) {
    case 'input':
    case 'net':
    case 'child':
    case 'mux':
    case 'concat':
    case 'slice':
    case 'extend':
      return true;
    case 'unary':
      return node.op === 'not';
    case 'binary':
      return node.op === 'and' || node.op === 'or' || node.op === 'xor';
    default:
      return false;
  }
}

/**
 * Replaces the bitwise words of a loop by concatenations of bits that each depend on bits only, so that a loop which exists between
 * words but not between bits dissolves. @returns false if there is nothing to split: the loop is real.
 */
export function splitIntoBits(graph: FlatGraph, loop: readonly number[]): boolean {
  const split = new Map<number, number[]>();
  const words = loop.filter(id => graph.node(id).width > 1 && bitwise(graph.node(id)) && graph.owner(id) !== undefined);
  for (const id of words) {
    const { width } = graph.node(id);
    const bits: number[] = [];
    // Each bit is filled in below, when the numbers of all of them are known.
    for (let bit = 0; bit < width; bit++) bits.push(graph.add({ kind: 'const', width: 1, operands: [], value: 0n }));
    split.set(id, bits);
  }
  for (const [id, bits] of split) {
    const node = graph.node(id);
    const operands = graph.operands(id);
    const name = graph.name(id);
    bits.forEach((bit, position) => {
      graph.replace(bit, bitOf(graph, split, node, operands, position), name && `${name}[${position}]`);
    });
    graph.replace(id, { kind: 'concat', width: node.width, operands: bits.toReversed() }, undefined);
  }
  for (const id of loop) {
    const node = graph.node(id);
    if (node.kind === 'slice' && node.width === 1 && graph.owner(id) !== undefined)
      graph.replace(id, bitOf(graph, split, node, graph.operands(id), 0), undefined);
  }
  return words.length > 0;
}

function bitOf(
  graph: FlatGraph,
  split: ReadonlyMap<number, readonly number[]>,
  node: GraphNode,
  operands: readonly number[],
  position: number,
): GraphNode {
  const slice = (id: number, bit: number): GraphNode => {
    const own = split.get(id)?.[bit];
    return { kind: 'slice', width: 1, operands: [own ?? id], low: own === undefined ? bit : 0 };
  };
  const bit = (id: number) => split.get(id)?.[position] ?? graph.add(slice(id, position));
  const first = at(operands, 0);
  switch (node.kind) {
    case 'slice':
      return slice(first, node.low + position);
    case 'extend': {
      const { width } = graph.node(first);
      if (position < width) return slice(first, position);
      return node.signed ? slice(first, width - 1) : { kind: 'const', width: 1, operands: [], value: 0n };
    }
    case 'concat': {
      let low = 0;
      for (const part of operands.toReversed()) {
        const { width } = graph.node(part);
        if (position < low + width) return slice(part, position - low);
        low += width;
      }
      throw new RangeError(`bit ${position} is outside of a concatenation of ${low} bits`);
    }
    case 'mux':
      return { kind: 'mux', width: 1, operands: [first, bit(at(operands, 1)), bit(at(operands, 2))] };
    case 'unary':
    case 'binary':
      return { ...node, width: 1, operands: operands.map(bit) };
    default:
      return slice(first, position);
  }
}
