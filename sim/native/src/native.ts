import { type CoveredSimulation, type ir, SimulationError, type SimulationOptions } from '@hdl/ts-hdl';
import { type Gating, type Machine, noteShared, Policy, type PreparedDesign, prepared, simulationOf } from '@hdl/ts-hdl/engine';
import { runBlocking, runInBackground } from '@hdl/verilator-wrapper/tools';
import koffi from 'koffi';
import { buildLibrary } from './build.ts';
import { type CSource, cSource } from './c-source.ts';

export interface NativeOptions extends SimulationOptions {
  /** As in the embedded engine; `auto` and `early` are the same, because the gated code is there from the beginning. */
  readonly gating?: Gating;
  /** Gets a line per longer step; nothing is said of a model that is found in the cache. */
  readonly log?: (line: string) => void;
}

/** The C interface of a model: see `runtime`. Each takes the machine's memory first. */
interface Library {
  settle(memory: ArrayBuffer): void;
  edge(memory: ArrayBuffer): void;
  step(memory: ArrayBuffer, cycles: number): number;
  run(memory: ArrayBuffer, most: number): number;
}

const libraries = new Map<string, Library>();

function load(file: string): Library {
  let result = libraries.get(file);
  if (result === undefined) {
    const library = koffi.load(file);
    result = {
      settle: library.func('void native_settle(void *memory)'),
      edge: library.func('void native_edge(void *memory)'),
      step: library.func('double native_step(void *memory, double cycles)'),
      run: library.func('double native_run(void *memory, double most)'),
    };
    libraries.set(file, result);
  }
  return result;
}

const MOST_BYTES = 2 ** 32;

/** A design as machine code. The memory belongs to JavaScript; the code knows it only while it is called. */
class NativeMachine implements Machine {
  readonly design: CSource['design'];
  readonly buffer: ArrayBuffer;
  private readonly source: CSource;
  private readonly library: Library;

  constructor(source: CSource, library: Library, gating: Gating) {
    this.design = source.design;
    this.source = source;
    this.library = library;
    this.buffer = new ArrayBuffer(source.bytes);
    const policy = gating === 'always' ? Policy.gated : gating === 'never' ? Policy.plain : Policy.measured;
    new Uint32Array(this.buffer, source.places.policy, 1)[0] = policy;
  }

  settle(): void {
    this.library.settle(this.buffer);
  }

  edge(): void {
    this.library.edge(this.buffer);
  }

  step(cycles: number): void {
    this.library.step(this.buffer, cycles);
  }

  run(maxCycles: number): number {
    return this.library.run(this.buffer, maxCycles);
  }

  share(memory: number): void {
    noteShared(this.buffer, this.source.places.outside, this.source.readers.get(memory) ?? []);
  }

  changed(): void {
    new Uint32Array(this.buffer, this.source.places.valid, 1)[0] = 0;
  }
}

/** @throws SimulationError for memories that are too large. */
function sourceOf({ design, signals }: PreparedDesign): CSource {
  const source = cSource(design, signals);
  if (source.bytes > MOST_BYTES)
    throw new SimulationError(
      `The design's memories need ${Math.ceil(source.bytes / 2 ** 20)} MiB; the native engine has 4096 MiB. Make the memories smaller.`,
    );
  return source;
}

const silent = () => {};

/**
 * Simulates a design as machine code in this process: the third engine, for long runs. The design becomes C, which the machine's clang or gcc
 * compiles, once: the library is kept in the project's cache.
 * @throws NativeError if the compiler fails; SimulationError if there is none, and as the embedded engine does.
 */
export function native(design: ir.Design, options: NativeOptions = {}): CoveredSimulation {
  const ready = prepared(design, options);
  const source = sourceOf(ready);
  const library = runBlocking(buildLibrary(source.design.name, source.files, options.log ?? silent));
  return simulationOf('native', new NativeMachine(source, load(library), options.gating ?? 'auto'), options, ready);
}

/** Puts the library of a design into the cache while this thread goes on with other work; then `native` with the same options takes little time. */
export async function prepareNative(design: ir.Design, options: NativeOptions = {}): Promise<void> {
  const source = sourceOf(prepared(design, options));
  await runInBackground(buildLibrary(source.design.name, source.files, options.log ?? silent));
}
