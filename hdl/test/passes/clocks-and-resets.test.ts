import { expect, test } from 'vitest';
import {
  BlackBox,
  bool,
  clockDomain,
  connect,
  elaborate,
  inDomain,
  input,
  Module,
  memory,
  output,
  ownDomain,
  ResetSynchroniser,
  reg,
  resetDomain,
  shareModules,
  simulate,
  uint,
  type VerilogSource,
  when,
} from '../../src/index.ts';
import { clockCrossing } from '../../src/passes/clock-crossing.ts';
import { memoryClocks } from '../../src/passes/memory-clocks.ts';
import { resetKinds } from '../../src/passes/reset-kinds.ts';

const mixed = <M extends Module<never> | Module<unknown>>(make: () => M) =>
  resetKinds(shareModules(elaborate(make).design)).map(d => d.message);

class Leaf extends Module<'sync' | 'async'> {
  readonly main = clockDomain({ default: true, clock: 'clk', reset: { kind: this.p, name: 'rst' } });
  readonly q = output(bool);
  private readonly held = reg(bool, { init: 0 });
  protected override logic() {
    this.held.set(this.held.not());
    this.q.set(this.held);
  }
}
class Middle extends Module<'sync' | 'async'> {
  readonly q = output(bool);
  private readonly leaf = new Leaf(this.p);
  protected override logic() {
    connect(this.leaf, { main: ownDomain });
    this.q.set(this.leaf.q);
  }
}

test('the uses of one reset are followed through the hierarchy, and told where they meet', () => {
  class Top extends Module<{ one: 'sync' | 'async'; two: 'sync' | 'async' }> {
    readonly q = output(bool);
    private readonly first = new Middle(this.p.one);
    private readonly second = new Middle(this.p.two);
    protected override logic() {
      this.q.set(this.first.q.and(this.second.q));
    }
  }
  class Outer extends Module {
    readonly q = output(bool);
    private readonly top = new Top({ one: 'async', two: 'sync' });
    protected override logic() {
      this.q.set(this.top.q);
    }
  }
  const text =
    "the reset of the clock domain 'clk' of Top is used in two ways: asynchronous for 'first.leaf.held', synchronous for 'second.leaf.held'";
  expect(mixed(() => new Top({ one: 'async', two: 'sync' }))).toEqual([text]);
  expect(mixed(() => new Outer())).toEqual([text]);
  for (const kind of ['sync', 'async'] as const) expect(mixed(() => new Top({ one: kind, two: kind }))).toEqual([]);
});

test('registers without a reset value do not count, resets of two domains are two', () => {
  class Top extends Module {
    readonly far = clockDomain({ reset: { kind: 'async' } });
    readonly q = output(bool);
    private readonly one = reg(bool, { init: 0 });
    private readonly two = reg(bool, { init: 0, domain: this.far });
    protected override logic() {
      this.one.set(this.one.not());
      this.two.set(this.two.not());
      this.q.set(this.one);
    }
  }
  expect(mixed(() => new Top())).toEqual([]);
});

test('one signal that is the reset of two domains is one reset', () => {
  class Top extends Module<{ second: 'sync' | 'async' }> {
    readonly stop = input(bool);
    readonly at_once = resetDomain(ownDomain, this.stop);
    readonly later = resetDomain(ownDomain, this.stop, { kind: this.p.second });
    readonly q = output(bool);
    private readonly one = reg(bool, { init: 0, domain: this.at_once });
    private readonly two = reg(bool, { init: 0, domain: this.later });
    protected override logic() {
      this.one.set(this.one.not());
      this.two.set(this.two.not());
      this.q.set(this.one);
    }
  }
  expect(mixed(() => new Top({ second: 'async' }))).toEqual([]);
  expect(mixed(() => new Top({ second: 'sync' }))).toEqual([
    "the reset of the clock domain 'at_once' of Top is used in two ways: asynchronous for 'one', synchronous for 'two'",
  ]);
});

/** What a vendor's RAM with two clocks does. */
class DualClockRam extends BlackBox {
  readonly verilog: VerilogSource = { module: 'VENDOR_RAM' };
  readonly a = clockDomain({ default: true, clock: 'a_clk', reset: 'none' });
  readonly b = clockDomain({ clock: 'b_clk', reset: 'none' });
  readonly a_write = input(bool, { domain: this.a });
  readonly a_address = input(uint(2), { domain: this.a });
  readonly a_data = input(uint(8), { domain: this.a });
  readonly b_write = input(bool, { domain: this.b });
  readonly b_address = input(uint(2), { domain: this.b });
  readonly b_data = input(uint(8), { domain: this.b });
  readonly a_read = output(uint(8));
  readonly b_read = output(uint(8));
  private readonly words = memory(uint(8), { depth: 4 });
  protected override logic() {
    const port = (write: typeof this.a_write, address: typeof this.a_address, data: typeof this.a_data) => {
      when(write, () => this.words.write(address, data));
      return this.words.read(address, undefined, { crossing: 'stable' });
    };
    this.a_read.set(port(this.a_write, this.a_address, this.a_data));
    this.b_read.set(inDomain(this.b, () => port(this.b_write, this.b_address, this.b_data)));
  }
}
class Mailbox extends Module {
  readonly far = clockDomain();
  readonly write_here = input(bool);
  readonly write_there = input(bool, { domain: this.far });
  readonly here = output(uint(8));
  readonly there = output(uint(8));
  private readonly ram = new DualClockRam();
  protected override logic() {
    connect(this.ram, {
      a: ownDomain,
      b: this.far,
      a_write: this.write_here,
      a_address: 1,
      a_data: 17,
      b_write: this.write_there,
      b_address: 1,
      b_data: 34,
    });
    this.here.set(this.ram.a_read);
    this.there.set(this.ram.b_read);
  }
}

test('a memory of two writing clocks is refused, but in the model of a black box', () => {
  class Wrong extends Module {
    readonly far = clockDomain();
    readonly d = input(uint(8));
    private readonly words = memory(uint(8), { depth: 4 });
    protected override logic() {
      this.words.write(0, this.d);
      this.words.write(1, this.d);
      inDomain(this.far, () => this.words.write(2, 0));
    }
  }
  const check = (make: () => Module) => memoryClocks(elaborate(make).design).map(d => d.message);
  expect(check(() => new Wrong())).toEqual(["memory 'words' of Wrong is written from the clock domains 'clk' and 'far'"]);
  expect(check(() => new Mailbox())).toEqual([]);
});

test('both clocks of such a model write and read', () => {
  using sim = simulate(() => new Mailbox(), { clocks: { clk: { period: 2 }, far_clk: { period: 6 } } });
  const { write_here, write_there, here, there } = sim.dut;
  sim.poke(write_here, 1);
  sim.step();
  sim.poke(write_here, 0);
  sim.step(4);
  expect([sim.peek(here), sim.peek(there)]).toEqual([17n, 17n]);
  sim.poke(write_there, 1);
  sim.step(3);
  sim.poke(write_there, 0);
  sim.step(3);
  expect([sim.peek(here), sim.peek(there)]).toEqual([34n, 34n]);
});

/** Counts from a reset that ends when its input says. */
class Counting extends Module<{ kind: 'sync' | 'async' }> {
  readonly clock = clockDomain({ reset: 'none' });
  readonly stop = input(bool, { domain: this.clock });
  readonly counting = resetDomain(this.clock, this.stop, { kind: this.p.kind, default: true });
  readonly q = output(uint(4));
  private readonly inner = new Inner();
  protected override logic() {
    this.q.set(this.inner.q);
  }
}
class Inner extends Module {
  readonly q = output(uint(4));
  private readonly count = reg(uint(4), { init: 0 });
  protected override logic() {
    this.count.set(this.count.add(1));
    this.q.set(this.count);
  }
}
class Around extends Module<{ kind: 'sync' | 'async'; from: 'outside' | 'synchroniser' | 'other' }> {
  readonly clock = clockDomain({ reset: 'none' });
  readonly other = clockDomain();
  readonly rst = input(bool, { domain: 'asynchronous' });
  readonly stopped = input(bool, { domain: this.other });
  readonly raw = resetDomain(this.clock, this.rst);
  private readonly synchroniser = inDomain(this.raw, () => new ResetSynchroniser({}));
  private readonly counting = new Counting({ kind: this.p.kind });
  readonly q = output(uint(4));
  protected override logic() {
    const stop = { outside: this.rst, synchroniser: this.synchroniser.reset, other: this.stopped }[this.p.from];
    connect(this.counting, { clock: this.clock, stop });
    this.q.set(this.counting.q);
  }
}

test('the end of a reset that is a signal has to come from the clock of its domain, through the hierarchy', () => {
  const crossings = (make: () => Around) => clockCrossing(shareModules(elaborate(make).design)).map(({ message }) => message);
  for (const kind of ['sync', 'async'] as const) {
    expect(crossings(() => new Around({ kind, from: 'synchroniser' }))).toEqual([]);
    expect(crossings(() => new Around({ kind, from: 'outside' }))).toEqual([
      "clock crossing in Around, from no clock to the clock domain 'clock': rst -> counting.stop",
    ]);
    expect(crossings(() => new Around({ kind, from: 'other' }))).toEqual([
      "clock crossing in Around, from the clock domain 'other' to the clock domain 'clock': stopped -> counting.stop",
    ]);
  }
});
