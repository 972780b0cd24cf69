import {
  type Bool,
  bool,
  cat,
  checked,
  clog2,
  connect,
  crcNext,
  crcs,
  elaborate,
  input,
  type ir,
  Module,
  memory,
  mux,
  output,
  reg,
  select,
  type UInt,
  uint,
  vec,
  when,
} from '@hdl/ts-hdl';

/** Lanes, and registers of control logic per lane: 2,016 registers and about 25,000 expressions in all. */
const lanes = 24;
const controlRegisters = 62;
/** Bits of a word, and words of a lane's queue. */
const width = 256;
const depth = 16;

/** Widths of control registers; small ones are frequent, as in real designs. */
const widths = [1, 1, 1, 1, 2, 3, 4, 5, 8, 8, 12, 16, 20, 32, 33, 48, 64];

/** A linear congruential generator: the design is the same on every machine. */
class Dice {
  private state: number;

  constructor(seed: number) {
    this.state = seed;
  }

  below(limit: number): number {
    this.state = (Math.imul(this.state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.state / 2 ** 32) * limit);
  }

  pick<T>(list: readonly T[]): T {
    const item = list[this.below(list.length)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  }
}

/**
 * A lane: a queue of wide words, four stages that mix them, a check over what leaves, counters, and random control logic. All of its registers
 * depend on its inputs, and all of them on what comes out.
 */
class Lane extends Module<{ readonly seed: number }> {
  readonly word = input(uint(width));
  readonly put = input(bool);
  readonly stimulus = input(uint(32));
  readonly result = output(uint(width));
  readonly status = output(uint(32));

  private readonly queue = memory(uint(width), { depth, style: 'distributed' });
  private readonly head = reg(uint(clog2(depth)), { init: 0 });
  private readonly tail = reg(uint(clog2(depth)), { init: 0 });
  private readonly level = reg(uint(clog2(depth) + 1), { init: 0 });
  private readonly stage = Array.from({ length: 4 }, () => reg(uint(width)));
  private readonly stage_valid = Array.from({ length: 4 }, () => reg(bool, { init: 0 }));
  private readonly sum = reg(uint(128), { init: 0 });
  private readonly turned = reg(uint(96), { init: 1 });
  private readonly crc = reg(uint(32), { init: 0xffff_ffff });
  private readonly counter = Array.from({ length: 8 }, () => reg(uint(32), { init: 0 }));
  private readonly dice = new Dice(this.p.seed);
  private readonly control = Array.from({ length: controlRegisters }, () => reg(uint(this.dice.pick(widths)), { init: 0 }));

  protected override logic() {
    const pool = this.values();
    this.queued();
    this.mix(pool);
    this.decide(pool);
    const sums = folded(
      this.control.map(value => adapted(value, 32)),
      (all, value) => all.xor(value),
    );
    this.status.set(
      sums
        .as(32)
        .xor(this.crc)
        .xor(folded(this.counter, (all, value) => all.add(value))),
    );
    this.result.set(at(this.stage, 3).xor(cat(this.turned, this.sum, this.crc)));
  }

  /** What the random logic computes with. */
  private values(): UInt<number>[] {
    const { stimulus, control } = this;
    return [stimulus, stimulus.part(0, 8), stimulus.part(8, 5), stimulus.bit(30), stimulus.bit(31), ...control];
  }

  private queued(): void {
    const { head, tail, level } = this;
    const put = this.put.and(level.ne(depth));
    const take = this.takes();
    when(put, () => {
      this.queue.write(head, this.word);
      head.set(head.add(1));
    });
    when(take, () => tail.set(tail.add(1)));
    when(put.and(take.not()), () => level.set(level.add(1))).elsewhen(take.and(put.not()), () => level.set(level.sub(1)));
  }

  private takes(): Bool {
    return this.level.any().and(this.stimulus.bit(3).or(at(this.stage_valid, 0).not()));
  }

  /** The stages: each does something else to the word, in one of two ways. */
  private mix(pool: readonly UInt<number>[]): void {
    const { stage, stage_valid, dice } = this;
    const first = this.queue.peek(this.tail);
    const take = this.takes();
    at(stage_valid, 0).set(take);
    when(take, () => at(stage, 0).set(first.xor(at(stage, 3))));
    for (let i = 1; i < stage.length; i++) {
      const [before, valid] = [at(stage, i - 1), at(stage_valid, i - 1)];
      at(stage_valid, i).set(valid);
      const choice = dice.pick(pool).any();
      const added = cat(
        ...before
          .words(64)
          .map((word, k) => word.add(adapted(at(pool, (i + k) % pool.length), 64).as(64)))
          .toReversed(),
      );
      const turned = before.rotl(1 + dice.below(width - 1));
      when(valid, () => {
        at(stage, i).set(mux(choice, added.as(width), turned.xor(before.not())));
      });
    }
    const last = at(stage, 3);
    when(at(stage_valid, 3), () => {
      this.sum.set(this.sum.add(last.part(0, 128)).xor(last.part(128, 128)));
      this.crc.set(crcNext(crcs.crc32, this.crc, last.part(64, 64)));
      this.turned.set(this.turned.rotl(this.stimulus.part(4, 6)).add(last.part(100, 96)));
    });
    this.counter.forEach((counter, i) => {
      when(
        at(pool, i + 5)
          .any()
          .and(at(stage_valid, i % 4)),
        () => counter.set(counter.add(2 * i + 1)),
      );
    });
  }

  /** Random control logic: registers that are set, under random conditions, to random expressions of the others. */
  private decide(pool: readonly UInt<number>[]): void {
    const { dice } = this;
    for (const register of this.control) {
      const expression = (levels: number): UInt<number> => {
        if (levels === 0) return adapted(dice.pick(pool), register.width);
        const [left, right] = [expression(levels - 1), expression(levels - 1)];
        switch (dice.below(7)) {
          case 0:
            return left.add(right);
          case 1:
            return left.sub(right);
          case 2:
            return left.and(right.not());
          case 3:
            return left.or(right);
          case 4:
            return mux(this.condition(pool), left, right);
          default:
            return left.xor(right);
        }
      };
      when(this.condition(pool), () => register.set(expression(dice.below(8) === 0 ? 2 : 1))).elsewhen(
        this.condition(pool),
        () => {
          register.set(adapted(dice.pick(pool), register.width));
        },
      );
    }
  }

  private condition(pool: readonly UInt<number>[]): Bool {
    const { dice } = this;
    const [left, right] = [dice.pick(pool), dice.pick(pool)];
    const wide = Math.max(left.width, right.width);
    switch (dice.below(4)) {
      case 0:
        return adapted(left, wide).lt(adapted(right, wide));
      case 1:
        return left.parity().xor(right.any());
      case 2:
        return adapted(left, 4).eq(adapted(right, 4)).or(left.bit(0));
      default:
        return left.bit(0).xor(right.bit(right.width - 1));
    }
  }
}

/** Lanes around a crossbar: each gets the word of another one, as the stimulus says. */
class Synthetic extends Module {
  readonly word = input(uint(width));
  readonly stimulus = input(uint(32));
  readonly choice = input(uint(32));
  readonly result = output(uint(width));
  readonly status = output(vec(4, uint(32)));
  private readonly lane = Array.from({ length: lanes }, (_, i) => new Lane({ seed: 1000 + i }));
  private readonly shift = reg(uint(32), { init: 1 });

  protected override logic() {
    const { lane, shift, stimulus, choice } = this;
    shift.set(shift.rotl(1).xor(stimulus));
    const words = [this.word, ...lane.map(({ result }) => result)];
    lane.forEach((one, i) => {
      const sources = Array.from({ length: 8 }, (_, k) => at(words, (i + 3 * k) % words.length));
      const chosen = select(choice.rotl(i).part(0, 3), sources);
      connect(one, {
        word: chosen,
        put: shift.bit(i).or(stimulus.bit((i * 7) % 32)),
        stimulus: stimulus.rotl(i).xor(shift),
      });
    });
    this.result.set(
      folded(
        lane.map(one => one.result),
        (all, result) => all.xor(result),
      ),
    );
    this.status.forEach((status, i) => {
      const mine = lane.filter((_, k) => k % 4 === i).map(one => one.status);
      status.set(folded(mine, (all, one) => all.add(one)));
    });
  }
}

/**
 * The synthetic design of the benchmark: 24 lanes with about 2,000 registers of 1 to 256 bits and 25,000 expressions, behind memories and a crossbar.
 * Random, but the same in every run and on every machine; with random stimulus most of it changes in most cycles.
 */
export function syntheticDesign(): ir.Design {
  return checked(elaborate(() => new Synthetic()).design);
}

/** A value with another width: its low bits, or zeros above it. */
function adapted(value: UInt<number>, bits: number): UInt<number> {
  return value.width >= bits ? value.part(0, bits) : value.zext(bits);
}

/** One value of several. */
function folded<W extends number>(values: readonly UInt<W>[], f: (all: UInt<W>, value: UInt<W>) => UInt<W>): UInt<W> {
  return values.slice(1).reduce(f, at(values, 0));
}

function at<T>(list: readonly T[], index: number): T {
  const item = list[index];
  if (item === undefined) throw new RangeError(`index ${index} of a list of ${list.length}`);
  return item;
}
