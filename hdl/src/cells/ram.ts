import { memory } from '../lang/memory.ts';
import { input, Module, output } from '../lang/module.ts';
import { bool, uint } from '../lang/shapes.ts';
import { when } from '../lang/statements.ts';
import type { HType, UInt } from '../lang/values.ts';
import { clog2 } from '../lang/widths.ts';
import type { Contract } from './contract.ts';
import { lanesOf } from './parameters.ts';

/** Parameters of a RAM. */
export interface RamParameters<T extends HType> {
  readonly type: T;
  /** Words. */
  readonly depth: number;
  /** Bits that one bit of `write_enable` stands for: 8 for byte enables. The whole word by default. */
  readonly lane?: number;
  /**
   * What a read gives of a word that the same edge writes: the `old` one (read first, the default), the `new` one (write first), or nothing that counts: it
   * `never` happens or nobody looks, which saves what synthesis builds beside block RAM.
   */
  readonly collision?: 'old' | 'new' | 'never';
  readonly style?: 'block' | 'distributed';
}

/**
 * A RAM with a port to write and a port to read: the word of `read_address` comes a cycle later and stays while `read_enable` is 0. One word in and
 * one out per cycle. Reset does nothing.
 */
export class SimpleDualPortRam<T extends HType> extends Module<RamParameters<T>> {
  static readonly contract: Contract = {
    purpose: 'RAM with a port to write and one to read',
    latency: 1,
    paths: [],
    reset: 'nothing',
    keeps: ['words'],
  };
  private readonly lanes = lanesOf(this, this.p.type.width, this.p.type.width / (this.p.lane ?? this.p.type.width));
  /** A bit for each lane. */
  readonly write_enable = input(uint(this.lanes));
  readonly write_address = input(uint(clog2(this.p.depth)));
  readonly write_data = input(this.p.type);
  readonly read_enable = input(bool);
  readonly read_address = input(uint(clog2(this.p.depth)));
  readonly read_data = output(this.p.type);
  private readonly words = ramOf(this.p);

  protected override logic() {
    const collision = this.p.collision === 'new' ? 'new' : 'old';
    writeLanes(this.write_enable, enable => this.words.write(this.write_address, this.write_data as never, enable));
    this.read_data.set(this.words.read(this.read_address, this.read_enable, { collision }) as never);
  }
}

/**
 * A RAM with two ports, `a` and `b`, each of which writes or reads, or both, in every cycle. A port's word comes a cycle later and stays while its
 * `enable` is 0, in which it does not write either. Reset does nothing.
 */
export class TrueDualPortRam<T extends HType> extends Module<RamParameters<T>> {
  static readonly contract: Contract = {
    purpose: 'RAM with two ports that write and read',
    latency: 1,
    paths: [],
    reset: 'nothing',
    keeps: ['words'],
    demands: 'the ports do not write one word at one edge',
  };
  private readonly lanes = lanesOf(this, this.p.type.width, this.p.type.width / (this.p.lane ?? this.p.type.width));
  readonly a_enable = input(bool);
  /** A bit for each lane. */
  readonly a_write_enable = input(uint(this.lanes));
  readonly a_address = input(uint(clog2(this.p.depth)));
  readonly a_write_data = input(this.p.type);
  readonly a_read_data = output(this.p.type);
  readonly b_enable = input(bool);
  readonly b_write_enable = input(uint(this.lanes));
  readonly b_address = input(uint(clog2(this.p.depth)));
  readonly b_write_data = input(this.p.type);
  readonly b_read_data = output(this.p.type);
  private readonly words = ramOf(this.p);

  protected override logic() {
    const collision = this.p.collision === 'new' ? 'new' : 'old';
    when(this.a_enable, () =>
      writeLanes(this.a_write_enable, enable => this.words.write(this.a_address, this.a_write_data as never, enable)),
    );
    when(this.b_enable, () =>
      writeLanes(this.b_write_enable, enable => this.words.write(this.b_address, this.b_write_data as never, enable)),
    );
    this.a_read_data.set(this.words.read(this.a_address, this.a_enable, { collision }) as never);
    this.b_read_data.set(this.words.read(this.b_address, this.b_enable, { collision }) as never);
  }
}

function ramOf<T extends HType>({ type, depth, lane = type.width, style = 'block', collision }: RamParameters<T>) {
  return memory(type, { depth, lane, style, ...(collision === 'never' && { collisions: collision }) });
}

/** A mask of one bit is a condition. */
function writeLanes(enable: UInt<number>, write: (mask?: UInt<number>) => void): void {
  if (enable.width === 1) when(enable.any(), () => write());
  else write(enable);
}
