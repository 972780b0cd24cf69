import type { Design } from '../ir/ir.ts';
import { at } from './at.ts';
import { type CoveragePlaces, countLocals, emitCount, emitSample, placeCoverage, sampleLocals } from './coverage-kernel.ts';
import { emitFunction, placeSpills } from './emit-program.ts';
import { emitWrites } from './emit-writes.ts';
import { emitGated, type GatedModule } from './gated.ts';
import { Layout } from './layout.ts';
import type { LimbGraph } from './limb-graph.ts';
import { gatingPlanOf, lowerDesign, type PlacedDesign, placedDesign, placeRest } from './lowered-design.ts';
import type { Item, ProgramFunction, Root } from './program.ts';
import { schedule } from './schedule.ts';
import { SimulationError } from './simulation.ts';
import type { State } from './state.ts';
import { ByteWriter, Code, encodeModule, type FunctionCode, I32, I64, Signature } from './wasm-encoder.ts';

/**
 * A design as a WebAssembly module. It exports `memory`; `settle()`, which computes the outputs; `edge()`, which computes the next state
 * and takes it over; `step(n)`, n edges and a settling; `run(n)`, the same until `attention` is 1, which returns the edges; `advance(n)` and
 * `advanceUntil(n)` are these without settling, and both return the edges. Compiled for coverage it exports `observe(n)` and `observeUntil(n)` too: `advance`
 * and `advanceUntil` that look at all signals before each edge.
 */
export interface CompiledDesign extends PlacedDesign {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Operations of a cycle, about. */
  readonly size: number;
  /** Makes the gated code, which shares the memory. */
  readonly gate: () => GatedModule;
  /** What `observe` counts. */
  readonly coverage: CoveragePlaces | undefined;
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

/**
 * Compiles a design. `trace`: every named signal is computed by `settle`; `covered`: and looked at before each edge.
 * @throws SimulationError for a combinational loop, or memories that do not fit into 4 GiB.
 */
export function compile(design: Design, trace: boolean, covered = false): CompiledDesign {
  const lowered = lowerDesign(design, trace);
  const { graph, limbs, state, layout, registers, writes: units, resets, attention, writePorts } = lowered;
  const widths = graph.memories.map(memory => memory.width);
  const assembly = new Assembly(limbs, layout, widths);
  const next = [...registers, ...units].flatMap(unit => unit.roots);
  const callCycle = assembly.program(next);
  const callObserved = covered ? assembly.program([...lowered.outputs, ...next]) : undefined;
  const callReset = assembly.program(resets);
  const callSettle = assembly.program(lowered.outputs);
  const callAttention = assembly.program(attention === undefined ? [] : [attention]);
  const rest = placeRest(lowered);
  const { bases, gating } = rest;
  const coverage = covered ? placeCoverage(lowered, layout) : undefined;
  const pages = Math.ceil(layout.end / PAGE);
  if (pages > MOST_PAGES)
    throw new SimulationError(
      `The design's memories need ${Math.ceil(layout.end / 2 ** 20)} MiB; the embedded engine has 4096 MiB. Make the memories smaller.`,
    );
  assembly.bases = bases;
  assembly.emit();

  const writes = emitWrites(writePorts, graph.memories, bases).map(code => assembly.add(code));
  const edgeOf = (cycle: (out: ByteWriter) => void) => (out: ByteWriter) => {
    cycle(out);
    if (resets.length > 0) {
      out.i32(0);
      out.load(I32, 4, state.reset);
      out.open(Code.if);
      callReset(out);
      out.byte(Code.end);
    }
    emitCommit(out, state);
    for (const write of writes) out.call(write);
  };
  const edge = assembly.plain(edgeOf(callCycle));
  const settle = assembly.plain(callSettle);
  const step = assembly.plain(
    out => {
      emitLoop(out, edge, undefined);
      out.call(settle);
    },
    Signature.count,
    [I32],
  );
  const stop = (out: ByteWriter) => {
    callAttention(out);
    out.i32(0);
    out.load(I32, 4, attention?.address ?? 0);
  };
  const loop = (stops: boolean, settles: boolean, by = edge) =>
    assembly.plain(
      out => {
        emitLoop(out, by, stops && attention !== undefined ? stop : undefined);
        if (settles) out.call(settle);
        out.localGet(1);
      },
      Signature.countToCount,
      [I32],
    );
  const exported = { edge, settle, step, run: loop(true, true), advance: loop(false, false), advanceUntil: loop(true, false) };
  const observing: Record<string, number> = {};
  if (coverage && callObserved) {
    const count = assembly.plain(out => emitCount(out, coverage), Signature.two, countLocals);
    const sample = assembly.plain(out => emitSample(out, coverage, count), Signature.run, sampleLocals);
    const observedEdge = edgeOf(out => {
      callObserved(out);
      out.call(sample);
    });
    const observed = assembly.plain(observedEdge);
    observing.observe = loop(false, false, observed);
    observing.observeUntil = loop(true, false, observed);
  }
  const gate = () => {
    const place = new Layout(gating.address);
    const plan = gatingPlanOf(lowered, place);
    const { current, shadow, reset } = state;
    const parts = { plan, ports: writePorts, memories: graph.memories, bases, current, shadow, reset, pages };
    const gated = emitGated(parts, place);
    if (place.end > gating.address + gating.bytes) throw new RangeError(`gating needs ${place.end - gating.address} bytes`);
    return gated;
  };
  return {
    bytes: encodeModule({
      functions: assembly.functions,
      memoryPages: pages,
      exported: new Map(Object.entries({ ...exported, ...observing })),
    }),
    size: limbs.size,
    gate,
    coverage,
    ...placedDesign(lowered, rest),
  };
}
