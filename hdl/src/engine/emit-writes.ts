import { at } from './at.ts';
import type { FlatMemory } from './flat-graph.ts';
import { limbBytes, strideOf } from './layout.ts';
import { limbCount, limbWidth } from './limb-arithmetic.ts';
import type { WritePort } from './program.ts';
import { ByteWriter, Code, type FunctionCode, I32, I64, Signature } from './wasm-encoder.ts';

/** Write ports per function. */
const PORTS_PER_FUNCTION = 16;

/** The local that has the byte offset of the word in its memory. */
const WORD = 0;

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

/** Copies `bytes` bytes at byte `offset` of the staged data to the word. */
function copy(out: ByteWriter, port: WritePort, base: number, offset: number, bytes: number): void {
  out.localGet(WORD);
  out.i32(0);
  out.load(typeOf(bytes), bytes, port.data + offset);
  out.store(typeOf(bytes), bytes, base + offset);
}

/** Merges a limb: the bits of the word where `mask` has put a 0 on the stack, those of the data elsewhere. */
function merge(out: ByteWriter, port: WritePort, base: number, limb: number, bytes: number, mask: () => void): void {
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
  out.store(type, bytes, base + offset);
}

function writeLane(out: ByteWriter, port: WritePort, memory: FlatMemory, base: number, lane: number): void {
  const low = lane * memory.lane;
  const end = low + memory.lane;
  const lastLimb = Math.floor((end - 1) / 64);
  for (let limb = Math.floor(low / 64); limb <= lastLimb; limb++) {
    const start = Math.max(low, 64 * limb);
    const width = Math.min(end, 64 * limb + 64) - start;
    const offset = start - 64 * limb;
    if (start % width === 0 && [8, 16, 32, 64].includes(width)) {
      copy(out, port, base, start / 8, width / 8);
      continue;
    }
    const bytes = limbBytes(limbWidth(memory.width, limb));
    merge(out, port, base, limb, bytes, () => literal(out, bytes, ((1n << BigInt(width)) - 1n) << BigInt(offset)));
  }
}

function writeMasked(out: ByteWriter, port: WritePort, mask: number, memory: FlatMemory, base: number): void {
  const lanes = memory.width / memory.lane;
  if (memory.lane === 1) {
    for (let limb = 0; limb < limbCount(lanes); limb++) {
      const bytes = limbBytes(limbWidth(lanes, limb));
      merge(out, port, base, limb, bytes, () => {
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
  writeWord(out, port, memory, base);
  out.byte(Code.else);
  for (let lane = 0; lane < lanes; lane++) {
    out.i32(0);
    out.load(I32, 1, mask + (lane >> 3));
    out.i32(1 << (lane & 7));
    out.byte(Code.and[0]);
    out.open(Code.if);
    writeLane(out, port, memory, base, lane);
    out.byte(Code.end);
  }
  out.byte(Code.end);
}

function writeWord(out: ByteWriter, port: WritePort, memory: FlatMemory, base: number): void {
  for (let limb = 0; limb < limbCount(memory.width); limb++)
    copy(out, port, base, 8 * limb, limbBytes(limbWidth(memory.width, limb)));
}

function writePort(out: ByteWriter, port: WritePort, memory: FlatMemory, base: number): void {
  out.i32(0);
  out.load(I32, 1, port.flag);
  out.open(Code.if);
  out.i32(0);
  out.i32(0);
  out.store(I32, 1, port.flag);
  out.i32(0);
  out.load(I32, 4, port.index);
  out.i32(strideOf(memory.width));
  out.byte(Code.mul[0]);
  out.localSet(WORD);
  if (port.mask === undefined) writeWord(out, port, memory, base);
  else writeMasked(out, port, port.mask, memory, base);
  out.byte(Code.end);
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
    for (const port of ports.slice(first, first + PORTS_PER_FUNCTION))
      writePort(out, port, at(memories, port.memory), at(bases, port.memory));
    functions.push({ signature: Signature.run, locals: [I32], code: out.bytes });
  }
  return functions;
}
