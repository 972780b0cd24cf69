import type { ir } from '@hdl/ts-hdl';
import {
  bitsOf,
  type ChunkProgram,
  type GatingPlaces,
  gatingPlanOf,
  type Item,
  Layout,
  type LoweredDesign,
  lowerDesign,
  type PlacedDesign,
  type PlacedMemory,
  type ProgramFunction,
  placedDesign,
  placeGating,
  placeRest,
  placeSpills,
  type Root,
  schedule,
} from '@hdl/ts-hdl/engine';
import { CFunction, literal, prelude, sizeOf } from './c-program.ts';
import { runtime } from './c-runtime.ts';
import { writeFunction } from './c-writes.ts';

/** A file of C. */
export interface CFile {
  readonly name: string;
  readonly text: string;
}

/** A design as C, and how its memory is laid out. */
export interface CSource {
  readonly design: PlacedDesign;
  readonly files: readonly CFile[];
  /** Bytes of the machine's memory. */
  readonly bytes: number;
  readonly places: GatingPlaces;
  /** Chunks that read a memory, by its number. */
  readonly readers: ReadonlyMap<number, readonly number[]>;
}

/** Operations per function: what a C compiler still optimises in little time. */
const FUNCTION_SIZE = 1500;
/** Items of a file, about: as many as compile in the time that it takes to start the compiler a few times. */
const FILE_SIZE = 3000;

/** Writes a design as C. `trace`: every named signal is computed by `native_settle`. */
export function cSource(design: ir.Design, trace: boolean): CSource {
  const lowered = lowerDesign(design, trace);
  const writer = new SourceWriter(lowered);
  return writer.source();
}

/** Collects functions in files. */
class Files {
  readonly files: CFile[] = [];
  readonly prototypes: string[] = [];
  private readonly prefix: string;
  private texts: string[] = [];
  private size = 0;

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  add(name: string, body: string, size: number): void {
    this.prototypes.push(`void ${name}(u8* m);`);
    this.texts.push(`void ${name}(u8* m) {\n${body}\n}\n`);
    this.size += size;
    if (this.size >= FILE_SIZE) this.flush();
  }

  flush(): void {
    if (this.texts.length > 0)
      this.files.push({ name: `${this.prefix}${this.files.length}.c`, text: `#include "model.h"\n${this.texts.join('')}` });
    this.texts = [];
    this.size = 0;
  }
}

class SourceWriter {
  private readonly lowered: LoweredDesign;
  private readonly code = new Files('code');
  private readonly emit: (() => void)[] = [];
  private memories: readonly PlacedMemory[] = [];
  private functions = 0;

  constructor(lowered: LoweredDesign) {
    this.lowered = lowered;
  }

  /** Schedules a program; it is written when the memories have their places. @returns its calls. */
  private program(roots: readonly Root[]): string {
    const { limbs, layout } = this.lowered;
    const program = schedule(limbs, roots, FUNCTION_SIZE);
    const spills = placeSpills(limbs, program, layout);
    const names = new Map<ProgramFunction, string>(program.functions.map(target => [target, `f${this.functions++}`]));
    const nameOf = ({ target }: Item & { kind: 'call' }) => names.get(target) ?? '';
    this.emit.push(() => {
      for (const [{ items }, name] of names) {
        const body = new CFunction({ limbs, kept: program.kept, spills, memories: this.memories, nameOf }).body(items);
        this.code.add(name, body, sizeOf(items));
      }
    });
    return program.items.map(item => (item.kind === 'call' ? `${nameOf(item)}(m);` : '')).join('\n');
  }

  source(): CSource {
    const { lowered } = this;
    const { graph, state, layout, registers, writes, resets, attention, outputs, writePorts } = lowered;
    const cycle = this.program([...registers, ...writes].flatMap(unit => unit.roots));
    const reset = this.program(resets);
    const settle = this.program(outputs);
    const attend = this.program(attention === undefined ? [] : [attention]);
    const rest = placeRest(lowered);
    this.memories = graph.memories.map(({ width }, i) => ({ base: rest.bases[i] ?? 0, width }));
    for (const write of this.emit) write();
    const gatingLayout = new Layout(rest.gating.address);
    const plan = gatingPlanOf(lowered, gatingLayout);
    const places = placeGating(plan, gatingLayout);
    if (gatingLayout.end > rest.gating.address + rest.gating.bytes) throw new RangeError('gating has too little room');
    for (const chunk of plan.chunks) this.chunk(chunk, places);
    this.code.flush();

    const text = runtime({
      plan,
      places,
      current: state.current,
      shadow: state.shadow,
      reset: state.reset,
      programs: { cycle, reset, settle, attention: attend },
      attention: attention?.address,
      writes: writePorts.map((port, i) => {
        const memory = graph.memories[port.memory];
        if (memory === undefined) throw new RangeError(`there is no memory ${port.memory}`);
        return {
          port,
          text: writeFunction(i, port, memory, rest.bases[port.memory] ?? 0),
          changed: marks(places.next, plan.memories.get(port.memory) ?? []),
        };
      }),
      mark: marks,
    });
    const header = `${prelude}${this.code.prototypes.join('\n')}\n`;
    return {
      design: placedDesign(lowered, rest),
      files: [{ name: 'model.h', text: header }, ...this.code.files, { name: 'main.c', text: `#include "model.h"\n${text}` }],
      bytes: 64 * Math.ceil(layout.end / 64),
      places,
      readers: plan.memories,
    };
  }

  private chunk({ number, limbs, items, kept, effects, effectOf }: ChunkProgram, places: GatingPlaces): void {
    const watching = {
      effectOf: (source: number) => effectOf.get(source) ?? -1,
      effect: (index: number) => {
        const { now = [], next = [], commit = false } = effects[index] ?? {};
        return marks(places.now, now) + marks(places.next, next) + (commit ? marks(places.commit, [number]) : '');
      },
      again: marks(places.next, [number]),
    };
    const spills = new Int32Array(limbs.size).fill(-1);
    const { memories } = this;
    const body = new CFunction({ limbs, kept, spills, memories, nameOf: () => '', watching }).body(items);
    this.code.add(`chunk_${number}`, body, sizeOf(items));
  }
}

/** Statements that add chunks to the set at `place`. */
function marks(place: number, chunks: readonly number[]): string {
  return [...bitsOf(chunks)].map(([word, bits]) => `*(u64*)(m + ${place + 8 * word}) |= ${literal(bits)}; `).join('');
}
