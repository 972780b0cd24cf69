import { FunctionList, literal, load32, load64, mark, set32 } from './gated-code.ts';
import { CycleEmitter, type GatedParts } from './gated-cycle.ts';
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
import type { Layout } from './layout.ts';
import { type ByteWriter, Code, encodeModule, I32, I64, Signature } from './wasm-encoder.ts';

/** The gated code, a module that shares the memory of the plain one and takes over its `step` and `run`. */
export interface GatedModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly places: GatingPlaces;
  /** Chunks that read a memory, by its number. */
  readonly readers: ReadonlyMap<number, readonly number[]>;
}

/** Functions that are imported, by index. */
const Imported = { advance: 0, advanceUntil: 1, settle: 2 } as const;

/** Emits the module: the loops around the cycle, and the choice between gated and plain code. */
class GatedEmitter {
  private readonly parts: GatedParts;
  private readonly places: GatingPlaces;
  private readonly list = new FunctionList(Object.keys(Imported).length);
  private readonly cycle: CycleEmitter;

  constructor(parts: GatedParts, layout: Layout) {
    this.parts = parts;
    this.places = placeGating(parts.plan, layout);
    this.cycle = new CycleEmitter(parts, this.places, this.list);
  }

  module(): GatedModule {
    const { parts, places, list, cycle } = this;
    const gated = this.gated();
    const all = this.markAll();
    const run = this.run(gated, this.entry(all), all);
    const step = list.add(Signature.count, [], out => {
      out.localGet(0);
      out.i32(0);
      out.call(run);
      out.byte(Code.drop);
      out.call(Imported.settle);
    });
    const runUntil = list.add(Signature.countToCount, [], out => {
      out.localGet(0);
      out.i32(1);
      out.call(run);
      out.call(Imported.settle);
    });
    const bytes = encodeModule({
      functions: list.functions,
      memoryPages: parts.pages,
      exported: new Map(Object.entries({ step, run: runUntil })),
      imports: {
        functions: [
          { name: 'advance', signature: Signature.countToCount },
          { name: 'advanceUntil', signature: Signature.countToCount },
          { name: 'settle', signature: Signature.run },
        ],
      },
      table: cycle.table,
    });
    return { bytes, places, readers: parts.plan.memories };
  }

  /** Runs at most so many cycles, gated; parameter 1 says whether `attention` stops. @returns (in WebAssembly) the cycles. */
  private gated(): number {
    const { plan } = this.parts;
    const { places, cycle } = this;
    const [limit, stops, cycles, repeated] = [0, 1, 2, 3];
    return this.list.add(Signature.two, [I32, I32], out => {
      out.open(Code.block);
      out.open(Code.loop);
      out.call(cycle.leading);
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
      cycle.count(out, () => {
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
      out.call(cycle.edge);
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
    return this.list.add(Signature.run, [], out => {
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
    return this.list.add(Signature.run, [], out => {
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
    return this.list.add(Signature.two, [I32, I32, I32], out => {
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
