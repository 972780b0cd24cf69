/** Modules with what goes beyond one clock and plain assignments. Their line numbers stand in the expected text, so new ones go to the end. */
import {
  assert,
  assume,
  BlackBox,
  bool,
  clockDomain,
  connect,
  cover,
  hex,
  inDomain,
  input,
  log,
  Module,
  match,
  memory,
  output,
  ownDomain,
  parameter,
  reg,
  sint,
  states,
  uint,
  when,
  wire,
} from '../../src/index.ts';

/** A bit from one clock to another; the kind of reset is that of the domain it is in. */
export class Synchroniser extends Module {
  readonly to = clockDomain({ default: true, clock: 'clk' });
  readonly in = input(bool, { domain: 'asynchronous' });
  readonly out = output(bool);
  private readonly stage = reg(bool, { crossing: true });
  private readonly held = reg(bool, { init: 0 });

  protected override logic() {
    this.stage.set(this.in);
    this.held.set(this.stage);
    this.out.set(this.held);
  }
}

/** Two clocks of its own, with memory ports in each. */
export class TwoClocks extends Module {
  readonly wr = clockDomain({ default: true, reset: { active: 'low' } });
  readonly rd = clockDomain({ reset: { kind: 'async' } });
  readonly data = input(uint(8));
  readonly address = input(uint(2));
  readonly go = input(bool, { domain: this.rd });
  readonly word = output(uint(8));
  readonly count = output(uint(4));
  readonly seen = output(bool);
  private readonly words = memory(uint(8), { depth: 4 });
  private readonly position = reg(uint(2), { init: 0 });
  private readonly taken = reg(uint(4), { init: 3, domain: this.rd });
  private readonly synchroniser = new Synchroniser();

  protected override logic() {
    this.words.write(this.position, this.data);
    this.position.set(this.position.add(1));
    connect(this.synchroniser, { in: this.position.bit(1), to: this.rd });
    this.seen.set(this.synchroniser.out);
    inDomain(this.rd, () => {
      this.word.set(this.words.read(this.address, this.go, { crossing: true }));
      when(this.go, () => this.taken.set(this.taken.add(1)));
    });
    this.count.set(this.taken);
  }
}

export class Limited extends Module<{ limit: number; flag: boolean }> {
  readonly limit = parameter(uint(8), this.p.limit);
  readonly inverted = parameter(bool, this.p.flag ? 1 : 0);
  readonly value = input(uint(8));
  readonly reached = output(bool);

  protected override logic() {
    this.reached.set(this.value.ge(this.limit).xor(this.inverted));
  }
}

export class Vendor extends BlackBox<{ drive: number }> {
  readonly verilog = { module: 'IOBUF', parameters: { DRIVE: this.p.drive, SLEW: 'SLOW' }, sources: ['iobuf.v'] };
  readonly c = clockDomain({ default: true, clock: 'C', reset: 'none' });
  readonly i = input(bool);
  readonly o = output(bool);
}

/** A black box with a model, which has a child that only the model needs. */
export class Modelled extends BlackBox {
  readonly verilog = { sources: ['modelled.v', 'iobuf.v'] };
  readonly i = input(uint(8));
  readonly o = output(bool);
  private readonly inner = new Limited({ limit: 1, flag: false });

  protected override logic() {
    connect(this.inner, { value: this.i });
    this.o.set(this.inner.reached);
  }
}

export class Assembled extends Module {
  readonly value = input(uint(8));
  readonly x = output(bool);
  readonly y = output(bool);
  readonly z = output(bool);
  private readonly low = new Limited({ limit: 5, flag: false });
  private readonly high = new Limited({ limit: 9, flag: true });
  private readonly buffer = new Vendor({ drive: 12 });
  private readonly modelled = new Modelled();

  protected override logic() {
    connect(this.low, { value: this.value });
    connect(this.high, { value: this.value });
    connect(this.buffer, { i: this.low.reached, c: ownDomain });
    connect(this.modelled, { i: this.value });
    this.x.set(this.high.reached);
    this.y.set(this.buffer.o);
    this.z.set(this.modelled.o);
  }
}

/** Parts of registers, outputs and inputs of children that a signal chooses. */
export class Placed extends Module {
  readonly i = input(uint(4));
  readonly wide = input(uint(6));
  readonly k = input(uint(2));
  readonly value = input(uint(4));
  readonly bits = output(uint(12));
  readonly words = output(uint(12));
  readonly bytes = output(uint(16));
  readonly one = output(bool);
  readonly word = output(uint(4));
  readonly eight = output(uint(8));
  private readonly by_bit = reg(uint(12), { init: 0 });
  private readonly by_word = reg(uint(12));

  protected override logic() {
    this.by_bit.bit(this.i).set(this.value.bit(0));
    this.by_bit.bit(this.wide).set(1);
    this.by_word.word(this.k, 4).set(this.value);
    this.bits.set(this.by_bit);
    this.words.set(this.by_word);
    this.bytes.set(0);
    this.bytes.word(this.k.bit(1), 8).set(this.value.zext(8));
    this.one.set(this.by_bit.bit(this.i));
    this.word.set(this.by_word.word(this.k, 4));
    this.eight.set(this.bytes.word(this.k.bit(0), 8));
  }
}

/** A table, a boot memory that begins with it, and words that repeat. */
export class Tables extends Module {
  readonly address = input(uint(3));
  readonly data = input(uint(8));
  readonly square = output(uint(8));
  readonly word = output(uint(8));
  private readonly squares = memory(uint(8), { depth: 8, init: [0, 1, 4, 9, 16, 25, 36, 49] });
  private readonly boot = memory(uint(8), { depth: 8, init: [0x13, 0x6f], style: 'block' });

  protected override logic() {
    this.square.set(this.squares.peek(this.address));
    this.word.set(this.boot.read(this.address));
    this.boot.write(this.address, this.data);
  }
}

const Phase = states('Idle', 'Run', 'Drain');

/** Properties and log lines of all kinds. */
export class Observed extends Module {
  readonly en = input(bool);
  readonly delta = input(sint(4));
  readonly count = output(uint(4));
  private readonly value = reg(uint(4), { init: 0 });
  private readonly shadow = reg(uint(4), { init: 0 });
  private readonly phase = reg(Phase, { init: 'Idle' });

  protected override logic() {
    const full = this.value.eq(12);
    when(this.en.and(full.not()), () => this.value.set(this.value.add(1)));
    this.shadow.set(this.value);
    match(Phase, this.phase, {
      Idle: () => this.phase.set('Run'),
      Run: () => {
        when(this.en, () => this.phase.set('Drain'));
        assume(this.en.or(this.value.any()), 'something runs');
      },
      Drain: () => log`drained at ${this.value}, 100% of ${hex(this.shadow)} in ${this.phase}, "delta" ${this.delta}`,
    });
    assert(this.value.le(12), 'never above the limit');
    when(this.en, () => {
      cover(full, 'the limit is reached');
      assert(this.shadow.sub(this.value).part(1, 2).ne(2), 'the shadow follows');
    });
    this.count.set(this.value);
  }
}

/** Properties beside an asynchronous reset. */
export class Watched extends Module {
  readonly main = clockDomain({ default: true, clock: 'clk', reset: { kind: 'async', active: 'low', name: 'rst_n' } });
  readonly en = input(bool);
  readonly busy = output(bool);
  private readonly running = reg(bool, { init: 0 });

  protected override logic() {
    this.running.set(this.en);
    assert(this.running.or(this.en).not(), 'quiet');
    log`running ${this.running}`;
    this.busy.set(this.running);
  }
}

/** A parameter decides what drives an output and a wire. */
export class Chosen extends Module<{ fast: boolean }> {
  readonly fast = parameter(bool, this.p.fast ? 1 : 0);
  readonly value = input(uint(8));
  readonly delay = output(uint(4));
  readonly reached = output(bool);
  private readonly picked = wire(uint(8));
  private readonly limited = new Limited({ limit: 5, flag: false });

  protected override logic() {
    this.delay.set(9);
    when(this.fast, () => this.delay.set(2));
    this.picked.set(0);
    when(this.fast, () => this.picked.set(this.value));
    connect(this.limited, { value: this.picked });
    this.reached.set(this.limited.reached);
  }
}
