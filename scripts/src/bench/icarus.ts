import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { emitText, type ir } from '@hdl/ts-hdl';
import { generator, type PeerRun } from './stimulus.ts';

/** Whether Icarus Verilog is on the machine. */
export const hasIcarus = () => spawnSync('iverilog', ['-V']).status === 0;

/** Runs the emitted Verilog of a design with ports `clk` and `rst` under Icarus: reset for one cycle, then the benchmark's stimulus. @throws Error if a tool fails. */
export function runIcarus(design: ir.Design, cycles: number): PeerRun {
  const folder = mkdtempSync(join(tmpdir(), 'icarus-'));
  try {
    writeFileSync(join(folder, 'bench.v'), `${emitText(design)}\n${testBench(design)}`);
    const compiled = spawnSync('iverilog', ['-g2005', '-s', 'bench', '-o', 'bench', 'bench.v'], {
      cwd: folder,
      encoding: 'utf8',
    });
    if (compiled.status !== 0) throw new Error(`Icarus: ${compiled.stderr}`);
    // What a run of no cycles takes is start-up.
    const run = (count: number) => {
      const start = process.hrtime.bigint();
      const { stdout, status, stderr } = spawnSync('vvp', ['bench', `+cycles=${count}`], { cwd: folder, encoding: 'utf8' });
      if (status !== 0) throw new Error(`Icarus: ${stderr}`);
      return { seconds: Number(process.hrtime.bigint() - start) / 1e9, signature: Number.parseInt(stdout.trim(), 16) };
    };
    const idle = run(0).seconds;
    const { seconds, signature } = run(cycles);
    return { cycles, seconds: Math.max(seconds - idle, 1e-6), signature };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Gives all state the 0 that our engines begin with: here it would be unknown. */
function zeros(module: ir.Module, path: string): string[] {
  const assigned = new Set<ir.Signal>();
  const visit = (body: readonly ir.Statement[]): void => {
    for (const statement of body) {
      if (statement.kind === 'assign' && !statement.target.instance) assigned.add(statement.target.signal);
      if (statement.kind === 'if' || statement.kind === 'match') {
        for (const arm of statement.arms) visit(arm.body);
        visit(statement.otherwise);
      }
    }
  };
  visit(module.body);
  const registers = module.signals.filter(s => s.kind === 'register' && (s.init !== undefined || assigned.has(s)));
  return [
    ...registers.map(({ name }) => `    ${path}.${name} = 0;`),
    ...module.memories.map(({ name, depth }) => `    for (i = 0; i < ${depth}; i = i + 1) ${path}.${name}[i] = 0;`),
    ...module.instances.flatMap(({ name, module: child }) => zeros(child, `${path}.${name}`)),
  ];
}

function testBench({ top }: ir.Design): string {
  const inputs = top.signals.filter(({ kind }) => kind === 'input');
  const outputs = top.signals.filter(({ kind }) => kind === 'output');
  const range = (width: number) => (width === 1 ? '' : `[${width - 1}:0] `);
  const drive = inputs.flatMap(({ name, width }) => [
    `      x = x * 32'd${generator.factor} + 32'd${generator.addend};`,
    `      ${name} = {${Math.ceil(width / 32)}{x[15:0], x[31:16]}};`,
  ]);
  const fold = outputs.flatMap(({ name, width }) =>
    Array.from({ length: Math.ceil(width / 32) }, (_, i) => {
      const high = Math.min(32 * i + 31, width - 1);
      const word = width === 1 ? name : `${name}[${high}:${32 * i}]`;
      return `      signature = {signature[30:0], signature[31]} ^ {${32 - (high - 32 * i + 1) > 0 ? `${32 - (high - 32 * i + 1)}'d0, ` : ''}${word}};`;
    }),
  );
  const ports = ['clk', 'rst', ...inputs.map(s => s.name), ...outputs.map(s => s.name)].map(name => `.${name}(${name})`);
  return `
module bench;
  reg clk = 0;
  reg rst = 1;
${inputs.map(({ name, width }) => `  reg ${range(width)}${name} = 0;`).join('\n')}
${outputs.map(({ name, width }) => `  wire ${range(width)}${name};`).join('\n')}
  reg [31:0] x = ${generator.seed};
  reg [31:0] signature = 0;
  integer i, cycles;
  ${top.name} dut (${ports.join(', ')});
  initial begin
${zeros(top, 'dut').join('\n')}
    if (!$value$plusargs("cycles=%d", cycles)) cycles = 0;
    #1 clk = 1;
    #1 clk = 0;
    rst = 0;
    for (i = 0; i < cycles; i = i + 1) begin
${drive.join('\n')}
      #1 clk = 1;
      #1 clk = 0;
${fold.join('\n')}
    end
    $display("%h", signature);
    $finish(0);
  end
endmodule
`;
}
