import { at } from './at.ts';
import { emitFunction, type PlacedMemory, type Watching } from './emit-program.ts';
import { emitGatedWrites } from './emit-writes.ts';
import type { FlatMemory } from './flat-graph.ts';
import { type FunctionList, literal, load64, mark } from './gated-code.ts';
import type { GatingPlaces } from './gating-places.ts';
import type { ChunkProgram, GatingPlan } from './gating-plan.ts';
import { limbBytes } from './layout.ts';
import type { WritePort } from './program.ts';
import { type ByteWriter, Code, I32, I64, Signature } from './wasm-encoder.ts';

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

/** Emits what computes: chunks, and the cycle around them. */
export class CycleEmitter {
  /** Functions that are called by number: entry n computes chunk n, entry n + 64 * words takes over its registers' values; writes follow. */
  readonly table: number[] = [];
  /** Computes what `attention` needs. */
  readonly leading: number;
  /** A cycle; gives how many chunks it has computed. */
  readonly edge: number;
  private readonly parts: GatedParts;
  private readonly places: GatingPlaces;
  private readonly list: FunctionList;

  constructor(parts: GatedParts, places: GatingPlaces, list: FunctionList) {
    this.parts = parts;
    this.places = places;
    this.list = list;
    const { plan, ports, memories, bases } = parts;
    const placed = memories.map(({ width }, i) => ({ base: at(bases, i), width }));
    const none = list.add(Signature.run, [], () => {});
    for (let i = 0; i < 2 * 64 * plan.words; i++) this.table.push(none);
    for (const chunk of plan.chunks) {
      this.table[chunk.number] = this.chunk(chunk, placed);
      if (chunk.words.length > 0) this.table[chunk.number + 64 * plan.words] = this.commit(chunk);
    }
    const changed = (memory: number, out: ByteWriter) => mark(out, places.next, plan.memories.get(memory) ?? []);
    for (const code of emitGatedWrites(ports, memories, bases, changed)) this.table.push(list.addCode(code));
    this.leading = this.emitLeading();
    this.edge = this.emitEdge();
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
    return this.list.addCode(emitFunction({ limbs, kept, spills, memories, indexOf: () => -1, watching }, items));
  }

  private commit({ words }: ChunkProgram): number {
    return this.list.add(Signature.run, [], out => {
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
  private emitLeading(): number {
    return this.list.add(Signature.run, [I64], out => {
      for (let word = 0; word < this.parts.plan.leadingWords; word++)
        this.callEach(out, this.places.now + 8 * word, 64 * word, 0, () => {});
    });
  }

  /** A cycle. @returns (in WebAssembly) how many chunks it has computed. */
  private emitEdge(): number {
    const { plan, ports } = this.parts;
    const { now, next, commit } = this.places;
    const [computed, bits] = [0, 1];
    return this.list.add(Signature.toCount, [I32, I64], out => {
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
  count(out: ByteWriter, cycles: () => void): void {
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
}
