/** The emitted Verilog under cocotb: Python tests judge a design. */
export { type CocotbOptions, type CocotbResult, parseResults, runCocotb } from './cocotb.ts';
export type { Simulator } from './environment.ts';
export { CocotbError } from './errors.ts';
