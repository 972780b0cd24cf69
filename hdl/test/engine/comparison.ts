import { expect } from 'vitest';
import type { Simulation } from '../../src/engine/simulation.ts';
import type { Design, Module } from '../../src/ir/ir.ts';
import { Random } from '../random.ts';
import { ReferenceInterpreter } from '../reference-interpreter.ts';
import { get, set, setWord, word } from './ports.ts';

function memoriesOf({ memories, instances }: Module, prefix = ''): string[] {
  return [
    ...memories.map(({ name }) => prefix + name),
    ...instances.flatMap(({ name, module }) => memoriesOf(module, `${prefix}${name}.`)),
  ];
}

/** Drives a design on the interpreter and on engines in the same way, and compares them. */
export class Comparison {
  private readonly seed: number;
  private readonly random: Random;
  private readonly engines: readonly Simulation[];
  private readonly reference: ReferenceInterpreter;
  private readonly memories: readonly string[];

  constructor(seed: number, design: Design, engines: readonly Simulation[]) {
    this.seed = seed;
    this.random = new Random(seed ^ 0x6a7e);
    this.engines = engines;
    this.reference = new ReferenceInterpreter(design);
    this.memories = memoriesOf(design.top);
  }

  /** Changes each input with a probability. */
  drive(chance: number): void {
    const { random } = this;
    for (const { name, direction, width } of this.engines[0]?.ports.values() ?? []) {
      if (direction === 'output' || !random.chance(chance)) continue;
      const value = name === 'rst' ? BigInt(random.chance(0.1)) : random.bits(width);
      for (const engine of this.engines) set(engine, name, value);
      this.reference.set(name, value);
    }
  }

  /** Writes a word of a memory from outside. */
  writeMemory(): void {
    const { random, memories } = this;
    if (memories.length === 0) return;
    const path = random.pick(memories);
    const words = this.reference.memory(path);
    const index = random.below(words.length);
    for (const engine of this.engines) {
      const view = engine.memory(path);
      words[index] = random.bits(view.width);
      break;
    }
    for (const engine of this.engines) setWord(engine.memory(path), index, words[index] ?? 0n);
  }

  step(cycles: number): void {
    for (const engine of this.engines) engine.step(cycles);
    for (let i = 0; i < cycles; i++) this.reference.step();
    this.compare();
  }

  /** Runs until `attention`. */
  run(most: number): void {
    let cycles = 0;
    this.reference.settle();
    for (; cycles < most && this.reference.get('attention') === 0n; cycles++) this.reference.step();
    for (const engine of this.engines) expect(engine.run(most), `seed ${this.seed}, cycles of a run`).toBe(cycles);
    this.compare();
  }

  private compare(): void {
    const { reference, seed } = this;
    this.engines.forEach((engine, i) => {
      for (const { name, direction } of engine.ports.values())
        if (direction === 'output')
          expect(get(engine, name), `seed ${seed}, cycle ${engine.cycle}, engine ${i}, ${name}`).toBe(reference.get(name));
    });
  }

  compareMemories(): void {
    for (const path of this.memories) {
      const words = this.reference.memory(path);
      this.engines.forEach((engine, i) => {
        const view = engine.memory(path);
        words.forEach((value, index) => {
          expect(word(view, index), `seed ${this.seed}, engine ${i}, ${path}, word ${index}`).toBe(value);
        });
      });
    }
  }

  /** Has the first 1-bit output stop `run`, if there is one. */
  static withAttention(design: Design): boolean {
    const signal = design.top.signals.find(({ kind, width }) => kind === 'output' && width === 1);
    if (signal !== undefined) Object.assign(signal, { name: 'attention' });
    return signal !== undefined;
  }
}
