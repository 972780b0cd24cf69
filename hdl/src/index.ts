/** The language, its checks, its emitter and its in-process engine. */
export { PriorityArbiter, RoundRobinArbiter } from './cells/arbiters.ts';
export { AsyncFifo } from './cells/async-fifo.ts';
export type { Contract, Formula } from './cells/contract.ts';
export { Crc, type CrcSpec, crcNext, crcResult, crcs } from './cells/crc.ts';
export { CreditCounter } from './cells/credit-counter.ts';
export { Fifo } from './cells/fifo.ts';
export { EagerFork, LazyFork, StreamJoin } from './cells/fork-join.ts';
export { Lfsr, lfsrNext, maximalTaps } from './cells/lfsr.ts';
export { type PacketType, type PacketWordType, packetWord } from './cells/packet.ts';
export { PacketArbiter } from './cells/packet-arbiter.ts';
export { PacketFifo } from './cells/packet-fifo.ts';
export { PacketTracker } from './cells/packet-tracker.ts';
export { ForwardRegister, HalfRegister, SkidBuffer } from './cells/pipes.ts';
export { type RamParameters, SimpleDualPortRam, TrueDualPortRam } from './cells/ram.ts';
export { RegisterSlice } from './cells/register-slice.ts';
export { StreamDemux, StreamMux } from './cells/routing.ts';
export { ShowAheadFifo } from './cells/show-ahead-fifo.ts';
export { PulseSynchroniser, ResetSynchroniser, Synchroniser, WordSynchroniser } from './cells/synchronisers.ts';
export { Downsizer, PacketDownsizer, PacketUpsizer, Upsizer } from './cells/width-adapters.ts';
export { emitNetlist } from './emit/netlist.ts';
export type { Netlist } from './emit/netlist-format.ts';
export { type EmitOptions, emitText, emitVerilog, externalSources, type VerilogFile } from './emit/verilog.ts';
export {
  Coverage,
  type CoverageData,
  type DecisionCoverage,
  type SignalCoverage,
  type StateCoverage,
  type Tally,
} from './engine/coverage.ts';
export { coverageText, lcov } from './engine/coverage-report.ts';
export { type CoveredSimulation, embedded } from './engine/embedded.ts';
export { type RunAsyncOptions, runAsync } from './engine/run-async.ts';
export { type Engine, type SimulateOptions, simulate, TypedSimulation } from './engine/simulate.ts';
export {
  type MemoryView,
  type PortView,
  type SignalView,
  type Simulation,
  SimulationError,
  type SimulationOptions,
} from './engine/simulation.ts';
export { type Drawn, WaveRecorder, type WavesOptions, waves } from './engine/wave-recorder.ts';
export type * as ir from './ir/ir.ts';
export { reservedBy } from './ir/reserved-words.ts';
export { BlackBox, type VerilogSource } from './lang/black-box.ts';
export {
  ClockDomain,
  clockDomain,
  type DomainOptions,
  inDomain,
  ownDomain,
  ResetDomain,
  type ResetOptions,
  resetDomain,
} from './lang/domain.ts';
export { type Elaborated, type ElaborateOptions, elaborate } from './lang/elaborate.ts';
export { HdlError } from './lang/errors.ts';
export { arms, decode, match } from './lang/match.ts';
export { Memory, type MemoryOptions, memory, type ReadOptions } from './lang/memory.ts';
export { connect, type InputOptions, input, Module, output, parameter, type RegisterOptions, reg, wire } from './lang/module.ts';
export {
  fromGray,
  fromOneHot,
  highestOne,
  isOneHot,
  isOneHotOrZero,
  leadingZeros,
  lowestBit,
  lowestOne,
  popCount,
  reverse,
  toGray,
  toOneHot,
  trailingZeros,
} from './lang/one-hot.ts';
export { allOf, anyOf, cat, drive, mux, muxOneHot, repeat, s, select, u } from './lang/ops.ts';
export { assert, assume, binary, cover, hex, log } from './lang/property.ts';
export { Bundle, bool, equal, flipped, pack, sint, stream, uint, unpack, vec } from './lang/shapes.ts';
export { type When, when } from './lang/statements.ts';
export { type States, states } from './lang/states.ts';
export type {
  Bool,
  BundleType,
  BundleValue,
  Driver,
  Enum,
  EnumType,
  Fields,
  Flipped,
  HType,
  In,
  InputsOf,
  Readable,
  SInt,
  SIntType,
  Sig,
  SignedVal,
  Stream,
  StreamType,
  UInt,
  UIntType,
  Val,
  Var,
  VecType,
  VecValue,
} from './lang/values.ts';
export type { Add, Clog2, CountWidth, Mul, SliceWidth, Sub, TotalWidth } from './lang/width-arithmetic.ts';
export { clog2, minus, plus, times } from './lang/widths.ts';
export { checked, DesignError } from './passes/checked.ts';
export { type ConstantBits, constantBits } from './passes/constant-bits.ts';
export { type Diagnostic, diagnose, formatDiagnostic, shareModules } from './passes/index.ts';
export { type UnreadBits, unreadBits } from './passes/unread-bits.ts';
export { cHeader } from './registers/c-header.ts';
export { registerPage } from './registers/markdown.ts';
export { RegisterFile, type RegisterStatus, type RegisterValues, statusOf, valuesOf } from './registers/register-file.ts';
export { type RegisterText, registerFiles } from './registers/register-files.ts';
export {
  type Access,
  type Accessors,
  accessors,
  type Field,
  type FieldAccessor,
  type Part,
  type PlacedField,
  type PlacedRegister,
  type Region,
  type Register,
  type RegisterMap,
  type RegisterMapDescription,
  registerMap,
} from './registers/register-map.ts';
export { systemRdl } from './registers/system-rdl.ts';
export { type ByteSink, FstWriter } from './waves/fst.ts';
export type { WaveSignal, WaveWriter } from './waves/signals.ts';
export { drawWaves, type TextOptions, type TextRow } from './waves/text.ts';
export { type TextSink, VcdWriter } from './waves/vcd.ts';
