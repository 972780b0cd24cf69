import type { MemoryView, PortView, Simulation } from '@hdl/ts-hdl';

/**
 * Two engines with one design in step: what software does to the first is done to the second, and after every single cycle all outputs of both
 * are compared. Software sees the first.
 */
export class Lockstep implements Simulation {
  readonly engine: string;
  private readonly a: Simulation;
  private readonly b: Simulation;
  private readonly pairs: readonly (readonly [PortView, PortView])[];
  private readonly memories = new Map<string, { readonly a: MemoryView; readonly b: MemoryView; readonly before: Uint8Array }>();

  constructor(a: Simulation, b: Simulation) {
    this.engine = `${a.engine} and ${b.engine}`;
    this.a = a;
    this.b = b;
    this.pairs = [...a.ports].map(([name, port]) => {
      const other = b.ports.get(name);
      if (!other || other.width !== port.width || other.direction !== port.direction)
        throw new Error(`the engines differ in the port ${name}`);
      return [port, other] as const;
    });
    if (a.ports.size !== b.ports.size) throw new Error('the engines have different ports');
  }

  get cycle(): number {
    return this.a.cycle;
  }
  get ports(): ReadonlyMap<string, PortView> {
    return this.a.ports;
  }

  memory(path: string): MemoryView {
    let known = this.memories.get(path);
    if (!known) {
      const a = this.a.memory(path);
      known = { a, b: this.b.memory(path), before: a.bytes.slice() };
      this.memories.set(path, known);
    }
    return known.a;
  }

  settle(): void {
    this.hand();
    this.a.settle();
    this.b.settle();
    this.compare();
  }

  step(cycles = 1): void {
    this.hand();
    for (let i = 0; i < cycles; i++) {
      this.a.step(1);
      this.b.step(1);
      this.compare();
    }
    this.remember();
  }

  run(maxCycles: number): number {
    const attention = this.a.ports.get('attention');
    this.settle();
    let cycles = 0;
    for (; cycles < maxCycles && !attention?.words[0]; cycles++) {
      this.a.step(1);
      this.b.step(1);
      this.compare();
    }
    this.remember();
    return cycles;
  }

  /** The state of the first behind its length, then that of the second. */
  save(): Uint8Array {
    const a = this.a.save();
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, a.length);
    return Buffer.concat([length, a, this.b.save()]);
  }

  restore(state: Uint8Array): void {
    const end = 4 + new DataView(state.buffer, state.byteOffset, 4).getUint32(0);
    this.a.restore(state.subarray(4, end));
    this.b.restore(state.subarray(end));
    this.remember();
  }

  [Symbol.dispose](): void {
    this.a[Symbol.dispose]();
    this.b[Symbol.dispose]();
  }

  /** Bytes in which a memory differs; only its words, not the padding between them. */
  differences(): string[] {
    return [...this.memories].filter(([, { a, b }]) => !sameWords(a, b)).map(([path]) => path);
  }

  /** Does to the second what software has done to the first since the last run. */
  private hand(): void {
    for (const [port, other] of this.pairs) if (port.direction === 'input') other.words.set(port.words);
    for (const { a, b, before } of this.memories.values()) {
      const bytes = Math.ceil(a.width / 8);
      if (Buffer.compare(a.bytes, before) === 0) continue;
      for (let word = 0; word < a.depth; word++) {
        const start = word * a.stride;
        const now = a.bytes.subarray(start, start + bytes);
        if (Buffer.compare(now, before.subarray(start, start + bytes)) !== 0) b.bytes.set(now, word * b.stride);
      }
      before.set(a.bytes);
    }
  }

  private remember(): void {
    for (const { a, before } of this.memories.values()) before.set(a.bytes);
  }

  private compare(): void {
    for (const [port, other] of this.pairs) {
      if (port.direction === 'input') continue;
      for (let i = 0; i < port.words.length; i++) {
        if (port.words[i] === other.words[i]) continue;
        throw new Error(
          `cycle ${this.cycle}: ${port.name} is ${hex(port)} on ${this.a.engine} and ${hex(other)} on ${this.b.engine}`,
        );
      }
    }
  }
}

const hex = (port: PortView) =>
  `0x${[...port.words]
    .reverse()
    .map(w => w.toString(16).padStart(8, '0'))
    .join('')}`;

function sameWords(a: MemoryView, b: MemoryView): boolean {
  const bytes = Math.ceil(a.width / 8);
  for (let word = 0; word < a.depth; word++) {
    const at = (view: MemoryView) => view.bytes.subarray(word * view.stride, word * view.stride + bytes);
    if (Buffer.compare(at(a), at(b)) !== 0) return false;
  }
  return true;
}
