import { Bits, concat, node, typed } from './bits.ts';
import { HdlError } from './errors.ts';
import { leaves, unpack, zipLeaves } from './shapes.ts';
import { CallSite } from './site.ts';
import { currentBlock } from './statements.ts';
import type { Bool, Driver, HType, Sig, UInt } from './values.ts';

export interface MemoryOptions {
  /** Words. */
  readonly depth: number;
  /** Bits of one write lane: `write` then takes a mask with a bit per lane. The whole word by default. */
  readonly lane?: number;
  /** How synthesis should build it; the tool decides by default. */
  readonly style?: 'block' | 'distributed';
}

/** `depth` words of one type; 0 when simulation begins, unknown in silicon. */
export class Memory<T extends HType = HType> {
  readonly site = new CallSite();
  readonly type: T;
  readonly depth: number;
  readonly lane: number;
  readonly style: 'block' | 'distributed' | undefined;
  /** Registers that hold what synchronous reads gave; elaboration names them after the memory. */
  readonly outputs: Bits[] = [];
  /** Set once, when the field that holds this memory is found. */
  name: string | undefined;

  constructor(type: T, options: MemoryOptions) {
    if (!Number.isInteger(options.depth) || options.depth < 1)
      throw new HdlError(`a memory has at least 1 word, not ${options.depth}`);
    const lane = options.lane ?? type.width;
    if (type.width % lane !== 0) throw new HdlError(`lanes of ${lane} bits do not divide a word of ${type.width} bits`);
    this.type = type;
    this.depth = options.depth;
    this.lane = lane;
    this.style = options.style;
  }

  /** Bits of an address. */
  get addressWidth(): number {
    let width = 1;
    while (2 ** width < this.depth) width++;
    return width;
  }

  private address(value: UInt<number> | number): Bits {
    return new Bits(this.addressWidth, { kind: 'const', value: 0n }).operand(value);
  }

  /** Writes a word at the clock edge, under the conditions around this statement; with a mask only the lanes whose bit is 1. */
  write(address: UInt<number> | number, data: Driver<Sig<T>>, mask?: UInt<number>): void {
    const lanes = this.type.width / this.lane;
    if (mask !== undefined && mask.width !== lanes)
      throw new HdlError(`the mask has ${mask.width} bits, but a word has ${lanes} lanes of ${this.lane} bits`);
    currentBlock().push({
      kind: 'memory-write',
      memory: this,
      address: this.address(address),
      data: this.packed(data),
      mask: mask === undefined ? undefined : node(mask),
      site: new CallSite(),
    });
  }

  private packed(data: unknown): Bits {
    const none = new Bits(this.type.width, { kind: 'const', value: 0n });
    if (data instanceof Bits || typeof data === 'number' || typeof data === 'bigint') return none.operand(data);
    // A literal of a bundle has its fields in any order: they are taken by the type's.
    const like = unpack(this.type, typed<UInt<number>>(none));
    return concat(leaves(zipLeaves([like, data], ([zero, value]) => value ?? zero ?? none)));
  }

  /**
   * Synchronous read: the word at `address` one cycle later, kept while `enable` is 0. Reading the address that the same edge writes gives
   * the old word. This is the form that synthesis builds in block RAM.
   */
  read(address: UInt<number> | number, enable?: Bool): Sig<T> {
    const output = new Bits(this.type.width, { kind: 'signal', role: 'register', init: undefined });
    this.outputs.push(output);
    const word = this.combinational(address);
    const body = [{ kind: 'set' as const, target: output, value: word, site: new CallSite() }];
    if (enable === undefined) currentBlock().push(...body);
    else currentBlock().push({ kind: 'if', arms: [{ condition: node(enable), body }], otherwise: [], site: new CallSite() });
    return this.view(output);
  }

  /** Combinational read, for small memories in registers or LUT RAM. */
  peek(address: UInt<number> | number): Sig<T> {
    return this.view(this.combinational(address));
  }

  private combinational(address: UInt<number> | number): Bits {
    return new Bits(this.type.width, { kind: 'memory-read', memory: this, address: this.address(address) });
  }

  private view(word: Bits): Sig<T> {
    return unpack(this.type, typed<UInt<number>>(word)) as Sig<T>;
  }
}

/** A memory of `depth` words of `type`. */
export function memory<T extends HType>(type: T, options: MemoryOptions): Memory<T> {
  return new Memory(type, options);
}
