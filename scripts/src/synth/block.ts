import { tlpBeat } from '@hdl/pcie-rtl';
import type { Module } from '@hdl/ts-hdl';

/**
 * Other ways of nextpnr to place and route. Router 1 gets slower with every wire that it has to move, and needs an hour where router 2 needs minutes. But
 * router 2 finds no end where too many wires want the same few places. The static placer needs a fifth less wire than HeAP, and with it router 1 is quick.
 */
export const layouts = {
  router2: { name: 'router 2', options: ['--router', 'router2'] },
  static: { name: 'the static placer and router 1', options: ['--placer', 'static'] },
} as const;

/**
 * Another way of Yosys to make LUTs of gates than `abc9`. That one counts a wire for each hop of a carry chain, so where there are long ones it takes everything else
 * for short, and makes it smaller and deeper. `abc` looks at the gates between carry chains alone.
 */
export const mappings = {
  abc: 'techmap -map +/lattice/latches_map.v; abc -lut 4 -script +strash;ifraig;scorr;dch,-f;if;mfs2; clean',
} as const;

/** A design whose size and speed are measured. */
export interface Block {
  /** As `--blocks` and the reports name it. */
  readonly name: string;
  /** What it is and with which parameters, for the table. */
  readonly what: string;
  /** For what is too large for nextpnr's own choice, its placer HeAP and router 1. */
  readonly layout?: keyof typeof layouts;
  /** For what has long carry chains, and is not mapped by `abc9`. */
  readonly mapping?: keyof typeof mappings;
  readonly create: () => Module<never> | Module<unknown>;
}

/** Bits of a beat in all blocks. */
export const width = 256 as number;
export const beat = tlpBeat(width);
