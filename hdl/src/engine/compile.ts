import type { Design } from '../ir/ir.ts';
import { at } from './at.ts';
import type { Unit } from './chunks.ts';
import { emitFunction, placeSpills } from './emit-program.ts';
import { emitWrites } from './emit-writes.ts';
import { FlatGraph, type FlatInstance } from './flat-graph.ts';
import { emitGated, type GatedModule } from './gated.ts';
import { planGating } from './gating-plan.ts';
import { Layout, strideOf } from './layout.ts';
import type { LimbGraph } from './limb-graph.ts';
import { Lowering } from './lower.ts';
import { order } from './order.ts';
import type { Item, ProgramFunction, Root, WritePort } from './program.ts';
import { schedule } from './schedule.ts';
import { SimulationError } from './simulation.ts';
import { placeState, type State } from './state.ts';
import { ByteWriter, Code, encodeModule, type FunctionCode, I32, I64, Signature } from './wasm-encoder.ts';

/** A port in the compiled design's memory. */
export interface CompiledPort {
  readonly name: string;
  readonly direction: 'input' | 'output';
  readonly width: number;
  readonly address: number;
}

/** A memory in the compiled design's memory. */
export interface CompiledMemory {
  readonly width: number;
  readonly depth: number;
  readonly stride: number;
  readonly address: number;
  /** Its number. */
  readonly index: number;
}

/** A signal whose value is in memory after every settling; instances give the scopes of a waveform. */
export interface TracedSignal {
  readonly instance: FlatInstance;
  readonly name: string;
  readonly width: number;
  readonly address: number;
}

/**
 * A design as a WebAssembly module. It exports `memory`; `settle()`, which computes the outputs; `edge()`, which computes the next state
 * and takes it over; `step(n)`, n edges and a settling; `run(n)`, the same until `attention` is 1, which returns the edges; `advance(n)` and
 * `advanceUntil(n)` are these without settling, and both return the edges.
 */
export interface CompiledDesign {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly ports: readonly CompiledPort[];
  readonly memories: ReadonlyMap<string, CompiledMemory>;
  /** Empty unless the design was compiled for tracing. */
  readonly traced: readonly TracedSignal[];
  /** Operations of a cycle, about. */
  readonly size: number;
  /** Makes the gated code, which shares the memory. */
  readonly gate: () => GatedModule;
}

const PAGE = 65536;
const MOST_PAGES = 65536;
/** A state of at most this many bytes is copied by plain loads and stores. */
const INLINE_COPY = 256;

/** Collects the functions of the module. */
class Assembly {
  readonly functions: FunctionCode[] = [];
  private readonly limbs: LimbGraph;
  private readonly layout: Layout;
  private readonly emitted = new Map<ProgramFunction, number>();
  private readonly pending: (() => void)[] = [];
  bases: readonly number[] = [];
  private readonly widths: readonly number[];

  constructor(limbs: LimbGraph, layout: Layout, widths: readonly number[]) {
    this.limbs = limbs;
    this.layout = layout;
    this.widths = widths;
  }

  /** Schedules a program now and emits it with `emit`, when the memories have their places. @returns a writer of its calls. */
  program(roots: readonly Root[]): (out: ByteWriter) => void {
    const { limbs } = this;
    const program = schedule(limbs, roots);
    const spills = placeSpills(limbs, program, this.layout);
    this.pending.push(() => {
      const memories = this.bases.map((base, i) => ({ base, width: at(this.widths, i) }));
      const indexOf = (target: ProgramFunction) => this.emitted.get(target) ?? -1;
      for (const target of program.functions)
        this.emitted.set(target, this.add(emitFunction({ limbs, kept: program.kept, spills, memories, indexOf }, target.items)));
    });
    return out => {
      for (const item of program.items) this.call(out, item);
    };
  }

  private call(out: ByteWriter, item: Item): void {
    if (item.kind === 'call') out.call(this.emitted.get(item.target) ?? -1);
  }

  emit(): void {
    for (const emit of this.pending) emit();
  }

  add(code: FunctionCode): number {
    return this.functions.push(code) - 1;
  }

  /** Adds a function without locals. */
  plain(write: (out: ByteWriter) => void, signature: number = Signature.run, locals: readonly number[] = []): number {
    const out = new ByteWriter();
    write(out);
    return this.add({ signature, locals, code: out.bytes });
  }
}

/** Takes over the next values of all registers. */
function emitCommit(out: ByteWriter, { current, shadow }: State): void {
  if (shadow > INLINE_COPY) {
    out.i32(current);
    out.i32(current + shadow);
    out.i32(shadow);
    out.memoryCopy();
    return;
  }
  for (let offset = 0; offset < shadow; offset += 8) {
    out.i32(0);
    out.i32(0);
    out.load(I64, 8, current + shadow + offset);
    out.store(I64, 8, current + offset);
  }
}

/** A loop of edges: local 0 has the most that may happen, local 1 counts them; `stop`, if any, leaves 1 on the stack to stop. */
function emitLoop(out: ByteWriter, edge: number, stop: ((out: ByteWriter) => void) | undefined): void {
  out.open(Code.block);
  out.open(Code.loop);
  if (stop !== undefined) {
    stop(out);
    out.branch(Code.branchIf, 1);
  }
  out.localGet(1);
  out.localGet(0);
  out.byte(Code.eq[0]);
  out.branch(Code.branchIf, 1);
  out.call(edge);
  out.localGet(1);
  out.i32(1);
  out.byte(Code.add[0]);
  out.localSet(1);
  out.branch(Code.branch, 0);
  out.byte(Code.end);
  out.byte(Code.end);
}

function placeMemories(graph: FlatGraph, layout: Layout): number[] {
  let readable = 0;
  const bases = graph.memories.map(({ width, depth }) => {
    const stride = strideOf(width);
    const base = layout.reserve(stride * depth, 64);
    // A read beyond the depth happens and is discarded; it must stay inside of the machine's memory.
    readable = Math.max(readable, base + stride * 2 ** Math.ceil(Math.log2(depth)));
    return base;
  });
  layout.reserve(Math.max(0, readable - layout.end), 1);
  return bases;
}

/**
 * Compiles a design. `trace`: every named signal is computed by `settle`.
 * @throws SimulationError for a combinational loop, or memories that do not fit into 4 GiB.
 */
export function compile(design: Design, trace: boolean): CompiledDesign {
  const graph = new FlatGraph(design);
  const { signals } = design.top;
  const outputs = signals.flatMap((signal, index) => (signal.kind === 'output' ? index : []));
  const named = trace
    ? graph.instances.flatMap(instance => instance.graph.module.signals.map((_, index) => ({ instance, index })))
    : [];
  const live = order(
    graph,
    [
      ...outputs.map(index => graph.signal(graph.top, index)),
      ...graph.writes.flatMap(({ enable, address, data, mask }) => [enable ?? [], address, data, mask ?? []].flat()),
      ...named.map(({ instance, index }) => graph.signal(instance, index)).filter(id => id >= 0),
    ],
    trace ? graph.registers.map((_, register) => register) : [],
  );

  const layout = new Layout();
  const state = placeState(graph, live.registers, layout);
  const lowering = new Lowering(graph, live.nodes, state);
  const ports: WritePort[] = [];
  const instances = new Map(graph.instances.map((instance, index) => [instance, index]));
  const instanceOf = (node: number) => {
    const owner = graph.owner(node);
    return owner === undefined ? -1 : (instances.get(owner) ?? -1);
  };
  const registers = live.registers
    .toSorted((a, b) => a - b)
    .map(register => ({ roots: lowering.registerStores(register), instance: instanceOf(at(graph.registers, register).next) }));
  const writeUnits: Unit[] = [];
  for (const write of graph.writes) {
    const lowered = lowering.write(write, layout);
    if (lowered === undefined) continue;
    ports.push(lowered.port);
    writeUnits.push({ roots: lowered.roots, instance: instanceOf(write.address) });
  }
  const cycle = [...registers, ...writeUnits].flatMap(unit => unit.roots);
  const outputStores = outputs.map(index => lowering.stores(at(state.ports, index), graph.signal(graph.top, index)));
  const traced: TracedSignal[] = [];
  const traceStores: Root[] = [];
  for (const { instance, index } of named) {
    const { name, width } = at(instance.graph.module.signals, index);
    const node = graph.signal(instance, index);
    if (node < 0) {
      traced.push({ instance, name, width, address: at(state.ports, index) });
      continue;
    }
    const address = layout.reserve(8 * Math.ceil(width / 64), 8);
    const register = at(instance.registers, index);
    traceStores.push(...(register >= 0 ? lowering.currentStores(address, register) : lowering.stores(address, node)));
    traced.push({ instance, name, width, address });
  }

  const assembly = new Assembly(
    lowering.limbs,
    layout,
    graph.memories.map(memory => memory.width),
  );
  const resets = live.registers.flatMap(register => lowering.resetStores(register));
  const attention = outputs.findIndex(index => at(signals, index).name === 'attention' && at(signals, index).width === 1);
  const callCycle = assembly.program(cycle);
  const callReset = assembly.program(resets);
  const callSettle = assembly.program([...outputStores.flat(), ...traceStores]);
  const callAttention = assembly.program(outputStores[attention] ?? []);
  const gatingBytes = gatingSpace(lowering.limbs.size + cycle.length, layout.end);
  const gatingArea = layout.reserve(gatingBytes, 64);
  const bases = placeMemories(graph, layout);
  const pages = Math.ceil(layout.end / PAGE);
  if (pages > MOST_PAGES)
    throw new SimulationError(
      `The design's memories need ${Math.ceil(layout.end / 2 ** 20)} MiB; the embedded engine has 4096 MiB. Make the memories smaller.`,
    );
  assembly.bases = bases;
  assembly.emit();

  const writes = emitWrites(ports, graph.memories, bases).map(code => assembly.add(code));
  const edge = assembly.plain(out => {
    callCycle(out);
    if (resets.length > 0) {
      out.i32(0);
      out.load(I32, 4, state.reset);
      out.open(Code.if);
      callReset(out);
      out.byte(Code.end);
    }
    emitCommit(out, state);
    for (const write of writes) out.call(write);
  });
  const settle = assembly.plain(callSettle);
  const step = assembly.plain(
    out => {
      emitLoop(out, edge, undefined);
      out.call(settle);
    },
    Signature.count,
    [I32],
  );
  const attentionPort = state.ports[outputs[attention] ?? -1];
  const stop = (out: ByteWriter) => {
    callAttention(out);
    out.i32(0);
    out.load(I32, 4, attentionPort ?? 0);
  };
  const loop = (stops: boolean, settles: boolean) =>
    assembly.plain(
      out => {
        emitLoop(out, edge, stops && attentionPort !== undefined ? stop : undefined);
        if (settles) out.call(settle);
        out.localGet(1);
      },
      Signature.countToCount,
      [I32],
    );
  const exported = { edge, settle, step, run: loop(true, true), advance: loop(false, false), advanceUntil: loop(true, false) };
  const gate = () => {
    const gating = new Layout(gatingArea);
    const plan = planGating(
      {
        limbs: lowering.limbs,
        registers: registers.filter(({ roots }) => roots.length > 0),
        writes: writeUnits,
        attention: outputStores[attention]?.[0]?.value ?? -1,
        shadow: state.shadow,
        inputs: topPorts(design, state).filter(({ direction }) => direction === 'input'),
      },
      gating,
    );
    const { current, shadow, reset } = state;
    const gated = emitGated({ plan, ports, memories: graph.memories, bases, current, shadow, reset, pages }, gating);
    if (gating.end > gatingArea + gatingBytes) throw new RangeError(`gating needs ${gating.end - gatingArea} bytes`);
    return gated;
  };
  return {
    bytes: encodeModule({ functions: assembly.functions, memoryPages: pages, exported: new Map(Object.entries(exported)) }),
    size: lowering.limbs.size,
    gate,
    ports: topPorts(design, state),
    memories: new Map(
      graph.memories.map(({ path, width, depth }, index) => [
        path,
        { width, depth, stride: strideOf(width), address: at(bases, index), index },
      ]),
    ),
    traced,
  };
}

/** Bytes that gating needs at most: a limb per node, sets of at most as many chunks, and copies of what is in `stateBytes`. */
function gatingSpace(nodes: number, stateBytes: number): number {
  return 10 * nodes + stateBytes + 4096;
}

function topPorts(design: Design, state: State): CompiledPort[] {
  const ports: CompiledPort[] = [];
  if (state.reset >= 0) ports.push({ name: 'rst', direction: 'input', width: 1, address: state.reset });
  design.top.signals.forEach(({ name, kind, width }, index) => {
    if (kind === 'input' || kind === 'output') ports.push({ name, direction: kind, width, address: at(state.ports, index) });
  });
  return ports;
}
