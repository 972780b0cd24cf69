import { expect, test } from 'vitest';
import {
  bool,
  connect,
  constantBits,
  elaborate,
  input,
  Module,
  memory,
  mux,
  output,
  reg,
  u,
  uint,
  when,
  wire,
} from '../../src/index.ts';

const bitsOf = (make: () => Module<never> | Module<unknown>) => {
  const { design } = elaborate(make);
  const all = constantBits(design);
  return (module: string, signal: string) => all.get(module)?.get(signal) ?? 0n;
};

class Child extends Module<{ wide: boolean }> {
  readonly value = input(uint(8));
  readonly out = output(uint(8));
  readonly extra = output(uint(8));
  protected override logic() {
    this.out.set(this.value);
    this.extra.set(0);
    when(this.p.wide ? u(1, 1) : u(1, 0), () => this.extra.set(this.value));
  }
}

/** Ties half of an input, and has registers that nothing but one value ever reaches. */
class Parent extends Module {
  readonly value = input(uint(4));
  readonly add = input(bool);
  readonly sum = output(uint(8));
  readonly seen = output(uint(8));
  private readonly child = new Child({ wide: false });
  private readonly still = reg(uint(4), { init: 5 });
  private readonly moving = reg(uint(4), { init: 5 });
  private readonly chosen = wire(uint(4));
  private readonly kept = memory(uint(8), { depth: 4 });
  protected override logic() {
    connect(this.child, { value: this.value.zext(8) });
    when(this.add, () => this.still.set(5));
    when(this.add, () => this.moving.set(this.moving.add(1)));
    this.chosen.set(mux(this.still.eq(5), u(4, 3), this.value));
    this.kept.write(this.value.trunc(2), this.child.out);
    this.seen.set(this.kept.read(u(2, 1)));
    this.sum.set(this.child.out.add(this.chosen.zext(8)));
  }
}

test('bits that a parameter or a constant ties, through children, registers and memories', () => {
  const of = bitsOf(() => new Parent());
  // The high half of what the child gets, and all that it does not do without its parameter.
  expect(of('Child', 'value')).toBe(0xf0n);
  expect(of('Child', 'out')).toBe(0xf0n);
  expect(of('Child', 'extra')).toBe(0xffn);
  // Nothing but 5 ever reaches it, so the multiplexer goes one way.
  expect(of('Parent', 'still')).toBe(0xfn);
  expect(of('Parent', 'chosen')).toBe(0xfn);
  expect(of('Parent', 'moving')).toBe(0n);
  expect(of('Parent', 'seen')).toBe(0xf0n);
  // 15 and 3 are at most 18.
  expect(of('Parent', 'sum')).toBe(0xe0n);
  expect(of('Parent', 'value')).toBe(0n);
});

test('what two instances do differently is not constant', () => {
  class Two extends Module {
    readonly value = input(uint(8));
    readonly out = output(uint(8));
    private readonly tied = new Child({ wide: false });
    private readonly free = new Child({ wide: false });
    protected override logic() {
      connect(this.tied, { value: 0x0f });
      connect(this.free, { value: this.value.and(0x3f) });
      this.out.set(this.tied.out.xor(this.free.out));
    }
  }
  const of = bitsOf(() => new Two());
  expect(of('Child', 'value')).toBe(0xc0n);
  expect(of('Two', 'out')).toBe(0xc0n);
});
