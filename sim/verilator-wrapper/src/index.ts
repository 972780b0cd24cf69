/** Drives Verilog, ours or not, under Verilator from TypeScript. */
export { type Build, type BuildOptions, build, type MemoryRequest, type SourceFile } from './build.ts';
export { VerilatorError } from './errors.ts';
export { VerilatedModel } from './model.ts';
export { type FindOptions, findToolchain, type Toolchain } from './toolchain.ts';
export { type VerilatorOptions, verilator } from './verilator.ts';
