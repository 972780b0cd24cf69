import { Bits, concat, literal, node, typed } from './bits.ts';
import { currentDomain } from './domain.ts';
import { HdlError, quantity } from './errors.ts';
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
  /**
   * `never`: no synchronous read meets a write of its word at the same edge, or nobody looks at what it gives. Block RAM gives something undefined then, and
   * synthesis builds a register and a comparison beside it to give the old word, unless it is told. Simulation gives what `ReadOptions.collision` says.
   */
  readonly collisions?: 'never';
  /** The first words at power-up, packed, word 0 first: for tables and boot code. Reset does not restore them. All others are 0 in simulation. */
  readonly init?: readonly (number | bigint)[];
}

export interface ReadOptions {
  /**
   * What a read gives where the same edge writes the word: the `old` one (read first, the default), or the `new` one (write first: the address is
   * registered, and the word follows what is written to it later).
   */
  readonly collision?: 'old' | 'new';
  /** The word may come from another clock domain: something else keeps it still while it is read. `true` says the same. */
  readonly crossing?: boolean | 'stable';
}

/** `depth` words of one type; 0 when simulation begins, unknown in silicon. */
export class Memory<T extends HType = HType> {
  readonly site = new CallSite();
  readonly type: T;
  readonly depth: number;
  readonly lane: number;
  readonly style: 'block' | 'distributed' | undefined;
  readonly collisions: 'never' | undefined;
  readonly init: readonly bigint[] | undefined;
  /** Registers of synchronous reads: the word, or the address; elaboration names them after the memory. */
  readonly registers: { readonly bits: Bits; readonly holds: 'word' | 'address' }[] = [];
  /** Set once, when the field that holds this memory is found. */
  name: string | undefined;

  constructor(type: T, options: MemoryOptions) {
    if (!Number.isInteger(options.depth) || options.depth < 1)
      throw new HdlError(`a memory has at least 1 word, not ${options.depth}`, { help: 'state how many words it has' });
    const lane = options.lane ?? type.width;
    if (type.width % lane !== 0)
      throw new HdlError(`lanes of ${quantity(lane, 'bit')} do not divide a word of ${quantity(type.width, 'bit')}`, {
        help: 'use a lane that divides the word',
      });
    this.type = type;
    this.depth = options.depth;
    this.lane = lane;
    this.style = options.style;
    this.collisions = options.collisions;
    this.init = options.init && contents(type.width, options.depth, options.init);
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
      throw new HdlError(
        `the mask has ${quantity(mask.width, 'bit')}, but a word has ${quantity(lanes, 'lane')} of ${quantity(this.lane, 'bit')}`,
        {
          help: 'give the mask one bit per lane',
        },
      );
    currentBlock().push({
      kind: 'memory-write',
      memory: this,
      address: this.address(address),
      data: this.packed(data),
      mask: mask === undefined ? undefined : node(mask),
      domain: currentDomain(),
      site: new CallSite(),
    });
  }

  private packed(data: unknown): Bits {
    const none = new Bits(this.type.width, { kind: 'const', value: 0n });
    if (data instanceof Bits) return none.operand(data.raw());
    if (typeof data === 'number' || typeof data === 'bigint') return none.operand(data);
    // A literal of a bundle has its fields in any order: they are taken by the type's.
    const like = unpack(this.type, typed<UInt<number>>(none));
    return concat(leaves(zipLeaves([like, data], ([zero, value]) => value ?? zero ?? none)));
  }

  /**
   * Synchronous read: the word at `address` one cycle later, kept while `enable` is 0. This is the form that synthesis builds in block RAM.
   */
  read(address: UInt<number> | number, enable?: Bool, options: ReadOptions = {}): Sig<T> {
    const late = options.collision === 'new';
    const value = late ? this.address(address) : this.combinational(this.address(address));
    const crossing = options.crossing ? 'stable' : false;
    const operation = { kind: 'signal', role: 'register', init: undefined, domain: currentDomain(), crossing } as const;
    const register = new Bits(value.width, operation);
    this.registers.push({ bits: register, holds: late ? 'address' : 'word' });
    const site = new CallSite();
    const body = [{ kind: 'set' as const, target: register, low: 0, offset: undefined, value, site }];
    if (enable === undefined) currentBlock().push(...body);
    else currentBlock().push({ kind: 'if', arms: [{ condition: node(enable), body }], otherwise: [], site });
    return this.view(late ? this.combinational(register) : register);
  }

  /** Combinational read, for small memories in registers or LUT RAM. */
  peek(address: UInt<number> | number): Sig<T> {
    return this.view(this.combinational(this.address(address)));
  }

  private combinational(address: Bits): Bits {
    return new Bits(this.type.width, { kind: 'memory-read', memory: this, address });
  }

  private view(word: Bits): Sig<T> {
    return unpack(this.type, typed<UInt<number>>(word)) as Sig<T>;
  }
}

/** @throws HdlError if there are too many words or one does not fit. */
function contents(width: number, depth: number, words: readonly (number | bigint)[]): readonly bigint[] {
  if (words.length > depth)
    throw new HdlError(`${words.length} words are given for a memory of ${depth}`, { help: 'give fewer, or make it deeper' });
  return words.map(word => {
    const { operation } = literal(width, word);
    return operation.kind === 'const' ? operation.value : 0n;
  });
}

/** A memory of `depth` words of `type`. */
export function memory<T extends HType>(type: T, options: MemoryOptions): Memory<T> {
  return new Memory(type, options);
}
