/** The emitted Verilog under cocotb: Python tests judge a design. `@hdl/cocotb-bridge/vitest` makes vitest tests of them. */
export { type CocotbOptions, type MakeModule, runCocotb, testNames } from './cocotb.ts';
export type { Simulator } from './environment.ts';
export { CocotbError } from './errors.ts';
export { pythonClass } from './python-class.ts';
export { type CocotbResult, parseResults } from './results.ts';
