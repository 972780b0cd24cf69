import { Module } from './module.ts';

/** What Verilog stands for a black box. */
export interface VerilogSource {
  /** The Verilog module; the class name by default. */
  readonly module?: string;
  /** Verilog parameters of this instance; text becomes a string. */
  readonly parameters?: { readonly [name: string]: number | bigint | string };
  /** Files that define it, for simulators and file lists; none for a cell that the vendor's tool knows. */
  readonly sources?: readonly string[];
}

/**
 * A module whose Verilog is not ours, with typed ports: fields are its ports and clock domains, `verilog` says what to instantiate. `logic()` may
 * describe its behaviour for simulation in-process and for checks (loops, clock crossings); it is never emitted. Without it the design simulates
 * only on engines that compile the Verilog of `sources`.
 */
export abstract class BlackBox<P = void> extends Module<P> {
  abstract readonly verilog: VerilogSource;

  protected override logic(): void {}

  /** @internal Whether `logic()` describes the behaviour. */
  get '~modelled'(): boolean {
    return this.logic !== BlackBox.prototype.logic;
  }
}
