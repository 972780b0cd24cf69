/** The language, its checks, its emitter and its in-process engine. */
export { Fifo } from './cells/fifo.ts';
export { PacketArbiter } from './cells/packet-arbiter.ts';
export { RegisterSlice } from './cells/register-slice.ts';
export { type EmitOptions, emitText, emitVerilog, type VerilogFile } from './emit/verilog.ts';
export { embedded } from './engine/embedded.ts';
export { type Engine, type SimulateOptions, simulate, TypedSimulation } from './engine/simulate.ts';
export {
  type MemoryView,
  type PortView,
  type Simulation,
  SimulationError,
  type SimulationOptions,
} from './engine/simulation.ts';
export type * as ir from './ir/ir.ts';
export { reservedBy } from './ir/reserved-words.ts';
export { type Elaborated, elaborate } from './lang/elaborate.ts';
export { HdlError } from './lang/errors.ts';
export { Memory, type MemoryOptions, memory } from './lang/memory.ts';
export { connect, input, Module, output, reg, wire } from './lang/module.ts';
export { allOf, anyOf, cat, mux, muxOneHot, repeat, select, u } from './lang/ops.ts';
export { Bundle, bool, clog2, pack, states, stream, uint, unpack, vec } from './lang/shapes.ts';
export { decode, match, type When, when } from './lang/statements.ts';
export type {
  Bool,
  BundleType,
  BundleValue,
  Driver,
  Enum,
  EnumType,
  Fields,
  HType,
  In,
  InputsOf,
  Readable,
  Sig,
  Stream,
  StreamType,
  UInt,
  UIntType,
  Val,
  Var,
  VecType,
  VecValue,
} from './lang/values.ts';
export type { Add, Clog2, SliceWidth, Sub } from './lang/width-arithmetic.ts';
export { checked, DesignError } from './passes/checked.ts';
export { type Diagnostic, diagnose, formatDiagnostic, shareModules } from './passes/index.ts';
