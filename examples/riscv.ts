/**
 * A small RISC-V core, RV32I without interrupts and CSRs: two cycles per instruction, three for loads. It shows memories, `decode`, slices and
 * how much a generator is ordinary TypeScript. Run with `npx tsx examples/riscv.ts`.
 */
import { fileURLToPath } from 'node:url';
import {
  type Bool,
  bool,
  cat,
  decode,
  type Engine,
  embedded,
  emitText,
  Module,
  match,
  memory,
  mux,
  output,
  reg,
  repeat,
  simulate,
  states,
  type UInt,
  u,
  uint,
  when,
  wire,
} from '@hdl/ts-hdl';

type Word = UInt<32>;

const Step = states('Fetch', 'Execute', 'Load', 'Halted');

/** Major opcodes: bits 6 to 2 of an instruction; bits 1 and 0 are 1. */
const Opcode = {
  load: 0,
  fence: 3,
  imm: 4,
  auipc: 5,
  store: 8,
  op: 12,
  lui: 13,
  branch: 24,
  jalr: 25,
  jal: 27,
  system: 28,
} as const;

const word = (...parts: readonly UInt<number>[]) => cat(...parts).as(32);
const sign = (i: Word, copies: number) => repeat(i.bit(31), copies);

/** The immediate of each instruction format (RISC-V Unprivileged ISA, section 2.3). */
const immediate = {
  i: (i: Word) => word(sign(i, 20), i.bits(31, 20)),
  s: (i: Word) => word(sign(i, 20), i.bits(31, 25), i.bits(11, 7)),
  b: (i: Word) => word(sign(i, 19), i.bit(31), i.bit(7), i.bits(30, 25), i.bits(11, 8), u(1, 0)),
  u: (i: Word) => word(i.bits(31, 12), u(12, 0)),
  j: (i: Word) => word(sign(i, 11), i.bit(31), i.bits(19, 12), i.bit(20), i.bits(30, 21), u(1, 0)),
};

/** a < b as two's complement: the same as unsigned with the sign bits turned over. */
const signedLess = (a: Word, b: Word): Bool => a.xor(0x8000_0000).lt(b.xor(0x8000_0000));

/**
 * Runs the program in its memory from address 0 until EBREAK or ECALL, then holds `halted` at 1. Misaligned and unknown things are not trapped:
 * addresses wrap within the memory, the low bits of an access are those of its lane.
 */
export class RiscV extends Module<{ words: number; program: readonly number[] }> {
  readonly halted = output(bool);
  readonly pc = output(uint(32));
  /** Writes to the last word of the memory appear here for one cycle. */
  readonly print_valid = output(bool);
  readonly print = output(uint(32));
  private readonly step = reg(Step, { init: 'Fetch' });
  private readonly counter = reg(uint(32), { init: 0 });
  private readonly store = memory(uint(32), { depth: this.p.words, lane: 8, init: this.p.program.map(x => x >>> 0) });
  private readonly registers = memory(uint(32), { depth: 32, style: 'distributed' });
  private readonly address = wire(uint(32));
  private readonly result = wire(uint(32));
  private readonly next_pc = wire(uint(32));
  private readonly instruction = reg(uint(32));
  /** The instruction has a result for its target register. */
  private readonly writes = wire(bool);

  protected override logic() {
    const { words } = this.p;
    const index = (byteAddress: Word) => byteAddress.shr(2).trunc(Math.ceil(Math.log2(words)));
    this.halted.set(this.step.is('Halted'));
    this.pc.set(this.counter);
    this.print_valid.set(0);
    this.print.set(0);

    // One port of the memory serves both: instructions in Fetch, data in Execute.
    const data = this.store.read(index(mux(this.step.is('Fetch'), this.counter, this.address)));
    const i = mux(this.step.is('Execute'), data, this.instruction);
    const opcode = i.bits(6, 2);
    const funct3 = i.bits(14, 12);
    const target = i.bits(11, 7);
    const source = (n: UInt<5>) => mux(n.any(), this.registers.peek(n), u(32, 0));
    const a = source(i.bits(19, 15));
    const b = source(i.bits(24, 20));
    const is = (code: number) => opcode.eq(code);

    this.address.set(a.add(mux(is(Opcode.store), immediate.s(i), immediate.i(i))));
    this.result.set(this.arithmetic(i, a, mux(is(Opcode.op), b, immediate.i(i)), is(Opcode.op)));
    this.next_pc.set(this.counter.add(4));
    this.writes.set(1);

    decode(opcode, [
      [Opcode.lui, () => this.result.set(immediate.u(i))],
      [Opcode.auipc, () => this.result.set(this.counter.add(immediate.u(i)))],
      [
        Opcode.jal,
        () => {
          this.result.set(this.counter.add(4));
          this.next_pc.set(this.counter.add(immediate.j(i)));
        },
      ],
      [
        Opcode.jalr,
        () => {
          this.result.set(this.counter.add(4));
          this.next_pc.set(a.add(immediate.i(i)).and(0xffff_fffe));
        },
      ],
      [
        Opcode.branch,
        () => {
          this.writes.set(0);
          when(this.taken(funct3, a, b), () => this.next_pc.set(this.counter.add(immediate.b(i))));
        },
      ],
      [Opcode.store, () => this.writes.set(0)],
      [Opcode.fence, () => this.writes.set(0)],
      [Opcode.system, () => this.writes.set(0)],
      [Opcode.load, () => this.writes.set(0)],
    ]);

    const finish = () => {
      this.counter.set(this.next_pc);
      this.step.set('Fetch');
    };
    match(Step, this.step, {
      Fetch: () => this.step.set('Execute'),
      Execute: () => {
        this.instruction.set(data);
        finish();
        when(this.writes.and(target.any()), () => this.registers.write(target, this.result));
        when(is(Opcode.load), () => {
          this.step.set('Load');
          this.counter.set(this.counter);
        });
        when(is(Opcode.system), () => this.step.set('Halted'));
        when(is(Opcode.store), () => {
          const lane = this.address.bits(1, 0);
          const shift = cat(lane, u(3, 0));
          const width_mask = mux(funct3.eq(0), u(4, 1), mux(funct3.eq(1), u(4, 3), u(4, 15)));
          this.store.write(index(this.address), b.shl(shift), width_mask.shl(lane));
          when(index(this.address).eq(words - 1), () => {
            this.print_valid.set(1);
            this.print.set(b);
          });
        });
      },
      Load: () => {
        finish();
        when(target.any(), () => this.registers.write(target, this.loaded(funct3, data)));
      },
      Halted: () => {},
    });
  }

  /** The ALU (section 2.4): `isRegister` tells ADD from ADDI, where bit 30 is part of the immediate. */
  private arithmetic(i: Word, a: Word, b: Word, isRegister: Bool): Word {
    const by = b.bits(4, 0);
    const funct3 = i.bits(14, 12);
    const alternative = i.bit(30);
    const fill = repeat(a.bit(31).and(alternative), 32).as(32);
    const right = cat(fill, a).shr(by).bits(31, 0);
    const flag = (condition: Bool): Word => condition.zext(32);
    const results: readonly Word[] = [
      mux(alternative.and(isRegister), a.sub(b), a.add(b)),
      a.shl(by),
      flag(signedLess(a, b)),
      flag(a.lt(b)),
      a.xor(b),
      right.as(32),
      a.or(b),
      a.and(b),
    ];
    return results.slice(1).reduce((other, value, n) => mux(funct3.eq(n + 1), value, other), results[0] ?? a);
  }

  /** Whether a branch is taken (section 2.5). */
  private taken(funct3: UInt<3>, a: Word, b: Word): Bool {
    const less = mux(funct3.bit(1), a.lt(b), signedLess(a, b));
    return mux(funct3.bit(2), less, a.eq(b)).xor(funct3.bit(0));
  }

  /** The addressed byte, half word or word, extended (section 2.6). */
  private loaded(funct3: UInt<3>, data: Word): Word {
    const moved = data.shr(cat(this.address.bits(1, 0), u(3, 0)));
    const signs = funct3.bit(2).not();
    const byte = word(repeat(moved.bit(7).and(signs), 24), moved.bits(7, 0));
    const half = word(repeat(moved.bit(15).and(signs), 16), moved.bits(15, 0));
    const size = funct3.bits(1, 0);
    return mux(size.eq(0), byte, mux(size.eq(1), half, moved));
  }
}

const signedField = (value: number, high: number, low: number) => (value >> low) & (2 ** (high - low + 1) - 1);

/** Instruction words, as an assembler would give them. Registers are numbers, offsets bytes. */
export const asm = {
  addi: (rd: number, rs: number, value: number) => (signedField(value, 11, 0) << 20) | (rs << 15) | (rd << 7) | 0x13,
  slli: (rd: number, rs: number, by: number) => (by << 20) | (rs << 15) | (1 << 12) | (rd << 7) | 0x13,
  srai: (rd: number, rs: number, by: number) => (1 << 30) | (by << 20) | (rs << 15) | (5 << 12) | (rd << 7) | 0x13,
  add: (rd: number, a: number, b: number) => (b << 20) | (a << 15) | (rd << 7) | 0x33,
  sub: (rd: number, a: number, b: number) => (1 << 30) | (b << 20) | (a << 15) | (rd << 7) | 0x33,
  slt: (rd: number, a: number, b: number) => (b << 20) | (a << 15) | (2 << 12) | (rd << 7) | 0x33,
  lui: (rd: number, value: number) => (value << 12) | (rd << 7) | 0x37,
  load: (size: number, rd: number, offset: number, rs: number) =>
    (signedField(offset, 11, 0) << 20) | (rs << 15) | (size << 12) | (rd << 7) | 0x03,
  store: (size: number, value: number, offset: number, rs: number) =>
    (signedField(offset, 11, 5) << 25) | (value << 20) | (rs << 15) | (size << 12) | (signedField(offset, 4, 0) << 7) | 0x23,
  branch: (condition: number, a: number, b: number, offset: number) =>
    (signedField(offset, 12, 12) << 31) |
    (signedField(offset, 10, 5) << 25) |
    (b << 20) |
    (a << 15) |
    (condition << 12) |
    (signedField(offset, 4, 1) << 8) |
    (signedField(offset, 11, 11) << 7) |
    0x63,
  jal: (rd: number, offset: number) =>
    (signedField(offset, 20, 20) << 31) |
    (signedField(offset, 10, 1) << 21) |
    (signedField(offset, 11, 11) << 20) |
    (signedField(offset, 19, 12) << 12) |
    (rd << 7) |
    0x6f,
  jalr: (rd: number, rs: number, offset: number) => (signedField(offset, 11, 0) << 20) | (rs << 15) | (rd << 7) | 0x67,
  ebreak: () => 0x0010_0073,
} as const;

/** Runs a program, on the in-process engine unless another is given. @returns what it printed. @throws Error if it does not halt in `cycles`. */
export function run(program: readonly number[], words = 256, cycles = 10_000, engine: Engine = embedded): number[] {
  using sim = simulate(() => new RiscV({ words, program }), { engine });
  const { halted, print, print_valid } = sim.dut;
  const printed: number[] = [];
  for (let cycle = 0; cycle < cycles; cycle++) {
    if (sim.peek(halted) === 1n) return printed;
    if (sim.peek(print_valid) === 1n) printed.push(Number(sim.peek(print)));
    sim.step();
  }
  throw new Error(`the program did not halt in ${cycles} cycles`);
}

/** The first `count` Fibonacci numbers, to the last word of a memory of 256 words. */
export const fibonacci = (count: number): number[] => [
  asm.addi(1, 0, 0),
  asm.addi(2, 0, 1),
  asm.addi(3, 0, count),
  asm.addi(4, 0, 1020),
  asm.store(2, 1, 0, 4),
  asm.add(5, 1, 2),
  asm.add(1, 2, 0),
  asm.add(2, 5, 0),
  asm.addi(3, 3, -1),
  asm.branch(1, 3, 0, -20),
  asm.ebreak(),
];

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  using sim = simulate(() => new RiscV({ words: 256, program: fibonacci(12) }));
  console.log(emitText(sim.design));
  console.log(`Fibonacci on it: ${run(fibonacci(12)).join(' ')}`);
}
