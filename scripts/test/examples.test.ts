import { checked, elaborate, emitVerilog, type ir, simulate, uint, waves } from '@hdl/ts-hdl';
import { verilator } from '@hdl/verilator-wrapper';
import { describe, expect, test, vi } from 'vitest';
import { Queue, seeded, through } from '../../examples/fifo.ts';
import { Fir, filtered } from '../../examples/fir.ts';
import { asm, fibonacci, RiscV, run } from '../../examples/riscv.ts';
import { echo, UartLoop, UartTransmitter } from '../../examples/uart.ts';
import { lint } from './lint.ts';

describe('UART', () => {
  test.each([4, 5, 16])('what is sent arrives, %i cycles per bit', cycles => {
    expect(echo('Hello, \x00\xff\xaaU', cycles)).toBe('Hello, \x00\xff\xaaU');
  });

  test('a byte on the line: start bit, least significant bit first, stop bit', () => {
    using sim = simulate(() => new UartTransmitter({ cycles_per_bit: 4 }), { signals: true });
    const { in: bytes, line } = sim.dut;
    sim.poke(bytes.payload, 0b1001_0011);
    const drive = (cycle: number) => sim.poke(bytes.valid, cycle === 0 ? 1 : 0);
    expect(waves(sim, { signals: [bytes.valid, bytes.ready, 'phase', 'shift', line], cycles: 43, drive })).toMatchInlineSnapshot(`
      "          0    1    2    3    4    5    6    7    8    9    10   11   12   13   14   15   16   17
      in_valid  ▔▔▔▔▔╲▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
      in_ready  ▔▔▔▔▔╲▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
      phase     │Idle│Start              │Data
      shift     │00  │93                                     │49                 │24                 │12
      line      ▔▔▔▔▔╲▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁╱▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔╲▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁

                18   19   20   21   22   23   24   25   26   27   28   29   30   31   32   33   34   35
      in_valid  ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
      in_ready  ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
      phase     │Data
      shift     │12            │09                 │04                 │02                 │01
      line      ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁╱▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔╲▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁╱▔▔▔▔▔▔▔▔▔▔▔▔▔▔

                36   37   38   39   40   41   42
      in_valid  ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
      in_ready  ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁╱▔▔▔▔▔▔▔▔▔
      phase     │Data│Stop               │Idle
      shift     │01  │00
      line      ▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔"
    `);
  });
});

describe('queue', () => {
  test.each([1, 2, 3, 5, 8])('%i words deep: order, nothing lost, nothing twice', depth => {
    const words = Array.from({ length: 300 }, (_, i) => (i * 7919) & 0xffff);
    for (let seed = 1; seed <= 3; seed++) expect(through(words, depth, seeded(seed)).out, `seed ${seed}`).toEqual(words);
  });
});

describe('FIR filter', () => {
  test('is a convolution', () => {
    const taps = [-8, 7, 0, 3, -1];
    const random = seeded(5);
    const samples = Array.from({ length: 100 }, () => Math.floor(random() * 256) - 128);
    const expected = samples.map((_, n) => taps.reduce((sum, tap, k) => sum + tap * (samples[n - k] ?? 0), 0));
    expect(filtered({ width: 8, taps, coefficient_width: 4 }, samples)).toEqual(expected);
  });
});

const words = 1024;

/** Prints what each piece leaves in register 1: stores it in the last word, whose address is in register 31. */
const printing = (...pieces: readonly (readonly number[])[]) => [
  ...constant(31, 4 * words - 4),
  ...pieces.flatMap(piece => [...piece, asm.store(2, 1, 0, 31)]),
  asm.ebreak(),
];

/** Puts a 32-bit constant into a register: LUI adds what the sign of ADDI takes away. */
const constant = (register: number, value: number) => [
  asm.lui(register, ((value + 0x800) >>> 12) & 0xfffff),
  asm.addi(register, register, value),
];

describe('RISC-V', () => {
  test('Fibonacci numbers', () => {
    expect(run(fibonacci(12))).toEqual([0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89]);
  });

  test('its Verilog computes the same', { timeout: 120_000 }, () => {
    expect(run(fibonacci(12), 256, 1000, verilator)).toEqual(run(fibonacci(12)));
  });

  const values = [0, 1, -1, 0x7fffffff, -0x80000000, 0x12345678, -0x12345678, 5];
  const registerForms: readonly (readonly [string, number, number, (a: number, b: number) => number])[] = [
    ['ADD', 0, 0, (a, b) => a + b],
    ['SUB', 0x20, 0, (a, b) => a - b],
    ['SLL', 0, 1, (a, b) => a << b],
    ['SLT', 0, 2, (a, b) => (a < b ? 1 : 0)],
    ['SLTU', 0, 3, (a, b) => (a >>> 0 < b >>> 0 ? 1 : 0)],
    ['XOR', 0, 4, (a, b) => a ^ b],
    ['SRL', 0, 5, (a, b) => a >>> b],
    ['SRA', 0x20, 5, (a, b) => a >> b],
    ['OR', 0, 6, (a, b) => a | b],
    ['AND', 0, 7, (a, b) => a & b],
  ];
  test.each(registerForms)('%s and its immediate form', (name, funct7, funct3, model) => {
    const pairs = values.flatMap(a => values.map(b => [a, b] as const));
    const register = (funct7 << 25) | (3 << 20) | (2 << 15) | (funct3 << 12) | (1 << 7) | 0x33;
    const program = printing(...pairs.map(([a, b]) => [...constant(2, a), ...constant(3, b), register]));
    expect(run(program, words, 20_000).map(x => x | 0)).toEqual(pairs.map(([a, b]) => model(a, b) | 0));
    if (name === 'SUB') return;
    const shift = funct3 === 1 || funct3 === 5;
    const small = shift ? [0, 1, 31] : [0, 1, -1, 2047, -2048];
    const immediates = values.flatMap(a => small.map(b => [a, b] as const));
    const immediate = (b: number) =>
      ((shift ? (funct7 << 5) | b : b & 0xfff) << 20) | (2 << 15) | (funct3 << 12) | (1 << 7) | 0x13;
    const second = printing(...immediates.map(([a, b]) => [...constant(2, a), immediate(b)]));
    expect(run(second, words, 20_000).map(x => x | 0)).toEqual(immediates.map(([a, b]) => model(a, b) | 0));
  });

  const conditions: readonly (readonly [string, number, (a: number, b: number) => boolean])[] = [
    ['BEQ', 0, (a, b) => a === b],
    ['BNE', 1, (a, b) => a !== b],
    ['BLT', 4, (a, b) => a < b],
    ['BGE', 5, (a, b) => a >= b],
    ['BLTU', 6, (a, b) => a >>> 0 < b >>> 0],
    ['BGEU', 7, (a, b) => a >>> 0 >= b >>> 0],
  ];
  test.each(conditions)('%s', (_, condition, model) => {
    const pairs = values.flatMap(a => values.map(b => [a, b] as const));
    const program = printing(
      ...pairs.map(([a, b]) => [
        ...constant(2, a),
        ...constant(3, b),
        asm.addi(1, 0, 1),
        asm.branch(condition, 2, 3, 8),
        asm.addi(1, 0, 0),
      ]),
    );
    expect(run(program, words, 20_000)).toEqual(pairs.map(([a, b]) => (model(a, b) ? 1 : 0)));
  });

  test('loads and stores of bytes, halves and words', () => {
    const at = 512;
    const program = printing(
      [...constant(2, -0x7f6e5d4d), asm.addi(30, 0, at), asm.store(2, 2, 0, 30), asm.load(2, 1, 0, 30)],
      ...[0, 1, 2, 3].flatMap(i => [[asm.load(0, 1, i, 30)], [asm.load(4, 1, i, 30)]]),
      ...[0, 2].flatMap(i => [[asm.load(1, 1, i, 30)], [asm.load(5, 1, i, 30)]]),
      [asm.addi(3, 0, 0x55), asm.store(0, 3, 2, 30), asm.load(2, 1, 0, 30)],
      [asm.store(1, 3, 0, 30), asm.load(2, 1, 0, 30)],
      [asm.addi(1, 0, 7), asm.load(2, 0, 0, 30), asm.add(1, 0, 0)],
    );
    const word = -0x7f6e5d4d >>> 0;
    const bytes = [0, 8, 16, 24].flatMap(n => [((word << (24 - n)) >> 24) >>> 0, (word >>> n) & 0xff]);
    const halves = [0, 16].flatMap(n => [((word << (16 - n)) >> 16) >>> 0, (word >>> n) & 0xffff]);
    const patched = ((word & 0xff00ffff) | 0x550000) >>> 0;
    expect(run(program, words)).toEqual([word, ...bytes, ...halves, patched, ((patched & 0xffff0000) | 0x55) >>> 0, 0]);
  });

  test('jumps, AUIPC and LUI', () => {
    const program = [
      asm.addi(31, 0, 1020),
      asm.jal(1, 12),
      asm.store(2, 1, 0, 31),
      asm.jal(0, 16),
      asm.store(2, 1, 0, 31),
      asm.jalr(1, 1, 1),
      asm.ebreak(),
      (0x12345 << 12) | (1 << 7) | 0x17,
      asm.store(2, 1, 0, 31),
      asm.lui(1, 0xabcde),
      asm.store(2, 1, 0, 31),
      asm.ebreak(),
    ];
    expect(run(program)).toEqual([8, 24, 0x12345000 + 28, 0xabcde000]);
  });
});

describe('their Verilog', () => {
  const designs: readonly (readonly [string, () => ir.Design])[] = [
    ['UartLoop', () => elaborate(() => new UartLoop({ cycles_per_bit: 16 })).design],
    ['Queue', () => elaborate(() => new Queue({ type: uint(16), depth: 5 })).design],
    ['Fir', () => elaborate(() => new Fir({ width: 8, taps: [1, -2, 3], coefficient_width: 3 })).design],
    ['RiscV', () => elaborate(() => new RiscV({ words: 256, program: fibonacci(5) })).design],
  ];
  test('the counter, which the example prints: the tools have nothing to say', async () => {
    const print = vi.spyOn(console, 'log').mockImplementation(() => {});
    await import('../../examples/counter.ts');
    const printed = print.mock.calls.map(([line]) => String(line));
    print.mockRestore();
    expect(printed[0]).toMatch(/^module Counter /);
    expect(await lint([{ name: 'Counter.v', text: printed[0] ?? '' }], 'Counter')).toBe('');
  });

  test.each(designs)('%s: the tools have nothing to say', async (top, design) => {
    expect(await lint(emitVerilog(checked(design())), top)).toBe('');
  });
});
