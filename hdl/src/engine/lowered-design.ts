import type { Design } from '../ir/ir.ts';
import { at } from './at.ts';
import type { Unit } from './chunks.ts';
import { isDecision } from './coverage-points.ts';
import { FlatGraph, type FlatInstance } from './flat-graph.ts';
import { type GatingPlan, planGating } from './gating-plan.ts';
import { Layout, strideOf } from './layout.ts';
import type { LimbGraph } from './limb-graph.ts';
import { Lowering } from './lower.ts';
import { order } from './order.ts';
import type { Root, WritePort } from './program.ts';
import { isOwn } from './single-clock.ts';
import { placeState, type State } from './state.ts';

/** A port in the engine's memory. */
export interface PlacedPort {
  readonly name: string;
  readonly direction: 'input' | 'output';
  readonly width: number;
  readonly address: number;
}

/** A memory in the engine's memory. */
export interface PlacedMemoryView {
  readonly width: number;
  readonly depth: number;
  readonly stride: number;
  readonly address: number;
  /** Its number. */
  readonly index: number;
  /** The first words at the beginning; all others are 0. */
  readonly init: readonly bigint[] | undefined;
}

/** A register in the engine's memory. */
export interface PlacedRegister {
  readonly width: number;
  /** -1 for one that nothing depends on. */
  readonly address: number;
}

/** A signal whose value is in memory after every settling; instances give the scopes of a waveform. */
export interface TracedSignal {
  readonly instance: FlatInstance;
  readonly name: string;
  readonly width: number;
  /** Names of the states of an enumeration, by code. */
  readonly states: readonly string[] | undefined;
  readonly address: number;
}

/** What a simulation knows of a design on a machine. */
export interface PlacedDesign {
  /** Name of the top module. */
  readonly name: string;
  readonly design: Design;
  readonly ports: readonly PlacedPort[];
  /** All of the design, in an order that only the design decides. */
  readonly registers: readonly PlacedRegister[];
  /** Bytes from a register to its next value, which is the same as the register between cycles. */
  readonly shadow: number;
  /** By path. */
  readonly memories: ReadonlyMap<string, PlacedMemoryView>;
  /** Empty unless the design was compiled for tracing. */
  readonly traced: readonly TracedSignal[];
}

/** A design in the form that the engines make code of: operations on limbs, and what is to be stored where. */
export interface LoweredDesign {
  readonly design: Design;
  readonly graph: FlatGraph;
  readonly limbs: LimbGraph;
  readonly state: State;
  /** Where everything else is; what comes last is placed by `placeMemories`. */
  readonly layout: Layout;
  /** In the order of the write ports' stores in `writes`. */
  readonly writePorts: readonly WritePort[];
  /** Stores of the next value of each register, and of each write port. */
  readonly registers: readonly Unit[];
  readonly writes: readonly Unit[];
  /** Stores of the reset values. */
  readonly resets: readonly Root[];
  /** Stores of the outputs, and of the traced signals. */
  readonly outputs: readonly Root[];
  /** The output that stops `run`, if there is one: its store. */
  readonly attention: Root | undefined;
  readonly ports: readonly PlacedPort[];
  readonly traced: readonly TracedSignal[];
}

/** Lowers a design. `trace`: every named signal is an output, and what coverage looks at. @throws SimulationError for a combinational loop. */
export function lowerDesign(design: Design, trace: boolean): LoweredDesign {
  const graph = new FlatGraph(design);
  const { signals } = design.top;
  const outputs = signals.flatMap((signal, index) => (signal.kind === 'output' ? index : []));
  const named = trace
    ? graph.instances.flatMap(instance =>
        instance.graph.module.signals.flatMap(({ name }, index) =>
          isOwn(name) || isDecision(name) ? [{ instance, index }] : [],
        ),
      )
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
  const writePorts: WritePort[] = [];
  const instances = new Map(graph.instances.map((instance, index) => [instance, index]));
  const instanceOf = (node: number) => {
    const owner = graph.owner(node);
    return owner === undefined ? -1 : (instances.get(owner) ?? -1);
  };
  const registers = live.registers
    .toSorted((a, b) => a - b)
    .map(register => ({ roots: lowering.registerStores(register), instance: instanceOf(at(graph.registers, register).next) }));
  const writes: Unit[] = [];
  for (const write of graph.writes) {
    const lowered = lowering.write(write, layout);
    if (lowered === undefined) continue;
    writePorts.push(lowered.port);
    writes.push({ roots: lowered.roots, instance: instanceOf(write.address) });
  }
  const outputStores = outputs.map(index => lowering.stores(at(state.ports, index), graph.signal(graph.top, index)));
  const { traced, stores: traceStores } = placeTraced(graph, named, lowering, state, layout);

  const attention = outputs.findIndex(index => at(signals, index).name === 'attention' && at(signals, index).width === 1);
  return {
    design,
    graph,
    limbs: lowering.limbs,
    state,
    layout,
    writePorts,
    registers,
    writes,
    resets: live.registers.flatMap(register => lowering.resetStores(register)),
    outputs: [...outputStores.flat(), ...traceStores],
    attention: outputStores[attention]?.[0],
    ports: topPorts(design, state),
    traced,
  };
}

/** Places traced signals. Those that are one wire, such as a port of a child and what drives it, share their place. */
function placeTraced(
  graph: FlatGraph,
  named: readonly { readonly instance: FlatInstance; readonly index: number }[],
  lowering: Lowering,
  state: State,
  layout: Layout,
): { readonly traced: readonly TracedSignal[]; readonly stores: readonly Root[] } {
  const stores: Root[] = [];
  const ofRegister = new Map<number, number>();
  const ofNode = new Map<number, number>();
  const place = (places: Map<number, number>, key: number, width: number, storesAt: (address: number) => readonly Root[]) => {
    let address = places.get(key);
    if (address === undefined) {
      address = width <= 32 ? layout.reserve(4, 4) : layout.reserve(8 * Math.ceil(width / 64), 8);
      stores.push(...storesAt(address));
      places.set(key, address);
    }
    return address;
  };
  const traced = named.map(({ instance, index }) => {
    const { name, width, states } = at(instance.graph.module.signals, index);
    const driver = graph.signal(instance, index);
    let register = at(instance.registers, index);
    let address: number;
    const node = driver < 0 || register >= 0 ? driver : sourceOf(graph, driver);
    if (node >= 0 && register < 0) register = graph.register(node);
    const input = node < 0 ? index : inputOf(graph, node);
    if (register >= 0) address = place(ofRegister, register, width, to => lowering.currentStores(to, register));
    else if (input >= 0) address = at(state.ports, input);
    else address = place(ofNode, node, width, to => lowering.stores(to, node));
    return { instance, name, width, states, address };
  });
  return { traced, stores };
}

/** The node that computes what a node, perhaps, only passes on. */
function sourceOf(graph: FlatGraph, node: number): number {
  let source = node;
  for (;;) {
    const { kind } = graph.node(source);
    const [operand] = graph.operands(source);
    if ((kind !== 'net' && kind !== 'child' && kind !== 'input') || operand === undefined) return source;
    source = operand;
  }
}

/** The index of the top's input that a node reads; -1 if it reads none. */
function inputOf(graph: FlatGraph, id: number): number {
  const node = graph.node(id);
  return node.kind === 'input' && graph.operands(id).length === 0 ? node.signal : -1;
}

/** Where memories are, and what is left for gating. */
export interface PlacedRest {
  readonly bases: readonly number[];
  /** By path. */
  readonly memories: ReadonlyMap<string, PlacedMemoryView>;
  readonly gating: { readonly address: number; readonly bytes: number };
}

/** Places what nothing before depends on: room for gating, and the memories at the end. */
export function placeRest({ graph, layout, limbs, registers, writes }: LoweredDesign): PlacedRest {
  const roots = [...registers, ...writes].reduce((sum, unit) => sum + unit.roots.length, 0);
  const bytes = gatingSpace(limbs.size + roots, layout.end);
  const address = layout.reserve(bytes, 64);
  const bases = placeMemories(graph, layout);
  const memories = graph.memories.map(({ path, width, depth, init }, index) => {
    return [path, { width, depth, stride: strideOf(width), address: at(bases, index), index, init }] as const;
  });
  return { bases, memories: new Map(memories), gating: { address, bytes } };
}

/** What a simulation has to know. */
export function placedDesign({ design, graph, state, ports, traced }: LoweredDesign, { memories }: PlacedRest): PlacedDesign {
  const registers = graph.registers.map(({ width }, i) => ({ width, address: at(state.registers, i) }));
  return { name: design.top.name, design, ports, registers, shadow: state.shadow, memories, traced };
}

/** Makes the gated code's plan; `layout` is the place that is left for it. */
export function gatingPlanOf({ limbs, registers, writes, attention, state, ports }: LoweredDesign, layout: Layout): GatingPlan {
  const logic = {
    limbs,
    registers: registers.filter(({ roots }) => roots.length > 0),
    writes,
    attention: attention?.value ?? -1,
    shadow: state.shadow,
    inputs: ports.filter(({ direction }) => direction === 'input'),
  };
  return planGating(logic, layout);
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

/** Bytes that gating needs at most: a limb per node, sets of at most as many chunks, and copies of what is in `stateBytes`. */
function gatingSpace(nodes: number, stateBytes: number): number {
  return 10 * nodes + stateBytes + 4096;
}

function topPorts(design: Design, state: State): PlacedPort[] {
  const ports: PlacedPort[] = [];
  if (state.reset >= 0) ports.push({ name: 'rst', direction: 'input', width: 1, address: state.reset });
  design.top.signals.forEach(({ name, kind, width }, index) => {
    if (kind === 'input' || kind === 'output') ports.push({ name, direction: kind, width, address: at(state.ports, index) });
  });
  return ports;
}
