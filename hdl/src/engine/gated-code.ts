import { bitsOf } from './gating-places.ts';
import { ByteWriter, Code, type FunctionCode, I32, I64 } from './wasm-encoder.ts';

/** Pieces of code that the functions of the gated module share. */

/** Puts the 4 bytes at an address on the stack. */
export function load32(out: ByteWriter, address: number): void {
  out.i32(0);
  out.load(I32, 4, address);
}

/** Stores a 4-byte constant. */
export function set32(out: ByteWriter, address: number, value: number): void {
  out.i32(0);
  out.i32(value);
  out.store(I32, 4, address);
}

/** Puts the 8 bytes at an address on the stack. */
export function load64(out: ByteWriter, address: number): void {
  out.i32(0);
  out.load(I64, 8, address);
}

/** Puts a 64-bit constant on the stack. */
export function literal(out: ByteWriter, value: bigint): void {
  out.i64(Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
}

/** Adds chunks to the set at `place`. */
export function mark(out: ByteWriter, place: number, chunks: readonly number[]): void {
  for (const [word, bits] of bitsOf(chunks)) {
    out.i32(0);
    load64(out, place + 8 * word);
    literal(out, bits);
    out.byte(Code.or[1]);
    out.store(I64, 8, place + 8 * word);
  }
}

/** The functions of a module that imports some. */
export class FunctionList {
  readonly functions: FunctionCode[] = [];
  private readonly imported: number;

  constructor(imported: number) {
    this.imported = imported;
  }

  /** @returns the function's index. */
  addCode(code: FunctionCode): number {
    return this.functions.push(code) - 1 + this.imported;
  }

  /** Adds a function of which `write` writes the code. */
  add(signature: number, locals: readonly number[], write: (out: ByteWriter) => void): number {
    const out = new ByteWriter();
    write(out);
    return this.addCode({ signature, locals, code: out.bytes });
  }
}
