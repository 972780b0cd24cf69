import { describe, expect, test } from 'vitest';
import {
  BlackBox,
  bool,
  connect,
  input,
  Module,
  memory,
  output,
  parameter,
  reg,
  type SimulateOptions,
  SimulationError,
  simulate,
  uint,
} from '../../src/index.ts';

/** Adds a constant that each instance may have another value of. */
class Adder extends Module<{ amount: number }> {
  readonly amount = parameter(uint(8), this.p.amount);
  readonly a = input(uint(8));
  readonly sum = output(uint(8));
  protected override logic() {
    this.sum.set(this.a.add(this.amount));
  }
}

class Adders extends Module {
  readonly a = input(uint(8));
  readonly x = output(uint(8));
  readonly y = output(uint(8));
  private readonly one = new Adder({ amount: 1 });
  private readonly many = new Adder({ amount: 100 });
  protected override logic() {
    connect(this.one, { a: this.a });
    connect(this.many, { a: this.a });
    this.x.set(this.one.sum);
    this.y.set(this.many.sum);
  }
}

describe('parameters', () => {
  test('have a value per instance of one module', () => {
    using sim = simulate(() => new Adders());
    expect(sim.design.modules.length).toBe(2);
    sim.poke(sim.dut.a, 5);
    expect([sim.peek(sim.dut.x), sim.peek(sim.dut.y)]).toEqual([6n, 105n]);
  });

  const sum = (parameters?: SimulateOptions['parameters']) => {
    using sim = simulate(() => new Adder({ amount: 3 }), parameters ? { parameters } : {});
    sim.poke(sim.dut.a, 10);
    return sim.peek(sim.dut.sum);
  };

  test('of the top have the value that it was made with, or that simulate is given', () => {
    expect([sum(), sum({}), sum({ amount: 40 }), sum({ amount: 255n }), sum({ amount: -2 })]).toEqual([13n, 13n, 50n, 9n, 8n]);
  });

  test('are bit patterns in the design', () => {
    using sim = simulate(() => new Adder({ amount: 3 }), { parameters: { amount: -2 } });
    expect(sim.design.top.signals.map(({ name, init }) => [name, init])).toContainEqual(['amount', 254n]);
  });

  test.each([
    [{ amounts: 1 }, "The top module Adder has no parameter 'amounts': its parameters are amount."],
    [{ amount: 256 }, "The parameter 'amount' is a whole number of 8 bits, not 256."],
    [{ amount: -129 }, "The parameter 'amount' is a whole number of 8 bits, not -129."],
    [{ amount: 0.5 }, "The parameter 'amount' is a whole number of 8 bits, not 0.5."],
  ])('%o is an error', (parameters, message) => {
    expect(() => sum(parameters as { readonly [name: string]: number })).toThrow(SimulationError);
    expect(() => sum(parameters as { readonly [name: string]: number })).toThrow(message);
  });

  test('of a top without any are an error', () => {
    expect(() => simulate(() => new Adders(), { parameters: { amount: 1 } })).toThrow(
      "The top module Adders has no parameter 'amount': it has none.",
    );
  });
});

class Foreign extends BlackBox {
  readonly verilog = { module: 'VENDOR_CELL' };
  readonly i = input(bool);
  readonly o = output(bool);
}

class Modelled extends BlackBox {
  readonly verilog = { module: 'VENDOR_DELAY' };
  readonly i = input(bool);
  readonly o = output(bool);
  private readonly held = reg(bool, { init: 1 });
  protected override logic() {
    this.held.set(this.i);
    this.o.set(this.held);
  }
}

class Around<B extends Foreign | Modelled> extends Module<{ box: () => B }> {
  readonly in = input(bool);
  readonly out = output(bool);
  readonly box: Foreign | Modelled = this.p.box();
  protected override logic() {
    connect(this.box as Foreign, { i: this.in });
    this.out.set(this.box.o);
  }
}

class Outer extends Module<{ box: () => Foreign | Modelled }> {
  readonly in = input(bool);
  readonly out = output(bool);
  private readonly part = new Around({ box: this.p.box });
  protected override logic() {
    connect(this.part, { in: this.in });
    this.out.set(this.part.out);
  }
}

describe('black boxes', () => {
  test('with a model do what the model says', () => {
    using sim = simulate(() => new Outer({ box: () => new Modelled() }));
    expect(sim.peek(sim.dut.out)).toBe(1n);
    sim.step();
    expect(sim.peek(sim.dut.out)).toBe(0n);
    sim.poke(sim.dut.in, 1);
    sim.step();
    expect(sim.peek(sim.dut.out)).toBe(1n);
  });

  test('without a model are an error with their place and what helps', () => {
    const make = () => simulate(() => new Outer({ box: () => new Foreign() }));
    expect(make).toThrow(SimulationError);
    expect(make).toThrow(
      "The black box 'part.box' (VENDOR_CELL) has no model, so this engine cannot simulate it. " +
        'Describe its behaviour in logic(), or use an engine that compiles its Verilog.',
    );
  });
});

test('memories begin with their contents, the rest of their words is 0, and reset leaves them alone', () => {
  class Table extends Module {
    readonly address = input(uint(3));
    readonly word = output(uint(70));
    private readonly words = memory(uint(70), { depth: 6, init: [3, 1n << 69n, (1n << 70n) - 1n] });
    private readonly busy = reg(bool, { init: 0 });
    protected override logic() {
      this.busy.set(this.busy.not());
      this.words.write(this.address, this.words.peek(this.address).not());
      this.word.set(this.words.peek(this.address));
    }
  }
  using sim = simulate(() => new Table(), { resetCycles: 0 });
  const all = () =>
    Array.from({ length: 8 }, (_, i) => {
      sim.poke(sim.dut.address, i);
      return sim.peek(sim.dut.word);
    });
  const ones = (1n << 70n) - 1n;
  expect(all()).toEqual([3n, 1n << 69n, ones, 0n, 0n, 0n, 0n, 0n]);
  sim.poke(sim.dut.address, 4);
  sim.step();
  expect(all()).toEqual([3n, 1n << 69n, ones, 0n, ones, 0n, 0n, 0n]);
});

test('assignments at an offset drop what is beyond the target', () => {
  class Placed extends Module {
    readonly at = input(uint(2));
    readonly position = input(uint(6));
    readonly value = input(uint(8));
    readonly wide = output(uint(24));
    readonly bits = output(uint(40));
    private readonly held = reg(uint(40));
    protected override logic() {
      this.wide.set(0xffffff);
      this.wide.word(this.at, 8).set(this.value);
      this.held.bit(this.position).set(1);
      this.bits.set(this.held);
    }
  }
  using sim = simulate(() => new Placed());
  sim.poke(sim.dut.value, 0x12);
  const words = [0, 1, 2, 3].map(i => {
    sim.poke(sim.dut.at, i);
    return sim.peek(sim.dut.wide);
  });
  expect(words).toEqual([0xffff12n, 0xff12ffn, 0x12ffffn, 0xffffffn]);
  const before = sim.peek(sim.dut.bits);
  for (const position of [0, 31, 32, 39, 40, 63]) {
    sim.poke(sim.dut.position, position);
    sim.step();
  }
  expect(sim.peek(sim.dut.bits) | before).toBe((1n << 39n) | (1n << 32n) | (1n << 31n) | 1n);
});
