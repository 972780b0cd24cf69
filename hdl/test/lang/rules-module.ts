import { clog2, input, Module, output, sint, type UInt, uint, type Var } from '../../src/index.ts';
import { amountWidth, type Operands } from './rule.ts';
import { rules } from './rules.ts';

/** C for a W: a width of its own. */
export const secondWidth = (W: number) => 1 + ((W * 5) % 11);

/** One output per rule. */
export class Rules extends Module<{ W: number; C: number }> {
  readonly a = input(uint(this.p.W));
  readonly b = input(uint(this.p.W));
  readonly c = input(uint(this.p.C));
  readonly n = input(uint(amountWidth(this.p.W)));
  readonly i = input(uint(clog2(this.p.W)));
  readonly s = input(uint(1));
  readonly results = rules.map(({ width, signed }) => {
    const w = width(this.p.W, this.p.C);
    return signed ? (output(sint(w)) as unknown as Var<UInt<number>>) : output(uint(w));
  });

  protected override logic() {
    const { a, b, c, n, i, s } = this;
    const operands: Operands = { a, b, c, n, i, s, x: a.asSInt(), y: b.asSInt(), z: c.asSInt() };
    rules.forEach((rule, r) => {
      this.results[r]?.set(rule.hardware(operands) as UInt<number>);
    });
  }
}
