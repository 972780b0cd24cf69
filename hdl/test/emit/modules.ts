/** Modules whose Verilog the tests compare letter by letter. Their line numbers stand in the expected text, so new ones go to the end. */
import {
  bool,
  cat,
  connect,
  decode,
  input,
  Module,
  match,
  memory,
  mux,
  output,
  reg,
  states,
  stream,
  uint,
  when,
  wire,
} from '../../src/index.ts';

export class Counter<W extends number> extends Module<{ width: W }> {
  readonly en = input(bool);
  readonly count = output(uint(this.p.width));
  private readonly value = reg(uint(this.p.width), { init: 0 });

  protected override logic() {
    when(this.en, () => this.value.set(this.value.add(1)));
    this.count.set(this.value);
  }
}

const Phase = states('Idle', 'Run', 'Drain');

/** A state machine: an enumeration that leaves one encoding out. */
export class Machine extends Module {
  readonly go = input(bool);
  readonly empty = input(bool);
  readonly busy = output(bool);
  private readonly phase = reg(Phase, { init: 'Idle' });

  protected override logic() {
    match(Phase, this.phase, {
      Idle: () => {
        this.busy.set(0);
        when(this.go, () => this.phase.set('Run'));
      },
      Run: () => {
        this.busy.set(1);
        this.phase.set('Drain');
      },
      Drain: () => {
        this.busy.set(this.empty.not());
        when(this.empty, () => this.phase.set('Idle')).otherwise(() => this.phase.set('Run'));
      },
    });
  }
}

/** One `when` that drives both directions of a handshake: one block would be a loop with the neighbours. */
export class Gate extends Module {
  readonly open = input(bool);
  readonly in = input(stream(uint(8)));
  readonly out = output(stream(uint(8)));
  readonly level = output(uint(2));
  readonly copy = output(uint(2));

  protected override logic() {
    this.out.valid.set(0);
    this.in.ready.set(0);
    this.out.payload.set(this.in.payload);
    this.level.set(0);
    this.copy.set(3);
    when(this.open, () => {
      this.out.valid.set(this.in.valid);
      this.in.ready.set(this.out.ready);
      this.level.set(1);
      this.copy.set(2);
    });
  }
}

/** Memories: byte lanes, a depth that is no power of two, and one that only a test bench fills. */
export class Memories extends Module {
  readonly address = input(uint(4));
  readonly data = input(uint(32));
  readonly mask = input(uint(4));
  readonly write = input(bool);
  readonly word = output(uint(32));
  readonly picked = output(uint(8));
  readonly script = output(uint(8));
  private readonly ram = memory(uint(32), { depth: 16, lane: 8, style: 'block', collisions: 'never' });
  private readonly lookup = memory(uint(8), { depth: 10, style: 'distributed' });
  private readonly ring = memory(uint(8), { depth: 16 });

  protected override logic() {
    when(this.write, () => {
      this.ram.write(this.address, this.data, this.mask);
      this.lookup.write(this.address, this.data.trunc(8));
    });
    this.word.set(this.ram.read(this.address, this.write.not()));
    this.picked.set(this.lookup.peek(this.address));
    this.script.set(this.ring.peek(this.address));
  }
}

/** Children: expressions in connections, outputs that drive outputs, outputs that nobody reads, values with several users. */
export class Parent extends Module {
  readonly a = input(uint(8));
  readonly b = input(uint(8));
  readonly unused_input = input(uint(8));
  readonly total = output(uint(4));
  readonly over = output(bool);
  readonly low = output(uint(4));
  private readonly first = new Counter({ width: 4 });
  private readonly second = new Counter({ width: 16 });

  protected override logic() {
    const sum = this.a.add(this.b);
    connect(this.first, { en: sum.eq(7) });
    connect(this.second, { en: sum.lt(this.a).and(this.b.any()) });
    this.total.set(this.first.count);
    this.over.set(sum.ge(this.b.xor(this.a)));
    this.low.set(mux(this.a.bit(0), sum.trunc(4), this.unused_input.part(2, 4)));
  }
}

/** Values of all kinds of statement in one place: nested conditions, a decode. */
export class Decoder extends Module {
  readonly opcode = input(uint(4));
  readonly operand = input(uint(8));
  readonly result = output(uint(8));
  readonly valid = output(bool);
  private readonly kept = wire(uint(8));

  protected override logic() {
    // The halves of the operand change places.
    this.kept.set(cat(this.operand.trunc(4), this.operand.part(4, 4)).as(8));
    this.valid.set(1);
    this.result.set(this.operand);
    decode(
      this.opcode,
      [
        [1, () => this.result.set(this.kept)],
        [2, () => this.result.set(this.operand.not())],
        [
          12,
          () => {
            when(this.operand.all(), () => this.valid.set(0)).elsewhen(this.operand.any().not(), () => this.result.set(255));
          },
        ],
      ],
      () => this.valid.set(0),
    );
  }
}

/** One `when` whose values depend on each other, and a memory that is read in it. */
export class Chain extends Module {
  readonly go = input(bool);
  readonly address = input(uint(2));
  readonly first = output(uint(8));
  readonly second = output(uint(8));
  private readonly words = memory(uint(8), { depth: 4 });

  protected override logic() {
    this.words.write(this.address, this.second);
    this.first.set(this.address.zext(8));
    this.second.set(0);
    when(this.go, () => {
      this.first.set(this.words.peek(this.address));
      this.second.set(this.first.add(1));
    });
  }
}
