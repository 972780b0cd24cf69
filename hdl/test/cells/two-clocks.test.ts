import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hasIcarus } from '../../../scripts/test/lint.ts';
import {
  AsyncFifo,
  bool,
  checked,
  clockDomain,
  connect,
  elaborate,
  emitText,
  inDomain,
  Lfsr,
  Module,
  output,
  ownDomain,
  PulseSynchroniser,
  ResetSynchroniser,
  reg,
  simulate,
  stream,
  uint,
  WordSynchroniser,
  when,
  wire,
} from '../../src/index.ts';

/** Sends 0, 1, 2, ... with stalls through a cell from one clock to another, and counts there what is right and what is wrong. */
class Crossing extends Module<{ cell: 'AsyncFifo' | 'WordSynchroniser' }> {
  readonly from = clockDomain();
  readonly to = clockDomain({ default: true });
  readonly right = output(uint(16));
  readonly wrong = output(uint(16));
  private readonly passage =
    this.p.cell === 'AsyncFifo' ? new AsyncFifo({ type: uint(16), depth: 8 }) : new WordSynchroniser({ type: uint(16) });
  private readonly producer = inDomain(this.from, () => new Lfsr({ width: 15 }));
  private readonly consumer = new Lfsr({ width: 13 });
  private readonly word = reg(uint(16), { init: 0, domain: this.from });
  private readonly offered = reg(bool, { init: 0, domain: this.from });
  private readonly rights = reg(uint(16), { init: 0 });
  private readonly wrongs = reg(uint(16), { init: 0 });
  private readonly sent = wire(stream(uint(16)));

  protected override logic() {
    connect(this.producer, { en: 1 });
    connect(this.consumer, { en: 1 });
    connect(this.passage, { in: this.sent, from: this.from, to: ownDomain });
    this.sent.valid.set(this.offered);
    this.sent.put(this.word);
    when(this.sent.fire, () => this.word.set(this.word.add(1)));
    when(this.offered.not().or(this.sent.ready), () => this.offered.set(this.producer.value.bits(1, 0).any()));
    const ready = this.consumer.value.bits(1, 0).any();
    this.passage.out.ready.set(ready);
    when(this.passage.out.valid.and(ready), () => {
      const right = this.passage.out.payload.eq(this.rights);
      when(right, () => this.rights.set(this.rights.add(1))).otherwise(() => this.wrongs.set(this.wrongs.add(1)));
    });
    this.right.set(this.rights);
    this.wrong.set(this.wrongs);
  }
}

describe.each(['AsyncFifo', 'WordSynchroniser'] as const)('%s in-process, with two clocks', cell => {
  test.each([
    [5, 5, 5],
    [5, 5, 2],
    [7, 5, 1],
    [3, 11, 4],
    [11, 3, 1],
  ])('of periods %d and %d, the second first at %d', (from, to, phase) => {
    const clocks = { from_clk: { period: from }, to_clk: { period: to, phase } };
    using sim = simulate(() => new Crossing({ cell }), { clocks, resetCycles: 2 });
    sim.step(5000);
    expect(sim.peek(sim.dut.wrong)).toBe(0n);
    expect(sim.peek(sim.dut.right)).toBeGreaterThan(cell === 'AsyncFifo' ? 500n : 100n);
  });
});

/** Half periods of the clocks `from` and `to` in ns: neither divides the other. */
const clocks = [
  [5, 3.7],
  [3.1, 11],
  [11, 3.1],
  [7, 7.01],
] as const;

/** Runs the Verilog of a design below a bench, in Icarus Verilog. @returns what the bench printed, line by line. */
function run(make: () => unknown, bench: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'two-clocks-'));
  try {
    writeFileSync(join(folder, 'cell.v'), emitText(checked(elaborate(make as () => never).design)));
    writeFileSync(join(folder, 'bench.v'), bench);
    execFileSync('iverilog', ['-g2005', '-s', 'bench', '-o', 'bench.vvp', 'bench.v', 'cell.v'], { cwd: folder });
    const text = execFileSync('vvp', ['-n', 'bench.vvp'], { cwd: folder, encoding: 'utf8' });
    return text.split('\n').filter(line => /^\w+$/.test(line));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Two clocks and a reset for both, for 60 us; `ports` and `body` are the cell's. */
const benchOf = (from: number, to: number, cell: string, ports: string, body: string) => `
\`timescale 1ns / 1ps
module bench;
  reg from_clk = 0, to_clk = 0, rst = 1;
  always #${from} from_clk = ~from_clk;
  always #${to} to_clk = ~to_clk;
  integer seed = 1;
  ${cell} dut (.from_clk(from_clk), .from_rst(rst), .to_clk(to_clk), .to_rst(rst), ${ports});
  ${body}
  initial begin
    #100 rst = 0;
    #60000 $finish;
  end
endmodule
`;

/** Sends 0, 1, 2, ... with stalls and prints what arrives. */
const streamBench = (from: number, to: number, cell: string) =>
  benchOf(
    from,
    to,
    cell,
    '.in_payload(word), .in_valid(valid), .in_ready(ready), .out_payload(out), .out_valid(out_valid), .out_ready(out_ready)',
    `
  reg [15:0] word = 0;
  reg valid = 0, out_ready = 0;
  wire ready, out_valid;
  wire [15:0] out;
  always @(posedge from_clk) begin
    if (!rst && valid && ready) word <= word + 1;
    if (!valid || ready) valid <= !rst && $random(seed) % 4 != 0;
  end
  always @(posedge to_clk) begin
    if (!rst && out_valid && out_ready) $display("%0d", out);
    out_ready <= $random(seed) % 4 != 0;
  end`,
  );

describe.skipIf(!hasIcarus())('two clocks of any ratio, the emitted Verilog under Icarus', () => {
  test.each(clocks)('AsyncFifo, %d ns and %d ns', (from, to) => {
    const arrived = run(() => new AsyncFifo({ type: uint(16), depth: 8 }), streamBench(from, to, 'AsyncFifo')).map(Number);
    expect(arrived).toEqual(arrived.map((_, i) => i));
    // A slow side that is never starved: at least half its edges move a word.
    expect(arrived.length).toBeGreaterThan(60000 / (4 * Math.max(from, to)));
  });

  test.each(clocks)('WordSynchroniser, %d ns and %d ns', (from, to) => {
    const arrived = run(() => new WordSynchroniser({ type: uint(16) }), streamBench(from, to, 'WordSynchroniser')).map(Number);
    expect(arrived).toEqual(arrived.map((_, i) => i));
    expect(arrived.length).toBeGreaterThan(300);
  });

  test.each(clocks)('PulseSynchroniser, %d ns and %d ns', (from, to) => {
    // A pulse every so many cycles of `from` that 3 of `to` lie between.
    const gap = Math.ceil((3 * to) / from);
    const body = `
  integer count = 0, sent = 0, arrived = 0;
  reg pulse = 0;
  wire out;
  always @(posedge from_clk) begin
    pulse <= !rst && count == 0 && sent < 500;
    if (!rst && count == 0 && sent < 500) sent = sent + 1;
    count = count == ${gap} ? 0 : count + 1;
  end
  always @(posedge to_clk) if (!rst && out) arrived = arrived + 1;
  initial #60050 $display("%0d", sent - arrived);
  initial #60050 $display("%0d", sent);`;
    const [lost, sent] = run(
      () => new PulseSynchroniser({}),
      benchOf(from, to, 'PulseSynchroniser', '.in(pulse), .out(out)', body),
    );
    expect(lost).toBe('0');
    expect(Number(sent)).toBeGreaterThan(200);
  });
});

test.skipIf(!hasIcarus()).each(['high', 'low'] as const)(
  'ResetSynchroniser, active %s: begins at once, ends after two edges',
  active => {
    const port = active === 'high' ? '.raw_rst(raw)' : '.raw_rst_n(~raw)';
    const bench = `
\`timescale 1ns / 1ps
module bench;
  reg clk = 0, raw = 0;
  wire reset;
  always #5 clk = ~clk;
  ResetSynchroniser dut (.clk(clk), ${port}, .reset(reset));
  initial begin
    #52 raw = 1; // 3 ns before an edge
    #1 $display("%b", reset);
    #20 raw = 0;
    @(posedge clk) #1 $display("%b", reset);
    @(posedge clk) #1 $display("%b", reset);
    #40 $display("%b", reset);
    $finish;
  end
endmodule
`;
    expect(run(() => new ResetSynchroniser({ active }), bench)).toEqual(['1', '1', '0', '0']);
  },
);
