/** Drives Verilog, ours or not, under Verilator from TypeScript. */
export { Recorder, type Recording } from './bare-loop.ts';
export { type Build, type BuildOptions, build, buildInBackground, type MemoryName, type SourceFile } from './build.ts';
export { VerilatorError } from './errors.ts';
export { VerilatedModel } from './model.ts';
export type { Port } from './ports.ts';
export { type FindOptions, findToolchain, type Toolchain } from './toolchain.ts';
export { prepareVerilator, type VerilatorOptions, type VerilogOptions, verilateVerilog, verilator } from './verilator.ts';
