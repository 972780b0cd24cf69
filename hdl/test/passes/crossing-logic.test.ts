import { expect, test } from 'vitest';
import {
  bool,
  clockDomain,
  connect,
  elaborate,
  inDomain,
  input,
  Module,
  mux,
  output,
  reg,
  Synchroniser,
  shareModules,
  uint,
  when,
} from '../../src/index.ts';
import { crossingLogic } from '../../src/passes/crossing-logic.ts';

const found = <M extends Module<never> | Module<unknown>>(make: () => M) =>
  crossingLogic(shareModules(elaborate(make).design)).map(({ message }) =>
    message.replace('logic before a synchroniser in ', '').replace('which may catch a glitch of it, from ', ''),
  );

test('wires, inverters, constants and a choice of the own clock are no gates', () => {
  class Top extends Module {
    readonly far = clockDomain();
    readonly a = input(uint(4), { domain: this.far });
    readonly b = input(uint(4), { domain: this.far });
    readonly take = input(bool);
    readonly own = input(uint(4));
    private readonly source = reg(uint(4), { init: 0, domain: this.far });
    private readonly wired = reg(uint(8), { init: 0, crossing: true });
    private readonly masked = reg(uint(4), { init: 0, crossing: true });
    private readonly chosen = reg(uint(4), { init: 0, crossing: true });
    private readonly gated_by_own = reg(uint(4), { init: 0, crossing: true });
    protected override logic() {
      this.source.set(this.a.and(this.b));
      this.wired.set(this.source.not().cat(this.a.bits(1, 0)).zext(8));
      this.masked.set(this.a.and(3).xor(5));
      when(this.take, () => this.chosen.set(mux(this.own.any(), this.a, this.own.add(1))));
      this.gated_by_own.set(mux(this.take, this.source, this.gated_by_own));
    }
  }
  expect(found(() => new Top())).toEqual([]);
});

test('gates, conditions, indices and what is chosen by another clock are told, each register once', () => {
  class Top extends Module {
    readonly far = clockDomain();
    readonly a = input(uint(2), { domain: this.far });
    readonly b = input(bool, { domain: 'asynchronous' });
    readonly own = input(uint(2));
    private readonly sum = reg(uint(2), { init: 0, crossing: true });
    private readonly under = reg(uint(2), { init: 0, crossing: true });
    private readonly placed = reg(uint(4), { init: 0, crossing: true });
    private readonly chosen = reg(uint(2), { init: 0, crossing: true });
    private readonly bitwise = reg(uint(2), { init: 0, crossing: true });
    private readonly stable = reg(uint(2), { init: 0, crossing: 'stable' });
    protected override logic() {
      this.sum.set(this.a.add(1));
      when(this.b, () => this.under.set(this.own));
      this.placed.bit(this.a).set(1);
      this.chosen.set(mux(this.b, this.own, 0));
      this.bitwise.set(this.a.xor(this.own));
      this.stable.set(this.a.add(this.b.zext(2)));
    }
  }
  expect(found(() => new Top())).toEqual([
    "Top, the clock domain 'far' to the clock domain 'clk': a -> sum",
    "Top, no clock to the clock domain 'clk': b -> under",
    "Top, the clock domain 'far' to the clock domain 'clk': a -> placed",
    "Top, no clock to the clock domain 'clk': b -> chosen",
    "Top, the clock domain 'far' to the clock domain 'clk': a -> bitwise",
  ]);
});

class Inverted extends Module<{ gate: boolean }> {
  readonly d = input(uint(2));
  readonly through = output(uint(2));
  protected override logic() {
    this.through.set(this.p.gate ? this.d.add(1) : this.d.not());
  }
}
class Kept extends Module<{ gate: boolean }> {
  readonly d = input(uint(2));
  readonly q = output(uint(2));
  private readonly held = reg(uint(2), { init: 0 });
  protected override logic() {
    this.held.set(this.d);
    this.q.set(this.p.gate ? this.held.add(1) : this.held);
  }
}
class Taking extends Module<{ gate: boolean }> {
  readonly d = input(uint(2));
  readonly q = output(uint(2));
  private readonly sync = new Synchroniser({ width: 2 });
  protected override logic() {
    connect(this.sync, { in: this.p.gate ? this.d.add(1) : this.d });
    this.q.set(this.sync.out);
  }
}
class Chain extends Module<{ source: boolean; between: boolean; sink: boolean }> {
  readonly far = clockDomain();
  readonly d = input(uint(2), { domain: this.far });
  readonly q = output(uint(2));
  private readonly source = inDomain(this.far, () => new Kept({ gate: this.p.source }));
  private readonly between = new Inverted({ gate: this.p.between });
  private readonly sink = new Taking({ gate: this.p.sink });
  protected override logic() {
    connect(this.source, { d: this.d });
    connect(this.between, { d: this.source.q });
    connect(this.sink, { d: this.between.through });
    this.q.set(this.sink.q);
  }
}

test('a gate in a child counts, before, between and in front of the synchroniser, with the whole path', () => {
  const path = 'source.held -> source.q -> between.d -> between.through -> sink.d -> sink.sync.in -> sink.sync.caught';
  const text = [`Chain, the clock domain 'far' to the clock domain 'clk': ${path}`];
  for (let i = 0; i < 8; i++) {
    const places = { source: (i & 1) !== 0, between: (i & 2) !== 0, sink: (i & 4) !== 0 };
    expect(
      found(() => new Chain(places)),
      JSON.stringify(places),
    ).toEqual(i === 0 ? [] : text);
  }
});

test('the place is that of the gate', () => {
  const [diagnostic] = crossingLogic(
    shareModules(elaborate(() => new Chain({ source: true, between: false, sink: false })).design),
  );
  const [elaborated] = elaborate(() => new Kept({ gate: true })).design.modules;
  const gate = elaborated?.body.find(statement => statement.kind === 'assign' && statement.target.signal.name === 'q');
  expect(diagnostic?.sites[0]?.frames[0]?.line).toBe(gate?.site.frames[0]?.line);
});
