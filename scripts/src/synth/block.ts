import { tlpBeat } from '@hdl/pcie-rtl';
import type { Module } from '@hdl/ts-hdl';

/** A design whose size and speed are measured. */
export interface Block {
  /** As `--blocks` and the reports name it. */
  readonly name: string;
  /** What it is and with which parameters, for the table. */
  readonly what: string;
  /** Too large for nextpnr's router 1, which it takes for the rest: that gets slower with every wire that it has to move, and needs an hour where router 2 needs minutes. */
  readonly router2?: true;
  readonly create: () => Module<never> | Module<unknown>;
}

/** Bits of a beat in all blocks. */
export const width = 256 as number;
export const beat = tlpBeat(width);
