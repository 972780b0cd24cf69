import { expect, test } from 'vitest';
import {
  Bundle,
  bool,
  drive,
  elaborate,
  emitText,
  input,
  Module,
  output,
  reg,
  simulate,
  sint,
  uint,
  unpack,
  vec,
  when,
  wire,
} from '../../src/index.ts';

class Header extends Bundle({ kind: uint(3), length: uint(5) }) {}

/** Sets parts of registers, wires and outputs by constant and by signal. */
class Parts extends Module {
  readonly value = input(uint(4));
  readonly bit_index = input(uint(4));
  readonly word_index = input(uint(2));
  readonly element = input(uint(2));
  readonly enable = input(bool);
  readonly fixed = output(uint(12));
  readonly bits_out = output(uint(12));
  readonly words_out = output(uint(12));
  readonly nested_out = output(uint(12));
  readonly element_out = output(uint(4));
  readonly bundles_out = output(vec(3, Header));
  readonly header_out = output(uint(8));
  readonly signed_out = output(sint(4));
  private readonly by_bit = reg(uint(12), { init: 0 });
  private readonly by_word = reg(uint(12), { init: 0 });
  private readonly nested = reg(uint(12), { init: 0 });
  private readonly elements = reg(vec(3, uint(4)), { init: [1, 2, 3] });
  private readonly bundles = reg(vec(3, Header), {
    init: [
      { kind: 1, length: 2 },
      { kind: 3, length: 4 },
      { kind: 5, length: 6 },
    ],
  });
  private readonly joined = wire(uint(4));

  protected override logic() {
    this.fixed.bits(11, 8).set(this.value);
    this.fixed.part(0, 7).set(0x55);
    this.fixed.bit(7).set(this.value.bit(0));
    this.joined.words(2)[0]?.set(this.value.bits(3, 2));
    this.joined.words(2)[1]?.set(this.value.bits(1, 0));
    this.signed_out.asUInt().bits(3, 1).set(this.joined.bits(3, 1));
    this.signed_out.asUInt().bit(0).set(1);

    when(this.enable, () => {
      this.by_bit.bit(this.bit_index).set(1);
      this.by_word.word(this.word_index, 4).set(this.value);
      // Only bits 5 .. 8 can be reached, whatever the index is.
      this.nested.part(5, 4).bit(this.bit_index).set(1);
      this.elements.at(this.element).set(this.value);
      this.bundles.at(this.element).set({ kind: this.value.bits(2, 0), length: 17 });
    });
    when(this.enable.not(), () => this.bundles.at(this.element).length.set(9));
    this.bits_out.set(this.by_bit);
    this.words_out.set(this.by_word);
    this.nested_out.set(this.nested);
    this.element_out.set(this.elements.at(this.element));
    this.bundles_out.set(this.bundles);

    const header = unpack(Header, this.header_out);
    header.kind.set(this.value.bits(2, 0));
    header.length.set(this.bundles.at(this.element).length);
  }
}

test('constant parts of outputs and wires are set apart', () => {
  using sim = simulate(() => new Parts());
  const { dut } = sim;
  sim.poke(dut.value, 0xb);
  expect(sim.peek(dut.fixed)).toBe(0xbd5n);
  sim.poke(dut.value, 0x6);
  expect(sim.peek(dut.fixed)).toBe(0x655n);
  expect(sim.peek(dut.signed_out)).toBe(-7n);
});

test('a bit, a word, an element that a signal chooses: beyond the end nothing is set and the rest keeps its value', () => {
  using sim = simulate(() => new Parts());
  const { dut } = sim;
  sim.poke(dut.enable, 1);
  let bits = 0n;
  let nested = 0n;
  const words = [0n, 0n, 0n];
  const elements = [1n, 2n, 3n];
  for (let step = 0; step < 64; step++) {
    const i = (step * 7) % 16;
    const value = BigInt((step * 11) % 16);
    const element = (step >> 2) % 4;
    sim.poke(dut.bit_index, i);
    sim.poke(dut.word_index, step % 4);
    sim.poke(dut.value, value);
    sim.poke(dut.element, element);
    sim.step();
    if (i < 12) bits |= 1n << BigInt(i);
    if (i < 4) nested |= 1n << BigInt(5 + i);
    if (step % 4 < 3) words[step % 4] = value;
    if (element < 3) elements[element] = value;
    expect(sim.peek(dut.bits_out)).toBe(bits);
    expect(sim.peek(dut.nested_out)).toBe(nested);
    expect(sim.peek(dut.words_out)).toBe(words.reduceRight((high, word) => (high << 4n) | word, 0n));
    expect(sim.peek(dut.element_out)).toBe(elements[Math.min(element, 2)]);
  }
});

test('bundles chosen from a vector are set whole, by a literal, and by field; init gives each its value', () => {
  using sim = simulate(() => new Parts());
  const { dut } = sim;
  const now = () => dut.bundles_out.map(({ kind, length }) => [sim.peek(kind), sim.peek(length)]);
  expect(now()).toEqual([
    [1n, 2n],
    [3n, 4n],
    [5n, 6n],
  ]);
  sim.poke(dut.value, 7);
  sim.poke(dut.element, 1);
  sim.poke(dut.enable, 1);
  sim.step();
  expect(now()).toEqual([
    [1n, 2n],
    [7n, 17n],
    [5n, 6n],
  ]);
  expect(sim.peek(dut.header_out)).toBe(0xf1n);
  sim.poke(dut.enable, 0);
  sim.poke(dut.element, 2);
  sim.step();
  expect(now()).toEqual([
    [1n, 2n],
    [7n, 17n],
    [5n, 9n],
  ]);
});

class Sink extends Module {
  readonly data = input(uint(8));
  readonly copy = output(uint(8));
  protected override logic() {
    this.copy.set(this.data);
  }
}

class Source extends Module {
  readonly low = input(uint(4));
  readonly copy = output(uint(8));
  private readonly sink = new Sink();
  protected override logic() {
    drive(this.sink.data).bits(3, 0).set(this.low);
    drive(this.sink.data).bits(7, 4).set(0xa);
    this.copy.set(this.sink.copy);
  }
}

test('parts of a child’s input are set by its parent', () => {
  using sim = simulate(() => new Source());
  sim.poke(sim.dut.low, 5);
  expect(sim.peek(sim.dut.copy)).toBe(0xa5n);
});

test('one set of a chosen bundle is one case in the Verilog', () => {
  const text = emitText(elaborate(() => new Parts()).design);
  expect(text.match(/case \(element\)/g)?.length).toBe(3);
  expect(text).toContain('by_bit[bit_index] <= 1');
});
