/** Drives Verilog, ours or not, under Verilator from TypeScript. */
export { Recorder, type Recording } from './bare-loop.ts';
export { type BindingsOptions, bindings } from './bindings.ts';
export { type Build, build, buildInBackground } from './build.ts';
export type { Coverage, CoveragePoint, FileCoverage, LineCoverage } from './coverage.ts';
export { VerilatorError } from './errors.ts';
export { VerilatedModel } from './model.ts';
export type { InputPort, OutputPort, PortOf, PortType, PortTypes } from './model-ports.ts';
export type {
  BuildOptions,
  ClockTiming,
  CoverageKind,
  MemoryName,
  SourceFile,
  VerilogSources,
  WaveformFormat,
} from './options.ts';
export type { Port } from './ports.ts';
export { type FindOptions, findToolchain, type Toolchain } from './toolchain.ts';
export {
  prepareVerilator,
  prepareVerilog,
  type VerilatorOptions,
  type VerilogOptions,
  verilateVerilog,
  verilator,
} from './verilator.ts';
