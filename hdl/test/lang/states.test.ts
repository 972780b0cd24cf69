import { expect, test } from 'vitest';
import {
  arms,
  Bundle,
  bool,
  checked,
  type EnumType,
  elaborate,
  emitText,
  input,
  Module,
  match,
  output,
  reg,
  simulate,
  states,
  uint,
} from '../../src/index.ts';

const Gray = states.gray('A', 'B', 'C', 'D', 'E');
const OneHot = states.oneHot('Idle', 'Run', 'Stop');
const Coded = states.coded({ Nop: 0x13, Jump: 0x6f }, 7);
const Plain = states('Idle', 'Run', 'Stop');

const codes = <N extends string>(type: EnumType<N>) => type.names.map(name => [name, Number(type.encoding.code(name))]);

test('encodings', () => {
  expect(codes(Gray)).toEqual([
    ['A', 0],
    ['B', 1],
    ['C', 3],
    ['D', 2],
    ['E', 6],
  ]);
  expect(codes(OneHot)).toEqual([
    ['Idle', 1],
    ['Run', 2],
    ['Stop', 4],
  ]);
  expect(codes(Coded)).toEqual([
    ['Nop', 0x13],
    ['Jump', 0x6f],
  ]);
  expect([Gray.width, OneHot.width, Coded.width, Plain.width]).toEqual([3, 3, 7, 2]);
});

/** Goes round while `go` is 1; the same for each encoding. */
class Machine extends Module<{ type: EnumType<'Idle' | 'Run' | 'Stop'> }> {
  readonly go = input(bool);
  readonly code = output(uint(this.p.type.width));
  readonly busy = output(bool);
  readonly running = output(bool);
  private readonly state = reg(this.p.type, { init: 'Idle' });

  protected override logic() {
    const { type } = this.p;
    this.code.set(this.state.encoded().as(type.width));
    match(type, this.state, {
      Idle: () => this.busy.set(0),
      ...arms(['Run', 'Stop'], () => this.busy.set(1)),
    });
    match(type, this.state, { Run: () => this.running.set(1) }, () => this.running.set(0));
    match(type, this.state, {
      Idle: () => match(type, this.state, { Idle: () => this.state.set('Run') }, () => {}),
      Run: () => this.state.set('Stop'),
      Stop: () => this.state.set('Idle'),
    });
  }
}

test.each([
  ['binary', Plain, [0n, 1n, 2n]],
  ['one bit per state', OneHot, [1n, 2n, 4n]],
  ['given codes', states.coded({ Idle: 5, Run: 0, Stop: 200 }), [5n, 0n, 200n]],
  ['codes too large for a list', states.coded({ Idle: 5, Run: 1n << 40n, Stop: 200 }), [5n, 1n << 40n, 200n]],
])('match is exhaustive with every encoding: %s', (_, type, order) => {
  using sim = simulate(() => new Machine({ type }));
  const { dut } = sim;
  for (let i = 0; i < 5; i++) {
    expect(sim.peek(dut.code)).toBe(order[i % 3]);
    expect([sim.peek(dut.busy), sim.peek(dut.running)]).toEqual([i % 3 === 0 ? 0n : 1n, i % 3 === 1 ? 1n : 0n]);
    sim.step();
  }
});

test('an arm of several states is described once', () => {
  let runs = 0;
  class Once extends Module {
    readonly y = output(bool);
    private readonly state = reg(Plain, { init: 'Idle' });
    protected override logic() {
      match(Plain, this.state, { Idle: () => this.y.set(0), ...arms(['Run', 'Stop'], () => this.y.set(++runs)) });
    }
  }
  expect(emitText(checked(elaborate(() => new Once()).design))).toMatch(/Run: y = 1'b1.*\n.*Stop: y = 1'b1/);
  expect(runs).toBe(1);
});

class Reads extends Module {
  readonly word = input(uint(7));
  readonly nop = output(bool);
  readonly jump = output(bool);
  readonly legal = output(bool);
  readonly held = output(bool);
  private readonly fields = reg(class Kept extends Bundle({ op: Coded, flag: bool }) {}, { init: { op: 'Jump', flag: 1 } });

  protected override logic() {
    const op = Coded.from(this.word, 'Nop');
    this.nop.set(op.is('Nop'));
    this.jump.set(op.eq(Coded.Jump));
    this.legal.set(Coded.legal(this.word));
    this.fields.op.set(op);
    this.fields.flag.set(0);
    this.held.set(this.fields.op.ne('Jump').or(this.fields.flag.not()));
  }
}

test('a word becomes a state; a code of no state becomes the one that is named', () => {
  using sim = simulate(() => new Reads());
  const { dut } = sim;
  expect(sim.peek(dut.held)).toBe(0n);
  for (let word = 0; word < 128; word++) {
    sim.poke(dut.word, word);
    expect(sim.peek(dut.jump)).toBe(word === 0x6f ? 1n : 0n);
    expect(sim.peek(dut.nop)).toBe(word === 0x6f ? 0n : 1n);
    expect(sim.peek(dut.legal)).toBe(word === 0x6f || word === 0x13 ? 1n : 0n);
  }
});
