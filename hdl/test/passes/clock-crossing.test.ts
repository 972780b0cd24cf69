import { expect, test } from 'vitest';
import {
  AsyncFifo,
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
  PulseSynchroniser,
  reg,
  Synchroniser,
  shareModules,
  stream,
  uint,
  type VerilogSource,
  WordSynchroniser,
  when,
  wire,
} from '../../src/index.ts';
import { clockCrossing } from '../../src/passes/clock-crossing.ts';

const found = (make: () => Module<never> | Module) =>
  clockCrossing(shareModules(elaborate(make).design)).map(({ message }) => message.replace('clock crossing in ', ''));

/** A register of `y` takes one of `x`. */
class Both extends Module {
  readonly x = clockDomain({ default: true });
  readonly y = clockDomain();
  readonly d = input(bool);
  readonly q = output(bool);
  private readonly first = reg(bool, { init: 0 });
  private readonly second = reg(bool, { init: 0, domain: this.y });
  protected override logic() {
    this.first.set(this.d);
    this.second.set(this.first);
    this.q.set(this.second);
  }
}

test('what is a crossing inside a module depends on the clocks that its domains get', () => {
  class Together extends Module {
    readonly d = input(bool);
    readonly q = output(bool);
    private readonly both = new Both();
    protected override logic() {
      connect(this.both, { d: this.d, x: ownDomain, y: ownDomain });
      this.q.set(this.both.q);
    }
  }
  class Apart extends Module {
    readonly far = clockDomain();
    readonly d = input(bool);
    readonly q = output(bool);
    private readonly same = new Both();
    private readonly other = new Both();
    protected override logic() {
      connect(this.same, { d: this.d, x: ownDomain, y: ownDomain });
      connect(this.other, { d: this.d, x: ownDomain, y: this.far });
      this.q.set(this.same.q.and(this.other.q));
    }
  }
  expect(found(() => new Both())).toEqual(["Both, from the clock domain 'x' to the clock domain 'y': first -> second"]);
  expect(found(() => new Together())).toEqual([]);
  expect(found(() => new Apart())).toEqual(["Both, from the clock domain 'x' to the clock domain 'y': first -> second"]);
});

class Stage extends Module {
  readonly d = input(uint(4));
  readonly through = output(uint(4));
  readonly q = output(uint(4));
  private readonly middle = wire(uint(4));
  private readonly held = reg(uint(4), { init: 0 });
  protected override logic() {
    this.middle.set(this.d.not());
    this.through.set(this.middle);
    this.held.set(this.middle);
    this.q.set(this.held);
  }
}
class Pair extends Module {
  readonly d = input(uint(4));
  readonly q = output(uint(4));
  private readonly one = new Stage();
  private readonly two = new Stage();
  protected override logic() {
    connect(this.one, { d: this.d });
    connect(this.two, { d: this.one.through });
    this.q.set(this.two.q);
  }
}

test('the path leads through children, from a register inside one to a register inside another', () => {
  class Top extends Module {
    readonly far = clockDomain();
    readonly start = input(uint(4));
    readonly q = output(uint(4));
    private readonly source = new Stage();
    private readonly pair = inDomain(this.far, () => new Pair());
    protected override logic() {
      connect(this.source, { d: this.start });
      connect(this.pair, { d: this.source.q });
      this.q.set(this.pair.q);
    }
  }
  expect(found(() => new Top())).toEqual([
    "Top, from the clock domain 'clk' to the clock domain 'far': source.held -> source.q -> pair.d -> pair.one.d -> pair.one.middle -> pair.one.held",
  ]);
});

test('conditions, dynamic places, addresses, data and masks count; properties do not', () => {
  class Top extends Module {
    readonly far = clockDomain();
    readonly a = input(uint(4));
    readonly b = input(uint(4), { domain: this.far });
    private readonly enabled = reg(uint(4), { init: 0 });
    private readonly placed = reg(uint(16), { init: 0 });
    private readonly words = memory(uint(4), { depth: 16, lane: 1 });
    private readonly crossing = reg(uint(4), { init: 0, crossing: true });
    protected override logic() {
      when(this.b.any(), () => this.enabled.set(this.a));
      this.placed.bit(this.b).set(1);
      this.words.write(this.a, this.a, this.b);
      when(this.b.any(), () => this.crossing.set(this.b));
    }
  }
  expect(found(() => new Top())).toEqual([
    "Top, from the clock domain 'far' to the clock domain 'clk': b -> enabled",
    "Top, from the clock domain 'far' to the clock domain 'clk': b -> placed",
    "Top, from the clock domain 'far' to the clock domain 'clk': b -> words",
  ]);
});

test('bits of one word are told apart', () => {
  class Top extends Module {
    readonly far = clockDomain();
    readonly a = input(bool);
    readonly b = input(bool, { domain: this.far });
    readonly q = output(bool);
    private readonly both = wire(uint(2));
    private readonly seen = reg(bool, { init: 0 });
    protected override logic() {
      this.both.bit(0).set(this.a);
      this.both.bit(1).set(this.b);
      this.seen.set(this.both.bit(0));
      this.q.set(this.seen);
    }
  }
  expect(found(() => new Top())).toEqual([]);
});

test('the cells for crossings cross', () => {
  class Top extends Module {
    readonly far = clockDomain();
    readonly pulse = input(bool, { domain: this.far });
    readonly button = input(bool, { domain: 'asynchronous' });
    readonly in = input(stream(uint(8)), { domain: this.far });
    readonly out = output(stream(uint(8)));
    readonly q = output(bool);
    private readonly pulses = new PulseSynchroniser({});
    private readonly bit = new Synchroniser({ width: 1 });
    private readonly fifo = new AsyncFifo({ type: uint(8), depth: 8 });
    private readonly word = new WordSynchroniser({ type: uint(8) });
    private readonly back = new AsyncFifo({ type: uint(8), depth: 8 });
    private readonly seen = reg(bool, { init: 0 });
    protected override logic() {
      connect(this.pulses, { in: this.pulse, from: this.far, to: ownDomain });
      connect(this.bit, { in: this.button });
      connect(this.fifo, { in: this.in, from: this.far, to: ownDomain });
      connect(this.word, { in: this.fifo.out, from: ownDomain, to: this.far });
      connect(this.back, { in: this.word.out, from: this.far, to: ownDomain });
      this.out.from(this.back.out);
      this.seen.set(this.pulses.out.and(this.bit.out));
      this.q.set(this.seen);
    }
  }
  expect(found(() => new Top())).toEqual([]);
});

test('a black box without a model takes its inputs as it states, and gives values of its only clock', () => {
  class Box extends BlackBox {
    readonly verilog: VerilogSource = {};
    readonly far = clockDomain({ default: true });
    readonly d = input(bool);
    readonly any = input(bool, { domain: 'asynchronous' });
    readonly q = output(bool);
  }
  class Top extends Module {
    readonly far = clockDomain();
    readonly a = input(bool);
    readonly q = output(bool);
    private readonly box = new Box();
    private readonly seen = reg(bool, { init: 0 });
    protected override logic() {
      connect(this.box, { d: this.a, any: this.a, far: this.far });
      this.seen.set(this.box.q);
      this.q.set(this.seen);
    }
  }
  expect(found(() => new Top())).toEqual([
    "Top, from the clock domain 'far' to the clock domain 'clk': box.q -> seen",
    "Top, from the clock domain 'clk' to the clock domain 'far': a -> box.d",
  ]);
});
