/** The WebAssembly binary format (core specification 2.0, chapter 5), as far as the engine uses it. */

/** Value types and the empty block type. */
export const I32 = 0x7f;
export const I64 = 0x7e;
const EMPTY_BLOCK = 0x40;

/** Opcodes without immediates, and control. Pairs are [i32, i64]. */
export const Code = {
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  branch: 0x0c,
  branchIf: 0x0d,
  return: 0x0f,
  call: 0x10,
  drop: 0x1a,
  select: 0x1b,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  wrap: 0xa7,
  extend: 0xad,
  eqz: [0x45, 0x50],
  eq: [0x46, 0x51],
  ne: [0x47, 0x52],
  ltu: [0x49, 0x54],
  geu: [0x4f, 0x5a],
  ctz: [0x68, 0x7a],
  popcnt: [0x69, 0x7b],
  add: [0x6a, 0x7c],
  sub: [0x6b, 0x7d],
  mul: [0x6c, 0x7e],
  and: [0x71, 0x83],
  or: [0x72, 0x84],
  xor: [0x73, 0x85],
  shl: [0x74, 0x86],
  shrSigned: [0x75, 0x87],
  shrUnsigned: [0x76, 0x88],
} as const;

/** A growing sequence of bytes with the format's number encodings and the instructions that have immediates. */
export class ByteWriter {
  private buffer = new Uint8Array(1024);
  length = 0;

  get bytes(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }

  private room(count: number): void {
    if (this.length + count <= this.buffer.length) return;
    const larger = new Uint8Array(Math.max(this.buffer.length * 2, this.length + count));
    larger.set(this.buffer);
    this.buffer = larger;
  }

  byte(value: number): void {
    if (this.length === this.buffer.length) this.room(1);
    this.buffer[this.length++] = value;
  }

  append(bytes: ArrayLike<number>): void {
    this.room(bytes.length);
    this.buffer.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Unsigned LEB128. */
  unsigned(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.byte((rest & 0x7f) | 0x80);
      rest = Math.floor(rest / 128);
    }
    this.byte(rest);
  }

  /** Signed LEB128 of the 64-bit number with these halves. */
  private signed(low: number, high: number): void {
    let lo = low | 0;
    let hi = high | 0;
    for (;;) {
      const group = lo & 0x7f;
      lo = (lo >>> 7) | (hi << 25);
      hi >>= 7;
      const sign = group >> 6 === 1 ? -1 : 0;
      if (lo === sign && hi === sign) {
        this.byte(group);
        return;
      }
      this.byte(group | 0x80);
    }
  }

  name(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.unsigned(bytes.length);
    this.append(bytes);
  }

  i32(value: number): void {
    this.byte(0x41);
    this.signed(value, value >> 31);
  }

  i64(low: number, high: number): void {
    this.byte(0x42);
    this.signed(low, high);
  }

  localGet(index: number): void {
    this.byte(Code.localGet);
    this.unsigned(index);
  }

  localSet(index: number): void {
    this.byte(Code.localSet);
    this.unsigned(index);
  }

  localTee(index: number): void {
    this.byte(Code.localTee);
    this.unsigned(index);
  }

  call(index: number): void {
    this.byte(Code.call);
    this.unsigned(index);
  }

  /** Calls the function of the table whose index is on the stack; it has no parameters and no results. */
  callTable(): void {
    this.append([0x11, Signature.run, 0]);
  }

  /** Opens a block, loop or if without a result. */
  open(code: number): void {
    this.byte(code);
    this.byte(EMPTY_BLOCK);
  }

  /** Leaves (block, if) or repeats (loop) the `depth`-th enclosing block. */
  branch(code: number, depth: number): void {
    this.byte(code);
    this.unsigned(depth);
  }

  /** Loads `bytes` bytes, zero-extended, from a constant offset beyond the address on the stack. */
  load(type: number, bytes: number, offset: number): void {
    if (type === I32) this.access(bytes === 1 ? 0x2d : bytes === 2 ? 0x2f : 0x28, bytes, offset);
    else this.access(bytes === 1 ? 0x31 : bytes === 2 ? 0x33 : bytes === 4 ? 0x35 : 0x29, bytes, offset);
  }

  /** Stores the low `bytes` bytes of the value on the stack at a constant offset beyond the address below it. */
  store(type: number, bytes: number, offset: number): void {
    if (type === I32) this.access(bytes === 1 ? 0x3a : bytes === 2 ? 0x3b : 0x36, bytes, offset);
    else this.access(bytes === 1 ? 0x3c : bytes === 2 ? 0x3d : bytes === 4 ? 0x3e : 0x37, bytes, offset);
  }

  private access(code: number, bytes: number, offset: number): void {
    this.byte(code);
    this.byte(31 - Math.clz32(bytes));
    this.unsigned(offset);
  }

  /** `memory.copy`: destination, source and length are on the stack. */
  memoryCopy(): void {
    this.append([0xfc, 0x0a, 0, 0]);
  }
}

/** Types of the functions that a module can have. */
export const Signature = { run: 0, count: 1, countToCount: 2, two: 3, toCount: 4 } as const;

/** What a module has from elsewhere: its memory, named `memory`, and functions, which come first in the numbering. */
export interface Imports {
  readonly functions: readonly { readonly name: string; readonly signature: number }[];
}

/** A function's code, without the final `end`, and the types of its locals (parameters not included). */
export interface FunctionCode {
  readonly signature: number;
  readonly locals: readonly number[];
  readonly code: Uint8Array;
}

export interface WasmModule {
  readonly functions: readonly FunctionCode[];
  readonly memoryPages: number;
  /** Functions by the name that they are exported with; own memory is exported as `memory`. */
  readonly exported: ReadonlyMap<string, number>;
  /** Taken from `base`; without it the module has a memory of its own. */
  readonly imports?: Imports;
  /** Functions that are called by number. */
  readonly table?: readonly number[];
}

/** A whole module with one memory. */
export function encodeModule({ functions, memoryPages, exported, imports, table = [] }: WasmModule): Uint8Array<ArrayBuffer> {
  const module = new ByteWriter();
  const section = (id: number, write: (content: ByteWriter) => void) => {
    const content = new ByteWriter();
    write(content);
    module.byte(id);
    module.unsigned(content.length);
    module.append(content.bytes);
  };
  module.append([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  section(1, content => {
    content.append([5, 0x60, 0, 0, 0x60, 1, I32, 0, 0x60, 1, I32, 1, I32, 0x60, 2, I32, I32, 1, I32, 0x60, 0, 1, I32]);
  });
  if (imports !== undefined)
    section(2, content => {
      content.unsigned(imports.functions.length + 1);
      for (const { name, signature } of imports.functions) {
        content.name('base');
        content.name(name);
        content.append([0, signature]);
      }
      content.name('base');
      content.name('memory');
      content.append([2, 1]);
      content.unsigned(memoryPages);
      content.unsigned(memoryPages);
    });
  section(3, content => {
    content.unsigned(functions.length);
    for (const { signature } of functions) content.unsigned(signature);
  });
  if (table.length > 0)
    section(4, content => {
      content.append([1, 0x70, 1]);
      content.unsigned(table.length);
      content.unsigned(table.length);
    });
  if (imports === undefined)
    section(5, content => {
      content.append([1, 1]);
      content.unsigned(memoryPages);
      content.unsigned(memoryPages);
    });
  section(7, content => {
    content.unsigned(exported.size + (imports === undefined ? 1 : 0));
    if (imports === undefined) {
      content.name('memory');
      content.append([2, 0]);
    }
    for (const [name, index] of exported) {
      content.name(name);
      content.byte(0);
      content.unsigned(index);
    }
  });
  if (table.length > 0)
    section(9, content => {
      content.append([1, 0]);
      content.i32(0);
      content.byte(Code.end);
      content.unsigned(table.length);
      for (const index of table) content.unsigned(index);
    });
  section(10, content => {
    content.unsigned(functions.length);
    for (const { locals, code } of functions) {
      const body = new ByteWriter();
      const runs: { type: number; count: number }[] = [];
      for (const type of locals) {
        const last = runs[runs.length - 1];
        if (last?.type === type) last.count++;
        else runs.push({ type, count: 1 });
      }
      body.unsigned(runs.length);
      for (const { type, count } of runs) {
        body.unsigned(count);
        body.byte(type);
      }
      body.append(code);
      body.byte(Code.end);
      content.unsigned(body.length);
      content.append(body.bytes);
    }
  });
  return module.bytes.slice();
}
