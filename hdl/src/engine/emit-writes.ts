import { at } from './at.ts';
import type { FlatMemory } from './flat-graph.ts';
import { limbBytes, strideOf } from './layout.ts';
import { limbCount, limbWidth } from './limb-arithmetic.ts';
import type { WritePort } from './program.ts';
import { ByteWriter, Code, type FunctionCode, I32, I64, Signature } from './wasm-encoder.ts';

/** Write ports per function. */
const PORTS_PER_FUNCTION = 16;

/** Locals: the byte offset of the word in its memory, values that are kept for a moment, and what has changed in the word. */
const WORD = 0;
const NARROW = 1;
const WIDE = 2;
const CHANGES = 3;
const LOCALS = [I32, I32, I64, I64];

function typeOf(bytes: number): number {
  return bytes === 8 ? I64 : I32;
}

function index(bytes: number): 0 | 1 {
  return bytes === 8 ? 1 : 0;
}

function literal(out: ByteWriter, bytes: number, value: bigint): void {
  if (bytes === 8) out.i64(Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
  else out.i32(Number(BigInt.asIntN(32, value)));
}

/** Writes the code of one port. */
class PortWriter {
  private readonly out: ByteWriter;
  private readonly port: WritePort;
  private readonly memory: FlatMemory;
  private readonly base: number;
  /** Whether to find out what changes. */
  private readonly watched: boolean;

  constructor(out: ByteWriter, port: WritePort, memory: FlatMemory, base: number, watched: boolean) {
    this.out = out;
    this.port = port;
    this.memory = memory;
    this.base = base;
    this.watched = watched;
  }

  /** Puts the number of the word's first byte into its local and writes the word. */
  write(): void {
    const { out, port, memory } = this;
    out.i32(0);
    out.load(I32, 4, port.index);
    out.i32(strideOf(memory.width));
    out.byte(Code.mul[0]);
    out.localSet(WORD);
    if (port.mask === undefined) this.word();
    else this.masked(port.mask);
  }

  /** Stores the value on the stack at byte `offset` of the word; the word's local is below it. */
  private store(bytes: number, offset: number): void {
    const { out, base } = this;
    const type = typeOf(bytes);
    if (this.watched) {
      const kept = type === I64 ? WIDE : NARROW;
      out.localTee(kept);
      out.localGet(WORD);
      out.load(type, bytes, base + offset);
      out.byte(Code.xor[index(bytes)]);
      if (type === I32) out.byte(Code.extend);
      out.localGet(CHANGES);
      out.byte(Code.or[1]);
      out.localSet(CHANGES);
      out.localGet(kept);
    }
    out.store(type, bytes, base + offset);
  }

  /** Copies `bytes` bytes at byte `offset` of the staged data to the word. */
  private copy(offset: number, bytes: number): void {
    const { out, port } = this;
    out.localGet(WORD);
    out.i32(0);
    out.load(typeOf(bytes), bytes, port.data + offset);
    this.store(bytes, offset);
  }

  /** Merges a limb: the bits of the word where `mask` has put a 0 on the stack, those of the data elsewhere. */
  private merge(limb: number, bytes: number, mask: () => void): void {
    const { out, port, base } = this;
    const type = typeOf(bytes);
    const offset = 8 * limb;
    out.localGet(WORD);
    out.localGet(WORD);
    out.load(type, bytes, base + offset);
    out.localGet(WORD);
    out.load(type, bytes, base + offset);
    out.i32(0);
    out.load(type, bytes, port.data + offset);
    out.byte(Code.xor[index(bytes)]);
    mask();
    out.byte(Code.and[index(bytes)]);
    out.byte(Code.xor[index(bytes)]);
    this.store(bytes, offset);
  }

  private lane(lane: number): void {
    const { out, memory } = this;
    const low = lane * memory.lane;
    const end = low + memory.lane;
    const lastLimb = Math.floor((end - 1) / 64);
    for (let limb = Math.floor(low / 64); limb <= lastLimb; limb++) {
      const start = Math.max(low, 64 * limb);
      const width = Math.min(end, 64 * limb + 64) - start;
      const offset = start - 64 * limb;
      if (start % width === 0 && [8, 16, 32, 64].includes(width)) {
        this.copy(start / 8, width / 8);
        continue;
      }
      const bytes = limbBytes(limbWidth(memory.width, limb));
      this.merge(limb, bytes, () => literal(out, bytes, ((1n << BigInt(width)) - 1n) << BigInt(offset)));
    }
  }

  private masked(mask: number): void {
    const { out, memory } = this;
    const lanes = memory.width / memory.lane;
    if (memory.lane === 1) {
      for (let limb = 0; limb < limbCount(lanes); limb++) {
        const bytes = limbBytes(limbWidth(lanes, limb));
        this.merge(limb, bytes, () => {
          out.i32(0);
          out.load(typeOf(bytes), bytes, mask + 8 * limb);
        });
      }
      return;
    }
    for (let limb = 0; limb < limbCount(lanes); limb++) {
      out.i32(0);
      out.load(I64, 8, mask + 8 * limb);
      literal(out, 8, (1n << BigInt(limbWidth(lanes, limb))) - 1n);
      out.byte(Code.eq[1]);
      if (limb > 0) out.byte(Code.and[0]);
    }
    out.open(Code.if);
    this.word();
    out.byte(Code.else);
    for (let lane = 0; lane < lanes; lane++) {
      out.i32(0);
      out.load(I32, 1, mask + (lane >> 3));
      out.i32(1 << (lane & 7));
      out.byte(Code.and[0]);
      out.open(Code.if);
      this.lane(lane);
      out.byte(Code.end);
    }
    out.byte(Code.end);
  }

  private word(): void {
    const { width } = this.memory;
    for (let limb = 0; limb < limbCount(width); limb++) this.copy(8 * limb, limbBytes(limbWidth(width, limb)));
  }
}

/** Functions that do the pending writes of `ports`, in order. */
export function emitWrites(
  ports: readonly WritePort[],
  memories: readonly FlatMemory[],
  bases: readonly number[],
): FunctionCode[] {
  const functions: FunctionCode[] = [];
  for (let first = 0; first < ports.length; first += PORTS_PER_FUNCTION) {
    const out = new ByteWriter();
    for (const port of ports.slice(first, first + PORTS_PER_FUNCTION)) {
      out.i32(0);
      out.load(I32, 1, port.flag);
      out.open(Code.if);
      out.i32(0);
      out.i32(0);
      out.store(I32, 1, port.flag);
      new PortWriter(out, port, at(memories, port.memory), at(bases, port.memory), false).write();
      out.byte(Code.end);
    }
    functions.push({ signature: Signature.run, locals: [I32], code: out.bytes });
  }
  return functions;
}

/** A function per port that writes, whatever its flag says, and does what `changed` writes if the memory, given by its number, changes. */
export function emitGatedWrites(
  ports: readonly WritePort[],
  memories: readonly FlatMemory[],
  bases: readonly number[],
  changed: (memory: number, out: ByteWriter) => void,
): FunctionCode[] {
  return ports.map(port => {
    const out = new ByteWriter();
    new PortWriter(out, port, at(memories, port.memory), at(bases, port.memory), true).write();
    out.localGet(CHANGES);
    out.i64(0, 0);
    out.byte(Code.ne[1]);
    out.open(Code.if);
    changed(port.memory, out);
    out.byte(Code.end);
    return { signature: Signature.run, locals: LOCALS, code: out.bytes };
  });
}
