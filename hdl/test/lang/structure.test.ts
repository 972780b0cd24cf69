import { expect, test } from 'vitest';
import {
  assert,
  BlackBox,
  bool,
  type ClockDomain,
  clockDomain,
  connect,
  type DomainOptions,
  elaborate,
  inDomain,
  input,
  log,
  Module,
  memory,
  output,
  ownDomain,
  parameter,
  reg,
  uint,
  when,
} from '../../src/index.ts';

class Counter extends Module {
  readonly value = output(uint(4));
  private readonly count = reg(uint(4), { init: 0 });
  protected override logic() {
    this.count.set(this.count.add(1));
    this.value.set(this.count);
    assert(this.count.ne(15), 'never full');
  }
}

class Crossing extends Module<{ to: DomainOptions }> {
  readonly from = clockDomain();
  readonly to = clockDomain(this.p.to);
  readonly in = input(bool, { domain: this.from });
  readonly out = output(bool);
  private readonly stage = reg(bool, { domain: this.to, crossing: true });
  private readonly held = reg(bool, { domain: this.to, init: 0 });
  protected override logic() {
    this.stage.set(this.in);
    this.held.set(this.stage);
    this.out.set(this.held);
  }
}

test('domains of a module are its fields; the default one is there too', () => {
  const { design } = elaborate(() => new Crossing({ to: { reset: { kind: 'async', active: 'low' } } }));
  expect(design.top.domains.map(({ name, clock, reset }) => ({ name, clock, reset }))).toEqual([
    { name: 'clk', clock: 'clk', reset: { name: 'rst', kind: 'sync', active: 'high' } },
    { name: 'from', clock: 'from_clk', reset: { name: 'from_rst', kind: 'sync', active: 'high' } },
    { name: 'to', clock: 'to_clk', reset: { name: 'to_rst_n', kind: 'async', active: 'low' } },
  ]);
  expect(design.top.signals.map(({ name, domain, crossing }) => [name, domain?.name, crossing])).toEqual([
    ['in', 'from', false],
    ['out', undefined, false],
    ['stage', 'to', true],
    ['held', 'to', false],
  ]);
});

class Top extends Module {
  readonly fast = clockDomain({ clock: 'sys_clock', reset: { kind: 'async', active: 'low', name: 'sys_reset' }, default: true });
  readonly slow = clockDomain({ reset: { active: 'low' } });
  readonly in = input(bool);
  readonly out = output(bool);
  readonly a = output(uint(4));
  readonly b = output(uint(4));
  private readonly crossing = new Crossing({ to: {} });
  private readonly slow_count = inDomain(this.slow, () => new Counter());
  private readonly fast_count = new Counter();
  private readonly words = memory(uint(8), { depth: 4, init: [1, 2] });
  protected override logic() {
    connect(this.crossing, { in: this.in, from: ownDomain, to: this.slow });
    this.out.set(this.crossing.out);
    this.a.set(this.slow_count.value);
    this.b.set(this.fast_count.value);
    inDomain(this.slow, () => when(this.slow_count.value.eq(3), () => this.words.write(1, 7)));
    log`count ${this.fast_count.value}`;
  }
}

test('children get the domains that connect or inDomain names, and inherit the kind of reset', () => {
  const { design } = elaborate(() => new Top());
  const { top } = design;
  expect(top.domains.map(({ name, clock, reset }) => [name, clock, reset?.name, reset?.kind, reset?.active])).toEqual([
    ['fast', 'sys_clock', 'sys_reset', 'async', 'low'],
    ['slow', 'slow_clk', 'slow_rst_n', 'sync', 'low'],
  ]);
  const instances = top.instances.map(({ name, domains, module }) => [
    name,
    [...domains].map(([inner, outer]) => `${inner}=${outer.name}`),
    module.domains.map(({ reset }) => `${reset?.name} ${reset?.kind}`),
  ]);
  expect(instances).toEqual([
    ['crossing', ['from=fast', 'to=slow', 'clk=fast'], ['rst_n async', 'from_rst_n async', 'to_rst_n sync']],
    ['slow_count', ['clk=slow'], ['rst_n sync']],
    ['fast_count', ['clk=fast'], ['rst_n async']],
  ]);
  expect(top.memories[0]?.init).toEqual([1n, 2n]);
});

class Limited extends Module<{ limit: number }> {
  readonly limit = parameter(uint(4), this.p.limit);
  readonly reached = output(bool);
  readonly value = input(uint(4));
  protected override logic() {
    this.reached.set(this.value.ge(this.limit));
  }
}
class Two extends Module {
  readonly value = input(uint(4));
  readonly x = output(bool);
  readonly y = output(bool);
  private readonly low = new Limited({ limit: 3 });
  private readonly high = new Limited({ limit: 9 });
  protected override logic() {
    connect(this.low, { value: this.value });
    connect(this.high, { value: this.value });
    this.x.set(this.low.reached);
    this.y.set(this.high.reached);
  }
}

test('parameters belong to instances', () => {
  const { design } = elaborate(() => new Two());
  expect(design.top.instances.map(({ parameters }) => [...parameters])).toEqual([[['limit', 3n]], [['limit', 9n]]]);
});

class Buffer extends BlackBox<{ drive: number }> {
  readonly verilog = { module: 'IOBUF', parameters: { DRIVE: this.p.drive, SLEW: 'SLOW' } };
  readonly i = input(bool);
  readonly o = output(bool);
}
class Pad extends Module {
  readonly i = input(bool);
  readonly o = output(bool);
  private readonly buffer = new Buffer({ drive: 12 });
  protected override logic() {
    connect(this.buffer, { i: this.i });
    this.o.set(this.buffer.o);
  }
}

test('a black box names its Verilog', () => {
  const { design } = elaborate(() => new Pad());
  const box = design.modules.find(({ external }) => external);
  expect(box?.external).toEqual({
    name: 'IOBUF',
    parameters: new Map<string, bigint | string>([
      ['DRIVE', 12n],
      ['SLEW', 'SLOW'],
    ]),
    sources: [],
    modelled: false,
  });
});

test('mistakes with domains are told with their places', () => {
  class Foreign extends Module<{ of: ClockDomain }> {
    readonly q = output(bool);
    private readonly r = reg(bool, { domain: this.p.of, init: 0 });
    protected override logic() {
      this.q.set(this.r);
    }
  }
  class Parent extends Module {
    readonly other = clockDomain();
    private readonly child = new Foreign({ of: this.other });
    protected override logic() {
      log`${this.child.q}`;
    }
  }
  class Forgetful extends Module {
    private readonly child = new Crossing({ to: {} });
    readonly out = output(bool);
    protected override logic() {
      this.out.set(this.child.out);
    }
  }
  class Level extends Module {
    private readonly child = new Crossing({ to: { reset: { active: 'low' } } });
    readonly out = output(bool);
    protected override logic() {
      connect(this.child, { from: ownDomain, to: ownDomain, in: this.child.out });
      this.out.set(this.child.out);
    }
  }
  class NoReset extends Module {
    readonly free = clockDomain({ reset: 'none', default: true });
    private readonly r = reg(bool, { init: 0 });
    protected override logic() {
      this.r.set(this.r.not());
    }
  }
  const message = (make: () => Module<never> | Module) => {
    try {
      elaborate(make as () => Module);
    } catch (e) {
      return e instanceof Error ? e.message.split('\n')[0] : e;
    }
    return 'no error';
  };
  expect([
    message(() => new Parent()),
    message(() => new Forgetful()),
    message(() => new Level()),
    message(() => new NoReset()),
  ]).toMatchInlineSnapshot(`
    [
      "the clock domain 'other' is no field of Foreign",
      "the clock domain 'from' of Crossing is not connected",
      "the reset of the clock domain 'to' of Crossing is active low, that of 'clk', which drives it, active high",
      "'r' of NoReset has a reset value, but its clock domain 'free' has no reset",
    ]
  `);
});
