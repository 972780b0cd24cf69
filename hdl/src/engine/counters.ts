import { at } from './at.ts';
import { type LimbGraph, Op } from './limb-graph.ts';
import type { Root } from './program.ts';

/**
 * A register that adds a constant to itself in every cycle and that nothing looks at unless something else happens: a time stamp. Time can
 * pass over it at once.
 */
export interface Counter {
  /** Byte address of its value before the edge. */
  readonly address: number;
  readonly width: number;
  /** What a cycle adds, modulo 2^width. */
  readonly step: bigint;
  /** The node that reads it. */
  readonly load: number;
}

/** Nodes that the roots need whatever the conditions of stores and selects are; by node. */
function neededAlways(g: LimbGraph, roots: readonly Root[]): Uint8Array {
  const needed = new Uint8Array(g.size);
  for (const { value, guard, hold } of roots) {
    if (guard >= 0) needed[guard] = 1;
    else if (value !== hold) needed[value] = 1;
  }
  for (let node = g.size - 1; node >= 0; node--) {
    if (needed[node] === 0) continue;
    const operands = g.op(node) === Op.Select ? 1 : g.operandCount(node);
    for (let i = 0; i < operands; i++) needed[g.operand(node, i)] = 1;
  }
  return needed;
}

function stepOf(g: LimbGraph, { value, hold, width }: Root): bigint | undefined {
  const op = g.op(value);
  if ((op !== Op.Add && op !== Op.Sub) || g.a(value) !== hold || g.width(value) !== width) return undefined;
  const step = g.constantValue(g.b(value));
  return step === undefined ? undefined : BigInt.asUintN(width, op === Op.Add ? step : -step);
}

/**
 * Finds the counters among registers. `registers` has the stores of each; `others` is what else is computed.
 * @returns counters by the index of their register.
 */
export function findCounters(
  g: LimbGraph,
  registers: readonly (readonly Root[])[],
  others: readonly Root[],
): Map<number, Counter> {
  const counters = new Map<number, Counter>();
  registers.forEach(([root, more], index) => {
    if (root === undefined || more !== undefined || root.guard >= 0) return;
    const step = stepOf(g, root);
    if (step !== undefined) counters.set(index, { address: g.a(root.hold), width: root.width, step, load: root.hold });
  });
  if (counters.size === 0) return counters;
  const needed = neededAlways(g, [...registers.flatMap((roots, index) => (counters.has(index) ? [] : roots)), ...others]);
  for (const [index, { load }] of counters) if (at(needed, load) === 1) counters.delete(index);
  return counters;
}
