import { at } from './at.ts';
import type { FlatGraph } from './flat-graph.ts';
import { type Layout, limbBytes } from './layout.ts';
import { limbCount, limbWidth } from './limb-arithmetic.ts';

/** Where ports and registers are. A value of more than 64 bits has its limbs in order, 8 bytes apart. */
export interface State {
  /** By index in the top's signals; -1 for signals that are no ports. */
  readonly ports: readonly number[];
  /** The reset port; -1 for a design in which no register has a reset value. */
  readonly reset: number;
  /** By flat register number; -1 for registers that nothing depends on. */
  readonly registers: Int32Array;
  /** The registers' values before the edge begin here, their next values `shadow` bytes further. */
  readonly current: number;
  readonly shadow: number;
}

function placeBytes(width: number): number {
  const limbs = limbCount(width);
  return 8 * (limbs - 1) + limbBytes(limbWidth(width, limbs - 1));
}

/** Reserves the places of the ports and of `registers`. Machine words of one size are together, so nothing is lost to alignment. */
export function placeState(graph: FlatGraph, registers: readonly number[], layout: Layout): State {
  const port = (width: number) => layout.reserve(8 * limbCount(width), 8);
  const reset = graph.registers.some(({ init }) => init !== undefined) ? port(1) : -1;
  const ports = graph.top.graph.module.signals.map(signal =>
    signal.kind === 'input' || signal.kind === 'output' ? port(signal.width) : -1,
  );
  const addresses = new Int32Array(graph.registers.length).fill(-1);
  const current = layout.reserve(0, 64);
  const size = (register: number) => {
    const { width } = at(graph.registers, register);
    return width > 64 ? 16 : limbBytes(width);
  };
  for (const register of registers.toSorted((a, b) => size(b) - size(a) || a - b)) {
    const bytes = placeBytes(at(graph.registers, register).width);
    addresses[register] = layout.reserve(bytes, Math.min(8, size(register)));
  }
  const end = layout.reserve(0, 64);
  const shadow = end - current;
  layout.reserve(shadow, 64);
  return { ports, reset, registers: addresses, current, shadow };
}
