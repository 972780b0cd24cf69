import { cat, connect, input, Module, mux, output, reg, type UInt, uint, when } from '../../src/index.ts';
import { Random } from '../random.ts';

/** How large the design is. */
export interface LargeDesignOptions {
  /** Registers of the whole. */
  readonly registers: number;
  /** Operations per register, about. */
  readonly operations: number;
  /** Modules that they are spread over; no two are alike. */
  readonly modules: number;
}

/** The design that the aims for elaboration speak of: 2,000 registers and 20,000 nodes of 1 to 256 bits. */
export const largeDesign: LargeDesignOptions = { registers: 2000, operations: 4, modules: 20 };

const widths = [1, 1, 3, 8, 8, 12, 16, 24, 32, 32, 48, 64, 100, 128, 256];

interface BlockOptions {
  readonly registers: number;
  readonly operations: number;
  readonly seed: number;
}

/** Registers that take functions of each other, half of them under conditions. */
class Block extends Module<BlockOptions> {
  private readonly random = new Random(this.p.seed);
  readonly in = input(uint(64));
  readonly out = output(uint(64));
  private readonly state = Array.from({ length: this.p.registers }, (_, i) =>
    reg(uint(this.random.pick(widths) as number), i % 3 === 0 ? {} : { init: 0 }),
  );

  protected override logic() {
    const { random } = this;
    const pool: UInt<number>[] = [this.in, ...this.state];
    for (const target of this.state) {
      const value = this.expression(pool, target.width);
      if (random.chance(0.5)) target.set(value);
      else {
        const condition = this.fit(random.pick(pool), 16).lt(this.fit(random.pick(pool), 16));
        when(condition, () => target.set(value)).elsewhen(this.fit(random.pick(pool), 8).any(), () =>
          target.set(this.fit(random.pick(pool), target.width)),
        );
      }
    }
    this.out.set(
      this.state
        .map(value => this.fit(value, 64))
        .reduce((a, b) => a.xor(b))
        .as(64),
    );
  }

  private expression(pool: UInt<number>[], width: number): UInt<number> {
    const { random } = this;
    let value = this.fit(random.pick(pool), width);
    for (let i = 3; i < this.p.operations; i++) value = this.step(value, this.fit(random.pick(pool), width));
    if (random.chance(0.3)) pool.push(value);
    return value;
  }

  private step(value: UInt<number>, other: UInt<number>): UInt<number> {
    switch (this.random.below(7)) {
      case 0:
        return value.add(other);
      case 1:
        return value.sub(other);
      case 2:
        return value.xor(other);
      case 3:
        return value.and(other.not());
      case 4:
        return mux(value.lt(other), value, other);
      case 5:
        return value.shr(this.fit(other, 4));
      default:
        return value.width > 1 ? cat(value.trunc(1), other.part(1, value.width - 1)).as(value.width) : value.or(other);
    }
  }

  private fit(value: UInt<number>, width: number): UInt<number> {
    if (value.width === width) return value;
    return value.width < width ? value.zext(width) : value.trunc(width);
  }
}

/** Blocks in a row. */
export class LargeDesign extends Module<LargeDesignOptions> {
  readonly in = input(uint(64));
  readonly out = output(uint(64));
  private readonly blocks = Array.from(
    { length: this.p.modules },
    (_, i) => new Block({ registers: this.p.registers / this.p.modules, operations: this.p.operations, seed: i }),
  );

  protected override logic() {
    let value: UInt<64> = this.in;
    for (const block of this.blocks) {
      connect(block, { in: value });
      value = block.out;
    }
    this.out.set(value);
  }
}
