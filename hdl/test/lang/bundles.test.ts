import { expect, test } from 'vitest';
import {
  type Bool,
  Bundle,
  bool,
  connect,
  elaborate,
  emitText,
  equal,
  flipped,
  input,
  Module,
  memory,
  mux,
  output,
  reg,
  type Sig,
  simulate,
  sint,
  states,
  stream,
  uint,
  vec,
  when,
  wire,
} from '../../src/index.ts';

const Op = states.coded({ Load: 0x03, Store: 0x23 });

class Inner extends Bundle({ op: Op, offset: sint(4) }) {
  /** Whether it goes backwards. */
  get back(): Bool {
    return this.offset.sign();
  }
}
class Command extends Bundle({ inner: Inner, tag: uint(4) }) {
  static none(): Sig<typeof Command> {
    return Command.of({ inner: { op: 'Load', offset: 0 }, tag: 0 });
  }
  sameTag(other: Command): Bool {
    return this.tag.eq(other.tag);
  }
}

class Uses extends Module {
  readonly command = input(Command);
  readonly clear = input(bool);
  readonly out = output(Command);
  readonly back = output(bool);
  readonly same = output(bool);
  readonly same_tag = output(bool);
  readonly is_store = output(bool);
  readonly stored = output(Command);
  private readonly held = reg(Command, { init: { inner: { op: 'Store', offset: -3 }, tag: 9 } });
  private readonly words = memory(Command, { depth: 2 });

  protected override logic() {
    this.held.set(mux(this.clear, Command.none(), this.command));
    this.out.set(this.held);
    this.back.set(this.held.inner.back);
    this.same.set(equal(this.held, this.command));
    this.same_tag.set(mux(this.clear, Command.none(), this.held).sameTag(this.command));
    this.is_store.set(this.held.inner.op.is('Store'));
    this.words.write(0, this.command);
    this.stored.set(this.words.peek(0));
  }
}

test('nested bundles have methods, an init by literal, equality, and keep the meaning of their fields', () => {
  using sim = simulate(() => new Uses());
  const { dut } = sim;
  const state = () => [sim.peek(dut.out.inner.op), sim.peek(dut.out.inner.offset), sim.peek(dut.out.tag)];
  expect(state()).toEqual([0x23n, -3n, 9n]);
  expect([sim.peek(dut.back), sim.peek(dut.is_store), sim.peek(dut.same)]).toEqual([1n, 1n, 0n]);
  sim.poke(dut.command.inner.op, 0x23);
  sim.poke(dut.command.inner.offset, -3);
  expect([sim.peek(dut.same), sim.peek(dut.same_tag)]).toEqual([0n, 0n]);
  sim.poke(dut.command.tag, 9);
  expect([sim.peek(dut.same), sim.peek(dut.same_tag)]).toEqual([1n, 1n]);
  sim.poke(dut.command.inner.offset, -2);
  expect([sim.peek(dut.same), sim.peek(dut.same_tag)]).toEqual([0n, 1n]);
  sim.step();
  expect(state()).toEqual([0x23n, -2n, 9n]);
  expect(sim.peek(dut.stored.inner.offset)).toBe(-2n);
  sim.poke(dut.clear, 1);
  sim.step();
  expect(state()).toEqual([0x03n, 0n, 0n]);
});

/** A request with an answer in the other direction; nested, so that directions compose. */
class Bus extends Bundle({ req: uint(8), ack: flipped(bool) }) {}
class Link extends Bundle({ down: Bus, up: flipped(Bus), beats: stream(uint(4)) }) {}

class Middle extends Module {
  readonly from = input(Link);
  readonly to = output(Link);
  protected override logic() {
    this.to.set(this.from);
  }
}

class Whole extends Module {
  readonly left = input(Link);
  readonly right = output(Link);
  private readonly middle = new Middle();
  private readonly between = wire(Link);
  protected override logic() {
    this.between.set(this.left);
    connect(this.middle, { from: this.between });
    this.right.set(this.middle.to);
  }
}

test('a bundle with flipped fields and streams is connected whole, in both directions', () => {
  const { design } = elaborate(() => new Middle());
  expect(design.top.signals.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    'input from_down_req',
    'output from_down_ack',
    'output from_up_req',
    'input from_up_ack',
    'input from_beats_payload',
    'input from_beats_valid',
    'output from_beats_ready',
    'output to_down_req',
    'input to_down_ack',
    'input to_up_req',
    'output to_up_ack',
    'output to_beats_payload',
    'output to_beats_valid',
    'input to_beats_ready',
  ]);
  using sim = simulate(() => new Whole());
  const { left, right } = sim.dut;
  sim.poke(left.down.req, 0x5a);
  sim.poke(right.down.ack, 1);
  sim.poke(right.up.req, 0xc3);
  sim.poke(left.up.ack, 1);
  sim.poke(left.beats.payload, 7);
  sim.poke(left.beats.valid, 1);
  sim.poke(right.beats.ready, 1);
  expect([sim.peek(right.down.req), sim.peek(left.down.ack)]).toEqual([0x5an, 1n]);
  expect([sim.peek(left.up.req), sim.peek(right.up.ack)]).toEqual([0xc3n, 1n]);
  expect([sim.peek(right.beats.payload), sim.peek(right.beats.valid), sim.peek(left.beats.ready)]).toEqual([7n, 1n, 1n]);
});

class Lane extends Bundle({ data: stream(uint(8)), credit: flipped(uint(2)) }) {}

class Lanes extends Module {
  readonly in = input(vec(2, Lane));
  readonly out = output(vec(2, Lane));
  protected override logic() {
    this.out.forEach((lane, i) => {
      const from = this.in[1 - i];
      if (from) lane.set(from);
    });
  }
}

test('an array of bundles of streams', () => {
  using sim = simulate(() => new Lanes());
  const { dut } = sim;
  const [in0, in1] = dut.in;
  const [out0] = dut.out;
  if (!in0 || !in1 || !out0) throw new Error('two lanes');
  sim.poke(in1.data.payload, 0x77);
  sim.poke(out0.credit, 2);
  sim.poke(out0.data.ready, 1);
  expect([sim.peek(out0.data.payload), sim.peek(in1.credit), sim.peek(in1.data.ready)]).toEqual([0x77n, 2n, 1n]);
  expect([sim.peek(in0.credit), sim.peek(in0.data.ready)]).toEqual([0n, 0n]);
});

class Reverser extends Module {
  readonly in = input(vec(3, vec(2, uint(4))));
  readonly index = input(uint(2));
  readonly enable = input(bool);
  readonly chosen = output(vec(2, uint(4)));
  readonly all = output(vec(3, vec(2, uint(4))));
  private readonly held = reg(vec(3, vec(2, uint(4))), { init: 0 });
  protected override logic() {
    when(this.enable, () => this.held.at(this.index).set([1, 2]));
    this.chosen.set(this.in.at(this.index));
    this.all.set(this.held);
  }
}

test('vectors of vectors are chosen from and set by a signal', () => {
  using sim = simulate(() => new Reverser());
  const { dut } = sim;
  sim.poke(dut.enable, 1);
  dut.in.forEach((pair, i) => {
    pair.forEach((value, j) => {
      sim.poke(value, i * 4 + j);
    });
  });
  for (const [index, pair] of [
    [0, [0n, 1n]],
    [1, [4n, 5n]],
    [2, [8n, 9n]],
    [3, [8n, 9n]],
  ] as const) {
    sim.poke(dut.index, index);
    expect(dut.chosen.map(value => sim.peek(value))).toEqual(pair);
  }
  sim.poke(dut.index, 1);
  sim.step();
  expect(dut.all.map(pair => pair.map(value => sim.peek(value)))).toEqual([
    [0n, 0n],
    [1n, 2n],
    [0n, 0n],
  ]);
});

test('a chosen bundle stands in the Verilog as a choice by number', () => {
  expect(emitText(elaborate(() => new Reverser()).design)).toContain('case (index)');
});
