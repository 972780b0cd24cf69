import type { MemoryView, PortView, Simulation } from '@hdl/ts-hdl';
import { VerilatorError } from './errors.ts';

/** What JavaScript did to a simulation, and between what cycles: `VerilatedModel.replay` does it again without JavaScript. */
export interface Recording {
  /** Names of the ports in order. */
  readonly ports: readonly string[];
  /** Paths of the memories that were written. */
  readonly memories: readonly string[];
  readonly cycles: number;
  /**
   * Entries one after another: `0, cycles` runs; `1, word, n, ...` writes n words of the block of all ports' words, in order; `2, memory, byte, n, ...` writes
   * n bytes, padded to words, of a memory of the list.
   */
  readonly log: Uint32Array;
}

/** Memories are compared in pieces of this many bytes. */
const piece = 4096;

/**
 * A simulation that records how it is driven, to measure what JavaScript costs: the same model with the same traffic runs again in a bare C++ loop. Before
 * every call it looks for what JavaScript wrote to ports and memories since the last one, so recording is slow.
 */
export class Recorder implements Simulation {
  private readonly simulation: Simulation;
  private readonly inputs: { readonly offset: number; readonly words: Uint32Array; readonly before: Uint32Array }[] = [];
  private readonly memories = new Map<string, { readonly view: MemoryView; readonly before: Uint8Array }>();
  private readonly log = new Log();
  private cycles = 0;

  /** Records a simulation that has just been made. */
  constructor(simulation: Simulation) {
    this.simulation = simulation;
    let offset = 0;
    for (const { direction, words } of simulation.ports.values()) {
      if (direction === 'input') this.inputs.push({ offset, words, before: words.slice() });
      offset += words.length;
    }
  }

  get engine(): string {
    return this.simulation.engine;
  }

  get cycle(): number {
    return this.simulation.cycle;
  }

  get ports(): ReadonlyMap<string, PortView> {
    return this.simulation.ports;
  }

  memory(path: string): MemoryView {
    let known = this.memories.get(path);
    if (known === undefined) {
      const view = this.simulation.memory(path);
      known = { view, before: view.bytes.slice() };
      this.memories.set(path, known);
    }
    return known.view;
  }

  settle(): void {
    this.simulation.settle();
  }

  step(cycles = 1): void {
    this.noteWrites();
    this.simulation.step(cycles);
    this.noteCycles(cycles);
  }

  run(maxCycles: number): number {
    this.noteWrites();
    const cycles = this.simulation.run(maxCycles);
    this.noteCycles(cycles);
    return cycles;
  }

  save(): Uint8Array {
    return this.simulation.save();
  }

  /** @throws VerilatorError always: the bare loop runs from the beginning. */
  restore(): void {
    throw new VerilatorError(
      'A simulation that is recorded cannot go on from a saved state: the bare loop runs from the beginning.',
    );
  }

  /** What has been done until now. */
  recording(): Recording {
    return { ports: [...this.ports.keys()], memories: [...this.memories.keys()], cycles: this.cycles, log: this.log.words() };
  }

  [Symbol.dispose](): void {
    this.simulation[Symbol.dispose]();
  }

  private noteWrites(): void {
    for (const { offset, words, before } of this.inputs) {
      if (words.every((word, i) => word === before[i])) continue;
      this.log.append(1, offset, words.length, ...words);
      before.set(words);
    }
    let index = 0;
    for (const { view, before } of this.memories.values()) {
      for (let start = 0; start < before.length; start += piece) this.noteBytes(index, view.bytes, before, start);
      index++;
    }
  }

  /** Notes the bytes between the first and the last that differ in a piece. */
  private noteBytes(memory: number, now: Uint8Array, before: Uint8Array, start: number): void {
    let end = Math.min(start + piece, before.length);
    if (Buffer.compare(now.subarray(start, end), before.subarray(start, end)) === 0) return;
    let first = start;
    while (now[first] === before[first]) first++;
    while (now[end - 1] === before[end - 1]) end--;
    this.log.append(2, memory, first, end - first);
    this.log.appendBytes(now.subarray(first, end));
  }

  private noteCycles(cycles: number): void {
    for (let rest = cycles; rest > 0; rest -= 0xffff_ffff) this.log.append(0, Math.min(rest, 0xffff_ffff));
    this.cycles += cycles;
    for (const { view, before } of this.memories.values()) before.set(view.bytes);
  }
}

/** Words that become more. */
class Log {
  private buffer = new Uint32Array(1 << 16);
  private length = 0;

  append(...words: readonly number[]): void {
    this.reserve(words.length);
    this.buffer.set(words, this.length);
    this.length += words.length;
  }

  appendBytes(bytes: Uint8Array): void {
    const words = Math.ceil(bytes.length / 4);
    this.reserve(words);
    new Uint8Array(this.buffer.buffer, 4 * this.length).set(bytes);
    this.length += words;
  }

  words(): Uint32Array {
    return this.buffer.slice(0, this.length);
  }

  private reserve(words: number): void {
    if (this.length + words <= this.buffer.length) return;
    const larger = new Uint32Array(2 * this.buffer.length + words);
    larger.set(this.buffer);
    this.buffer = larger;
  }
}
