import { type MemoryView, type PortView, type Simulation, SimulationError } from '@hdl/ts-hdl';
import koffi from 'koffi';
import type { Build } from './build.ts';

/** A pointer to a C++ object. */
type Handle = object;

interface Functions {
  create(trace: string | null): Handle;
  destroy(sim: Handle): void;
  ports(sim: Handle): Handle;
  settle(sim: Handle): void;
  step(sim: Handle, cycles: number): number;
  run(sim: Handle, most: number): number;
  memory(sim: Handle, which: number): Handle;
  stride(sim: Handle, which: number): number;
  replay(sim: Handle, log: Uint32Array, words: number): number;
}

const loaded = new Map<string, Functions>();

function load(library: string): Functions {
  const known = loaded.get(library);
  if (known) return known;
  const lib = koffi.load(library);
  const functions = {
    create: lib.func('void *sim_create(const char *trace)'),
    destroy: lib.func('void sim_destroy(void *sim)'),
    ports: lib.func('void *sim_ports(void *sim)'),
    settle: lib.func('void sim_settle(void *sim)'),
    step: lib.func('uint32_t sim_step(void *sim, uint32_t cycles)'),
    run: lib.func('uint32_t sim_run(void *sim, uint32_t most)'),
    memory: lib.func('void *sim_memory(void *sim, uint32_t which)'),
    stride: lib.func('uint32_t sim_memory_stride(void *sim, uint32_t which)'),
    replay: lib.func('uint64_t sim_replay(void *sim, const uint32_t *log, uint64_t words)'),
  } as unknown as Functions;
  loaded.set(library, functions);
  return functions;
}

/** A verilated model in this process. Views of its ports and memories are windows on its own storage and must not be used after dispose. */
export class VerilatedModel implements Simulation {
  readonly engine = 'verilator';
  readonly ports: ReadonlyMap<string, PortView>;
  private readonly functions: Functions;
  private readonly handle: Handle;
  private readonly memories = new Map<string, MemoryView>();
  private readonly built: Build;
  private cycles = 0;
  private open = true;

  constructor(built: Build, trace?: string) {
    this.built = built;
    this.functions = load(built.library);
    this.handle = this.functions.create(trace ?? null);
    const words = built.ports.reduce((n, p) => Math.max(n, p.offset + p.words), 1);
    const block = new Uint32Array(koffi.view(this.functions.ports(this.handle), 4 * words));
    this.ports = new Map(
      built.ports.map(({ name, direction, width, offset, words }) => [
        name,
        { name, direction, width, words: block.subarray(offset, offset + words) },
      ]),
    );
  }

  get cycle(): number {
    return this.cycles;
  }

  memory(path: string): MemoryView {
    const known = this.memories.get(path);
    if (known) return known;
    const which = this.built.memories.findIndex(m => m.path === path);
    const memory = this.built.memories[which];
    if (!memory) {
      const names = this.built.memories.map(m => m.path).join(', ');
      throw new SimulationError(`there is no memory '${path}'; the model has ${names === '' ? 'none' : names}`);
    }
    const stride = this.functions.stride(this.handle, which);
    const bytes = new Uint8Array(koffi.view(this.functions.memory(this.handle, which), stride * memory.depth));
    const view = { width: memory.width, depth: memory.depth, stride, bytes };
    this.memories.set(path, view);
    return view;
  }

  settle(): void {
    this.functions.settle(this.handle);
  }

  step(cycles = 1): void {
    this.cycles += this.functions.step(this.handle, cycles);
  }

  run(maxCycles: number): number {
    const done = this.functions.run(this.handle, maxCycles);
    this.cycles += done;
    return done;
  }

  /** Replays a recorded run in one C++ loop. @returns nanoseconds. */
  replay(log: Uint32Array): number {
    return Number(this.functions.replay(this.handle, log, log.length));
  }

  [Symbol.dispose](): void {
    if (!this.open) return;
    this.open = false;
    this.functions.destroy(this.handle);
  }
}
