import {
  assert,
  bool,
  clockDomain,
  connect,
  inDomain,
  input,
  log,
  Module,
  memory,
  output,
  ResetSynchroniser,
  reg,
  resetDomain,
  Synchroniser,
  uint,
  when,
} from '../../src/index.ts';

/** A clock whose reset is made here from one that comes from outside, and a counter in it. */
export class SafeCounter extends Module<{ init: number }> {
  readonly outside = clockDomain({ reset: 'none' });
  readonly outside_rst_n = input(bool, { domain: 'asynchronous' });
  readonly clear = input(bool, { domain: this.outside });
  readonly value = output(uint(8));
  readonly cleared = output(uint(8));
  private readonly raw = resetDomain(this.outside, this.outside_rst_n, { active: 'low' });
  private readonly synchroniser = inDomain(this.raw, () => new ResetSynchroniser({ active: 'low', stages: 2 + this.p.init }));
  readonly main = resetDomain(this.outside, this.synchroniser.reset, { default: true });
  /** Acts at the edge, by a register. */
  private readonly clearing = reg(bool, { init: 1 });
  private readonly soft = resetDomain(this.outside, this.clearing, { kind: 'sync' });
  private readonly count = reg(uint(8), { init: this.p.init });
  private readonly since = reg(uint(8), { init: 3, domain: this.soft });

  protected override logic() {
    this.clearing.set(this.clear);
    this.count.set(this.count.add(1));
    this.since.set(this.since.add(1));
    this.value.set(this.count);
    this.cleared.set(this.since);
    assert(this.count.ge(this.p.init).or(this.count.lt(128)), 'it counts from its first value');
    when(this.count.eq(this.p.init + 2), () => log`two after ${this.count}`);
  }
}

/** A child that knows nothing of how its reset is made. */
export class Plain extends Module {
  readonly in = input(uint(4));
  readonly out = output(uint(4));
  private readonly held = reg(uint(4), { init: 9 });
  private readonly free = reg(uint(4));
  private readonly words = memory(uint(4), { depth: 4 });
  protected override logic() {
    this.held.set(this.in);
    this.free.set(this.free.add(this.held));
    this.words.write(this.held.bits(1, 0), this.free);
    this.out.set(this.held.xor(this.free).xor(this.words.read(this.in.bits(1, 0))));
  }
}

/** Two clocks, one asynchronous reset for both from outside, and what is in reset with each. */
export class ResetTree extends Module {
  readonly a = clockDomain({ clock: 'a_clk', reset: 'none' });
  readonly b = clockDomain({ clock: 'b_clk', reset: 'none' });
  readonly rst_n = input(bool, { domain: 'asynchronous' });
  readonly clear = input(bool, { domain: this.a });
  readonly d = input(uint(4), { domain: this.b });
  readonly x = output(uint(8));
  readonly y = output(uint(8));
  readonly since = output(uint(8));
  readonly seen = output(bool);
  readonly mixed = output(uint(4));
  private readonly raw_b = resetDomain(this.b, this.rst_n, { active: 'low' });
  private readonly reset_b = inDomain(this.raw_b, () => new ResetSynchroniser({ active: 'low', stages: 3 }));
  readonly main_b = resetDomain(this.b, this.reset_b.reset, { default: true });
  private readonly count = reg(uint(8), { init: 7 });
  private readonly counter = new SafeCounter({ init: 1 });
  private readonly bit_2 = new Synchroniser({ width: 1 });
  private readonly plain = new Plain();
  protected override logic() {
    connect(this.counter, { outside: this.a, outside_rst_n: this.rst_n, clear: this.clear });
    connect(this.plain, { in: this.d });
    connect(this.bit_2, { in: this.counter.value.bit(2) });
    this.count.set(this.count.add(1));
    this.x.set(this.count);
    this.y.set(this.counter.value);
    this.since.set(this.counter.cleared);
    this.seen.set(this.bit_2.out);
    this.mixed.set(this.plain.out);
  }
}
