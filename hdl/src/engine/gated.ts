import { at } from './at.ts';
import { emitFunction, type PlacedMemory, type Watching } from './emit-program.ts';
import { emitGatedWrites } from './emit-writes.ts';
import type { FlatMemory } from './flat-graph.ts';
import {
  bitsOf,
  busyFrom,
  type GatingPlaces,
  LONGEST_PLAIN,
  Policy,
  placeGating,
  SHORTEST_PLAIN,
  WINDOW,
} from './gating-places.ts';
import type { ChunkProgram, GatingPlan } from './gating-plan.ts';
import { type Layout, limbBytes } from './layout.ts';
import type { WritePort } from './program.ts';
import { ByteWriter, Code, encodeModule, type FunctionCode, I32, I64, Signature } from './wasm-encoder.ts';

/** What the gated module is made for. */
export interface GatedParts {
  readonly plan: GatingPlan;
  readonly ports: readonly WritePort[];
  readonly memories: readonly FlatMemory[];
  readonly bases: readonly number[];
  /** Bytes from a register's value before the edge to its next one, and where the first of them begin. */
  readonly current: number;
  readonly shadow: number;
  /** Address of the reset port; -1 if there is none. */
  readonly reset: number;
  readonly pages: number;
}

/** The gated code, a module that shares the memory of the plain one and takes over its `step` and `run`. */
export interface GatedModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly places: GatingPlaces;
  /** Chunks that read a memory, by its number. */
  readonly readers: ReadonlyMap<number, readonly number[]>;
}

/** Functions that are imported, by index. */
const Imported = { advance: 0, advanceUntil: 1, settle: 2 } as const;

function load32(out: ByteWriter, address: number): void {
  out.i32(0);
  out.load(I32, 4, address);
}

function set32(out: ByteWriter, address: number, value: number): void {
  out.i32(0);
  out.i32(value);
  out.store(I32, 4, address);
}

function load64(out: ByteWriter, address: number): void {
  out.i32(0);
  out.load(I64, 8, address);
}

function literal(out: ByteWriter, value: bigint): void {
  out.i64(Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
}

/** Adds chunks to the set at `place`. */
function mark(out: ByteWriter, place: number, chunks: readonly number[]): void {
  for (const [word, bits] of bitsOf(chunks)) {
    out.i32(0);
    load64(out, place + 8 * word);
    literal(out, bits);
    out.byte(Code.or[1]);
    out.store(I64, 8, place + 8 * word);
  }
}

/** Emits the parts of the gated module. */
class GatedEmitter {
  private readonly parts: GatedParts;
  private readonly places: GatingPlaces;
  private readonly functions: FunctionCode[] = [];
  private readonly table: number[] = [];

  constructor(parts: GatedParts, layout: Layout) {
    this.parts = parts;
    this.places = placeGating(parts.plan, layout);
  }

  private add(signature: number, locals: readonly number[], write: (out: ByteWriter) => void): number {
    const out = new ByteWriter();
    write(out);
    return this.addCode({ signature, locals, code: out.bytes });
  }

  private addCode(code: FunctionCode): number {
    return this.functions.push(code) - 1 + Object.keys(Imported).length;
  }

  module(): GatedModule {
    const { plan, ports, memories, bases, pages } = this.parts;
    const placed = memories.map(({ width }, i) => ({ base: at(bases, i), width }));
    const none = this.add(Signature.run, [], () => {});
    // Entry n computes chunk n, entry n + 64 * words takes over its registers' values; writes follow.
    for (let i = 0; i < 2 * 64 * plan.words; i++) this.table.push(none);
    for (const chunk of plan.chunks) {
      this.table[chunk.number] = this.chunk(chunk, placed);
      if (chunk.words.length > 0) this.table[chunk.number + 64 * plan.words] = this.commit(chunk);
    }
    const readers = plan.memories;
    const changed = (memory: number, out: ByteWriter) => mark(out, this.places.next, readers.get(memory) ?? []);
    const writes = emitGatedWrites(ports, memories, bases, changed).map(code => this.addCode(code));
    this.table.push(...writes);
    const edge = this.edge();
    const gated = this.gated(this.leading(), edge);
    const all = this.markAll();
    const run = this.run(gated, this.entry(all), all);
    const step = this.add(Signature.count, [], out => {
      out.localGet(0);
      out.i32(0);
      out.call(run);
      out.byte(Code.drop);
      out.call(Imported.settle);
    });
    const runUntil = this.add(Signature.countToCount, [], out => {
      out.localGet(0);
      out.i32(1);
      out.call(run);
      out.call(Imported.settle);
    });
    const bytes = encodeModule({
      functions: this.functions,
      memoryPages: pages,
      exported: new Map(Object.entries({ step, run: runUntil })),
      imports: {
        functions: [
          { name: 'advance', signature: Signature.countToCount },
          { name: 'advanceUntil', signature: Signature.countToCount },
          { name: 'settle', signature: Signature.run },
        ],
      },
      table: this.table,
    });
    return { bytes, places: this.places, readers };
  }

  private chunk({ number, limbs, items, kept, effects, effectOf }: ChunkProgram, memories: readonly PlacedMemory[]): number {
    const { now, next, commit } = this.places;
    const watching: Watching = {
      effectOf: source => effectOf.get(source) ?? -1,
      effect: (index, out) => {
        const effect = at(effects, index);
        mark(out, now, effect.now);
        mark(out, next, effect.next);
        if (effect.commit) mark(out, commit, [number]);
      },
      again: out => mark(out, next, [number]),
    };
    const spills = new Int32Array(limbs.size).fill(-1);
    return this.addCode(emitFunction({ limbs, kept, spills, memories, indexOf: () => -1, watching }, items));
  }

  private commit({ words }: ChunkProgram): number {
    return this.add(Signature.run, [], out => {
      for (const address of words) {
        out.i32(0);
        load64(out, address + this.parts.shadow);
        out.store(I64, 8, address);
      }
    });
  }

  /** Calls the table's entry, from `first` on, for each bit of the word at `address`, which is cleared. Local `bits` is 64 bits wide. */
  private callEach(out: ByteWriter, address: number, first: number, bits: number, each: (out: ByteWriter) => void): void {
    out.open(Code.block);
    out.open(Code.loop);
    load64(out, address);
    out.localTee(bits);
    out.byte(Code.eqz[1]);
    out.branch(Code.branchIf, 1);
    out.i32(0);
    this.withoutLowest(out, bits);
    out.store(I64, 8, address);
    each(out);
    this.callLowest(out, bits, first, 1);
    out.branch(Code.branch, 0);
    out.byte(Code.end);
    out.byte(Code.end);
  }

  private withoutLowest(out: ByteWriter, bits: number): void {
    out.localGet(bits);
    out.localGet(bits);
    out.i64(1, 0);
    out.byte(Code.sub[1]);
    out.byte(Code.and[1]);
  }

  /** Calls entry `first` plus the number of the lowest set bit divided by `step`. */
  private callLowest(out: ByteWriter, bits: number, first: number, step: 1 | 8): void {
    out.localGet(bits);
    out.byte(Code.ctz[1]);
    out.byte(Code.wrap);
    if (step === 8) {
      out.i32(3);
      out.byte(Code.shrUnsigned[0]);
    }
    out.i32(first);
    out.byte(Code.add[0]);
    out.callTable();
  }

  /** Computes what `attention` needs. */
  private leading(): number {
    return this.add(Signature.run, [I64], out => {
      for (let word = 0; word < this.parts.plan.leadingWords; word++)
        this.callEach(out, this.places.now + 8 * word, 64 * word, 0, () => {});
    });
  }

  /** A cycle. @returns (in WebAssembly) how many chunks it has computed. */
  private edge(): number {
    const { plan, ports } = this.parts;
    const { now, next, commit } = this.places;
    const [computed, bits] = [0, 1];
    return this.add(Signature.toCount, [I32, I64], out => {
      for (let word = plan.leadingWords; word < plan.words; word++)
        this.callEach(out, now + 8 * word, 64 * word, bits, () => {
          out.localGet(computed);
          out.i32(1);
          out.byte(Code.add[0]);
          out.localSet(computed);
        });
      for (let word = plan.leadingWords; word < plan.words; word++)
        this.callEach(out, commit + 8 * word, 64 * (plan.words + word), bits, () => {});
      this.count(out, () => out.i64(1, 0));
      for (let word = 0; 8 * word < ports.length; word++) {
        // Flags stay: a port whose chunk is not computed goes on writing.
        load64(out, plan.flags + 8 * word);
        out.localSet(bits);
        out.open(Code.block);
        out.open(Code.loop);
        out.localGet(bits);
        out.byte(Code.eqz[1]);
        out.branch(Code.branchIf, 1);
        this.callLowest(out, bits, 128 * plan.words + 8 * word, 8);
        this.withoutLowest(out, bits);
        out.localSet(bits);
        out.branch(Code.branch, 0);
        out.byte(Code.end);
        out.byte(Code.end);
      }
      for (let word = 0; word < plan.words; word++) {
        out.i32(0);
        load64(out, next + 8 * word);
        out.store(I64, 8, now + 8 * word);
        out.i32(0);
        out.i64(0, 0);
        out.store(I64, 8, next + 8 * word);
      }
      out.localGet(computed);
    });
  }

  /** Lets all counters advance by the 64-bit number of cycles that `cycles` puts on the stack. */
  private count(out: ByteWriter, cycles: () => void): void {
    const { plan, shadow } = this.parts;
    for (const { address, width, step } of plan.counters) {
      const bytes = limbBytes(width);
      for (const place of [address + shadow, address]) {
        out.i32(0);
        out.i32(0);
        out.load(I64, bytes, address);
        cycles();
        literal(out, step);
        out.byte(Code.mul[1]);
        out.byte(Code.add[1]);
        literal(out, (1n << BigInt(width)) - 1n);
        out.byte(Code.and[1]);
        out.store(I64, bytes, place);
      }
    }
  }

  /** Runs at most so many cycles, gated; parameter 1 says whether `attention` stops. @returns (in WebAssembly) the cycles. */
  private gated(leading: number, edge: number): number {
    const { plan } = this.parts;
    const { places } = this;
    const [limit, stops, cycles, repeated] = [0, 1, 2, 3];
    return this.add(Signature.two, [I32, I32], out => {
      out.open(Code.block);
      out.open(Code.loop);
      out.call(leading);
      if (plan.attention !== undefined) {
        out.localGet(stops);
        load32(out, plan.attention);
        out.byte(Code.and[0]);
        out.branch(Code.branchIf, 1);
      }
      out.localGet(cycles);
      out.localGet(limit);
      out.byte(Code.eq[0]);
      out.branch(Code.branchIf, 1);
      // Nothing can change any more. The first cycle runs in any case: a port may be about to write to a memory that was changed from outside.
      out.localGet(repeated);
      out.open(Code.if);
      out.i64(0, 0);
      for (let word = plan.leadingWords; word < plan.words; word++) {
        load64(out, places.now + 8 * word);
        out.byte(Code.or[1]);
      }
      out.byte(Code.eqz[1]);
      out.open(Code.if);
      this.count(out, () => {
        out.localGet(limit);
        out.localGet(cycles);
        out.byte(Code.sub[0]);
        out.byte(Code.extend);
      });
      out.localGet(limit);
      out.localSet(cycles);
      out.branch(Code.branch, 3);
      out.byte(Code.end);
      out.byte(Code.end);
      out.i32(1);
      out.localSet(repeated);
      out.i32(0);
      load32(out, places.computed);
      out.call(edge);
      out.byte(Code.add[0]);
      out.store(I32, 4, places.computed);
      out.localGet(cycles);
      out.i32(1);
      out.byte(Code.add[0]);
      out.localSet(cycles);
      this.measure(out);
      out.branch(Code.branch, 0);
      out.byte(Code.end);
      out.byte(Code.end);
      out.localGet(cycles);
    });
  }

  /** At the end of a window: leaves the loop for plain code if too much has changed in it. */
  private measure(out: ByteWriter): void {
    const { places } = this;
    out.i32(0);
    load32(out, places.window);
    out.i32(1);
    out.byte(Code.sub[0]);
    out.store(I32, 4, places.window);
    load32(out, places.window);
    out.byte(Code.eqz[0]);
    out.open(Code.if);
    set32(out, places.window, WINDOW);
    load32(out, places.computed);
    out.i32(busyFrom(this.parts.plan));
    out.byte(Code.geu[0]);
    load32(out, places.policy);
    out.i32(Policy.measured);
    out.byte(Code.eq[0]);
    out.byte(Code.and[0]);
    set32(out, places.computed, 0);
    out.open(Code.if);
    set32(out, places.gated, 0);
    out.i32(0);
    load32(out, places.plain);
    out.store(I32, 4, places.left);
    out.i32(0);
    load32(out, places.plain);
    out.i32(1);
    out.byte(Code.shl[0]);
    out.store(I32, 4, places.plain);
    load32(out, places.plain);
    out.i32(LONGEST_PLAIN);
    out.byte(Code.geu[0]);
    out.open(Code.if);
    set32(out, places.plain, LONGEST_PLAIN);
    out.byte(Code.end);
    out.branch(Code.branch, 3);
    out.byte(Code.end);
    set32(out, places.plain, SHORTEST_PLAIN);
    out.byte(Code.end);
  }

  /** Has everything computed in the next cycle, as after a change that nobody noted. */
  private markAll(): number {
    const { plan, current, shadow } = this.parts;
    const { places } = this;
    const all = bitsOf(plan.chunks.map(chunk => chunk.number));
    return this.add(Signature.run, [], out => {
      for (let word = 0; word < plan.words; word++) {
        for (const [place, bits] of [
          [places.now, all.get(word) ?? 0n],
          [places.next, 0n],
          [places.commit, 0n],
        ] as const) {
          out.i32(0);
          literal(out, bits);
          out.store(I64, 8, place + 8 * word);
        }
      }
      out.i32(current + shadow);
      out.i32(current);
      out.i32(shadow);
      out.memoryCopy();
      for (const [address, copy] of places.inputs) {
        out.i32(0);
        load64(out, address);
        out.store(I64, 8, copy);
      }
      set32(out, places.valid, 1);
    });
  }

  /** What a call begins with: everything that came from outside. */
  private entry(all: number): number {
    const { plan } = this.parts;
    const { places } = this;
    return this.add(Signature.run, [], out => {
      load32(out, places.valid);
      out.byte(Code.eqz[0]);
      out.open(Code.if);
      out.call(all);
      out.byte(Code.return);
      out.byte(Code.end);
      for (const [address, copy] of places.inputs) {
        const readers = plan.inputs.get(address) ?? [];
        if (readers.length === 0) continue;
        load64(out, address);
        load64(out, copy);
        out.byte(Code.ne[1]);
        out.open(Code.if);
        out.i32(0);
        load64(out, address);
        out.store(I64, 8, copy);
        mark(out, places.now, readers);
        out.byte(Code.end);
      }
      for (let word = 0; word < plan.words; word++) {
        out.i32(0);
        load64(out, places.now + 8 * word);
        load64(out, places.outside + 8 * word);
        out.byte(Code.or[1]);
        out.store(I64, 8, places.now + 8 * word);
      }
    });
  }

  /** Runs at most so many cycles, in plain or gated code as activity says; parameter 1: `attention` stops. No settling. */
  private run(gated: number, entry: number, all: number): number {
    const { reset } = this.parts;
    const { places } = this;
    const [limit, stops, cycles, piece, ran] = [0, 1, 2, 3, 4];
    const plain = (out: ByteWriter, count: number) => {
      out.localGet(stops);
      out.open(Code.if);
      out.localGet(count);
      out.call(Imported.advanceUntil);
      out.localSet(ran);
      out.byte(Code.else);
      out.localGet(count);
      out.call(Imported.advance);
      out.localSet(ran);
      out.byte(Code.end);
    };
    return this.add(Signature.two, [I32, I32, I32], out => {
      if (reset >= 0) {
        load32(out, reset);
        out.open(Code.if);
        set32(out, places.valid, 0);
        plain(out, limit);
        out.localGet(ran);
        out.byte(Code.return);
        out.byte(Code.end);
      }
      load32(out, places.plain);
      out.byte(Code.eqz[0]);
      out.open(Code.if);
      set32(out, places.plain, SHORTEST_PLAIN);
      set32(out, places.gated, 1);
      set32(out, places.window, WINDOW);
      out.byte(Code.end);
      load32(out, places.gated);
      out.open(Code.if);
      out.call(entry);
      out.byte(Code.end);
      out.open(Code.block);
      out.open(Code.loop);
      load32(out, places.gated);
      out.open(Code.if);
      out.localGet(limit);
      out.localGet(cycles);
      out.byte(Code.sub[0]);
      out.localGet(stops);
      out.call(gated);
      out.localGet(cycles);
      out.byte(Code.add[0]);
      out.localSet(cycles);
      load32(out, places.gated);
      out.branch(Code.branchIf, 2);
      out.byte(Code.end);
      this.smaller(out, limit, cycles, piece);
      plain(out, piece);
      out.localGet(ran);
      out.localGet(cycles);
      out.byte(Code.add[0]);
      out.localSet(cycles);
      out.i32(0);
      load32(out, places.left);
      out.localGet(ran);
      out.byte(Code.sub[0]);
      out.store(I32, 4, places.left);
      load32(out, places.left);
      out.branch(Code.branchIf, 1);
      set32(out, places.gated, 1);
      set32(out, places.window, WINDOW);
      out.call(all);
      out.branch(Code.branch, 0);
      out.byte(Code.end);
      out.byte(Code.end);
      out.localGet(cycles);
    });
  }

  /** Sets `piece` to the smaller of what is left of `limit` and of the cycles of plain code. */
  private smaller(out: ByteWriter, limit: number, cycles: number, piece: number): void {
    out.localGet(limit);
    out.localGet(cycles);
    out.byte(Code.sub[0]);
    out.localTee(piece);
    load32(out, this.places.left);
    out.localGet(piece);
    load32(out, this.places.left);
    out.byte(Code.ltu[0]);
    out.byte(Code.select);
    out.localSet(piece);
  }
}

/** Emits the gated module. What it keeps in memory comes from `layout`. */
export function emitGated(parts: GatedParts, layout: Layout): GatedModule {
  return new GatedEmitter(parts, layout).module();
}
