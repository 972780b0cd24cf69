import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { type MemoryView, type PortView, type Simulation, SimulationError } from '@hdl/ts-hdl';
import koffi from 'koffi';
import type { Recording } from './bare-loop.ts';
import type { Build } from './build.ts';
import { type Coverage, coverageOf } from './coverage.ts';
import { VerilatorError } from './errors.ts';
import { ModelPort, type PortOf, type PortTypes } from './model-ports.ts';
import { wordsOf } from './shim.ts';

/** A pointer as koffi gives it. */
type Pointer = bigint;

/** The C interface of a model: see `shimSource`. A result of -1 means that `error` has something to say. */
interface Library {
  create(trace: string | null): Pointer | null;
  destroy(simulation: Pointer): void;
  finish(simulation: Pointer): number;
  error(simulation: Pointer | null): string;
  words(simulation: Pointer): Pointer;
  settle(simulation: Pointer): number;
  step(simulation: Pointer, cycles: number): number;
  run(simulation: Pointer, most: number): number;
  memory(simulation: Pointer, scope: string, name: string, shape: Uint32Array): Pointer | null;
  replay(simulation: Pointer, log: Uint32Array, length: number, memories: BigUint64Array): number;
  save(simulation: Pointer): number;
  saved(simulation: Pointer, to: Uint8Array): void;
  restore(simulation: Pointer, state: Uint8Array, size: number): number;
  coverage(simulation: Pointer, file: string): number;
}

const libraries = new Map<string, Library>();

function load(file: string): Library {
  let result = libraries.get(file);
  if (result === undefined) {
    const library = koffi.load(file);
    result = {
      create: library.func('void *shim_create(const char *trace)'),
      destroy: library.func('void shim_destroy(void *simulation)'),
      finish: library.func('double shim_finish(void *simulation)'),
      error: library.func('const char *shim_error(void *simulation)'),
      words: library.func('void *shim_words(void *simulation)'),
      settle: library.func('double shim_settle(void *simulation)'),
      step: library.func('double shim_step(void *simulation, double cycles)'),
      run: library.func('double shim_run(void *simulation, double most)'),
      memory: library.func('void *shim_memory(void *simulation, const char *scope, const char *name, _Out_ uint32_t *shape)'),
      replay: library.func('double shim_replay(void *simulation, const uint32_t *log, double length, const uint64_t *memories)'),
      save: library.func('double shim_save(void *simulation)'),
      saved: library.func('void shim_saved(void *simulation, _Out_ uint8_t *to)'),
      restore: library.func('double shim_restore(void *simulation, const uint8_t *state, double size)'),
      coverage: library.func('double shim_coverage(void *simulation, const char *file)'),
    };
    libraries.set(file, result);
  }
  return result;
}

/** What a memory is in the model's own storage. */
interface MemoryPlace extends MemoryView {
  readonly address: bigint;
}

/**
 * A verilated model in this process. The words of its ports and the bytes of its memories are windows on the model's own storage; it is freed when it is
 * disposed of and nobody holds such a window any more. Several of them, of one design or more, share nothing; each belongs to the thread that made it.
 *
 * `Ports` says what ports it has, as generated bindings do; without them any name is taken, and checked when it is used.
 */
export class VerilatedModel<Ports extends PortTypes = PortTypes> implements Simulation {
  readonly engine = 'verilator';
  readonly ports: ReadonlyMap<string, PortView>;
  /** The ports by name: `model.io.data_in.set(5)`. For ports that no bindings describe, `port` says what is missing. */
  readonly io: { readonly [Name in keyof Ports]: PortOf<Ports[Name]> };
  private readonly built: Build;
  private readonly library: Library;
  private readonly simulation: Pointer;
  private readonly storage: Storage;
  private readonly memories = new Map<string, MemoryPlace>();
  private cycles = 0;
  private open = true;

  /** @throws VerilatorError if the model fails while it starts, or if the file of the waveform cannot be created. */
  constructor(built: Build, trace?: string) {
    this.built = built;
    if (trace !== undefined) createFile('waveform', trace);
    this.library = load(built.library);
    const simulation = this.library.create(trace ?? null);
    if (simulation === null)
      throw new VerilatorError(`The model of ${built.top} fails before its first cycle: ${this.library.error(null)}.`);
    this.simulation = simulation;
    this.storage = new Storage(() => this.library.destroy(simulation));
    const count = built.ports.reduce((sum, port) => sum + wordsOf(port), 0);
    const words = new Uint32Array(this.storage.view(this.library.words(simulation), 4 * Math.max(1, count)));
    let offset = 0;
    const ports = built.ports.map((port): [string, ModelPort] => {
      const start = offset;
      offset += wordsOf(port);
      return [port.name, new ModelPort(port, words.subarray(start, offset))];
    });
    this.ports = new Map(ports);
    this.io = Object.fromEntries(ports) as unknown as typeof this.io;
  }

  /** A port by its name. @throws SimulationError with the names of all ports if there is none. */
  port<Name extends keyof Ports & string>(name: Name): PortOf<Ports[Name]> {
    if (this.ports.has(name)) return this.io[name];
    const clock = this.built.clocks.includes(name)
      ? `'${name}' is a clock, which the model drives itself`
      : `There is no port '${name}'`;
    throw new SimulationError(`${clock}; the ports of ${this.built.top} are ${[...this.ports.keys()].join(', ')}.`);
  }

  get cycle(): number {
    return this.cycles;
  }

  memory(path: string): MemoryView {
    return this.place(path);
  }

  private place(path: string): MemoryPlace {
    let result = this.memories.get(path);
    if (result === undefined) {
      this.checkOpen();
      result = this.find(path);
      this.memories.set(path, result);
    }
    return result;
  }

  private find(path: string): MemoryPlace {
    const names = [this.built.top, ...path.split('.')];
    const name = names.pop() ?? '';
    const shape = new Uint32Array(3);
    const address = this.library.memory(this.simulation, names.join('.'), name, shape);
    if (address === null) {
      const known = this.built.memories.map(memory => `${memory.name} of ${memory.module}`);
      throw new SimulationError(
        `The design has no memory '${path}' below ${this.built.top}, or it was not asked for; memories: ${known.join(', ') || 'none'}.`,
      );
    }
    const [width = 0, depth = 0, stride = 0] = shape;
    return { width, depth, stride, address, bytes: new Uint8Array(this.storage.view(address, depth * stride)) };
  }

  settle(): void {
    this.checkOpen();
    this.checked(this.library.settle(this.simulation));
  }

  step(cycles = 1): void {
    this.checkOpen();
    this.cycles += this.checked(this.library.step(this.simulation, checkedCycles(cycles)));
  }

  run(maxCycles: number): number {
    this.checkOpen();
    const cycles = this.checked(this.library.run(this.simulation, checkedCycles(maxCycles)));
    this.cycles += cycles;
    return cycles;
  }

  /**
   * Does in one C++ loop what was recorded; this simulation must be new, and of a design with the same ports.
   * @returns nanoseconds that the loop took. @throws SimulationError if the recording is of other ports or memories.
   */
  replay(recording: Recording): number {
    this.checkOpen();
    const own = [...this.ports.keys()];
    if (own.length !== recording.ports.length || own.some((name, i) => name !== recording.ports[i]))
      throw new SimulationError(`The recording is of a design with other ports than ${this.built.top}.`);
    const addresses = BigUint64Array.from(recording.memories, path => this.place(path).address);
    const { log } = recording;
    const nanoseconds = this.checked(this.library.replay(this.simulation, log, log.length, addresses));
    this.cycles += recording.cycles;
    return nanoseconds;
  }

  /**
   * The state as it is now: registers, memories, ports, time; for `restore` of any model of this build, in this process or another. Waveforms are not in it.
   * @throws VerilatorError if the model was built without `savable`.
   */
  save(): Uint8Array {
    this.checkOpen();
    const size = this.checked(this.library.save(this.simulation));
    const header = Buffer.from(`${this.identity()} ${size}\n`);
    const state = new Uint8Array(size);
    this.library.saved(this.simulation, state);
    return Buffer.concat([header, state]);
  }

  /**
   * Goes on from a state that `save` gave, and settles; views of ports and memories stay the same and show it.
   * @throws SimulationError if the state is of another build or not complete; the simulation is then as it was.
   */
  restore(state: Uint8Array): void {
    this.checkOpen();
    const end = state.indexOf(10);
    const [identity, size] = new TextDecoder().decode(state.subarray(0, Math.max(0, end))).split(' ');
    if (identity !== this.identity())
      throw new SimulationError(
        `This is no state of this build of ${this.built.top}: states hold for the very same Verilog, options and tools.`,
      );
    const content = state.slice(end + 1);
    if (content.length !== Number(size))
      throw new SimulationError(
        `This state of ${this.built.top} is not complete: it has ${content.length} bytes instead of ${size}.`,
      );
    this.cycles = this.checked(this.library.restore(this.simulation, content, content.length));
  }

  /** What was executed and changed until now. @throws VerilatorError if the model was built without `coverage`. */
  coverage(): Coverage {
    const folder = mkdtempSync(join(tmpdir(), 'coverage-'));
    try {
      const file = join(folder, 'coverage.dat');
      this.writeCoverage(file);
      return coverageOf(readFileSync(file, 'latin1'));
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  /** Writes what `coverage` says in Verilator's format, for `verilator_coverage` and the tools that read it. */
  writeCoverage(file: string): void {
    this.checkOpen();
    // Where a file cannot be written, Verilator says nothing.
    if (this.built.coverage.length > 0) createFile('file of coverage', file);
    this.checked(this.library.coverage(this.simulation, file));
  }

  private identity(): string {
    return basename(dirname(this.built.library));
  }

  [Symbol.dispose](): void {
    if (!this.open) return;
    this.open = false;
    this.library.finish(this.simulation);
    this.storage.release();
  }

  private checked(result: number): number {
    if (result < 0) throw new VerilatorError(`The model of ${this.built.top} failed: ${this.library.error(this.simulation)}.`);
    return result;
  }

  private checkOpen(): void {
    if (!this.open) throw new SimulationError(`This simulation of ${this.built.top} was disposed of.`);
  }
}

/** The run-time library of Verilator says nothing about a file that it cannot write. */
function createFile(what: string, path: string): void {
  try {
    writeFileSync(path, '');
  } catch (error) {
    throw new VerilatorError(`The ${what} ${path} cannot be created: ${error instanceof Error ? error.message : error}.`);
  }
}

function checkedCycles(cycles: number): number {
  if (!Number.isSafeInteger(cycles) || cycles < 0)
    throw new SimulationError(`A number of cycles is a whole number from 0 up, not ${cycles}.`);
  return cycles;
}

/** Keeps storage of C++ until it is released and JavaScript has no view of it any more. */
class Storage {
  private static readonly collected = new FinalizationRegistry<Storage>(storage => {
    storage.views--;
    storage.free();
  });
  private readonly destroy: () => void;
  private views = 0;
  private released = false;

  constructor(destroy: () => void) {
    this.destroy = destroy;
  }

  view(address: Pointer, bytes: number): ArrayBuffer {
    const buffer = koffi.view(address, bytes);
    this.views++;
    Storage.collected.register(buffer, this);
    return buffer;
  }

  release(): void {
    this.released = true;
    this.free();
  }

  private free(): void {
    if (this.released && this.views === 0) this.destroy();
  }
}
