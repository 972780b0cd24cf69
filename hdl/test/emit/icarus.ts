import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { emitVerilog } from '../../src/emit/verilog.ts';
import { resetInputs } from '../../src/engine/reset-inputs.ts';
import type { Design, Module } from '../../src/ir/ir.ts';
import { needsClock, ownDomains } from '../../src/ir/state.ts';
import { ones } from '../../src/ir/visit.ts';

const run = promisify(execFile);

/** Whether Icarus Verilog is installed. */
export const hasIcarus = (): boolean => spawnSync('iverilog', ['-V']).error === undefined;

/** What happens in one cycle. */
export interface Stimulus {
  /** Values of inputs of the top by name; those left out keep theirs. */
  readonly values: ReadonlyMap<string, bigint>;
  /** The clocks that rise then. */
  readonly rising: readonly string[];
}

/**
 * Runs the emitted Verilog of a design under Icarus: all registers and memories begin with 0. @returns for each
 * cycle the outputs after the edge, in hexadecimal, with an `x` where something is unknown.
 */
export async function runIcarus(design: Design, stimulus: readonly Stimulus[]): Promise<string[][]> {
  const folder = mkdtempSync(join(tmpdir(), 'icarus-'));
  try {
    const files = emitVerilog(design);
    const texts = new Map(files.map(({ name, text }) => [name, text]));
    writeFileSync(join(folder, 'all.v'), [...texts.values(), bench(design, stimulus, texts)].join('\n'));
    await run('iverilog', ['-g2005', '-s', 'bench', '-o', 'bench.vvp', 'all.v'], { cwd: folder });
    const { stdout } = await run('vvp', ['-n', 'bench.vvp'], { cwd: folder, maxBuffer: 2 ** 27 });
    const lines = stdout.split('\n').filter(line => line.startsWith('=='));
    return lines.map(line => line.split(' ').slice(1));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Drives the inputs, ticks, and prints the outputs. */
function bench(design: Design, stimulus: readonly Stimulus[], texts: ReadonlyMap<string, string>): string {
  const { top } = design;
  const clocks = ownDomains(top)
    .filter(domain => needsClock(top, domain))
    .map(domain => domain.clock);
  const resets = resetInputs(design).map(({ name }) => name);
  const ports = top.signals.filter(signal => signal.kind === 'input');
  const others = resets.filter(name => !ports.some(port => port.name === name));
  const inputs = [...others.map(name => ({ name, width: 1 })), ...ports];
  const outputs = top.signals.filter(signal => signal.kind === 'output');
  const range = (width: number) => `[${width - 1}:0]`;
  const connections = [...clocks, ...[...inputs, ...outputs].map(({ name }) => name)];
  const format = outputs.map(() => '%h').join(' ');
  return [
    'module bench;',
    ...clocks.map(name => `  reg ${name};`),
    '  integer word;',
    ...inputs.map(({ name, width }) => `  reg ${range(width)} ${name};`),
    ...outputs.map(({ name, width }) => `  wire ${range(width)} ${name};`),
    `  ${top.name} dut (${connections.map(name => `.${name}(${name})`).join(', ')});`,
    '  initial begin',
    ...clocks.map(name => `    ${name} = 0;`),
    // An edge into the level that all inputs begin with: a reset that is active low acts at once.
    ...inputs.map(({ name }) => `    ${name} = ${resets.includes(name) ? 1 : 0};`),
    '    #1',
    ...zeros(top, 'dut', texts),
    ...resets.map(name => `    ${name} = 0;`),
    '    #1',
    ...stimulus.flatMap(({ values, rising }) => [
      ...[...values].map(([name, value]) => `    ${name} = ${value.toString(2).length}'h${value.toString(16)};`),
      `    #1 ${rising.map(name => `${name} = 1;`).join(' ')}`,
      `    #1 ${rising.map(name => `${name} = 0;`).join(' ')} #1`,
      `    $display("== ${format}"${outputs.map(({ name }) => `, ${name}`).join('')});`,
    ]),
    '    $finish;',
    '  end',
    'endmodule',
    '',
  ].join('\n');
}

/** Sets all that is stored below `path` to 0, but for memories with contents. A register that nothing drives may be a wire in the text. */
function zeros(module: Module, path: string, texts: ReadonlyMap<string, string>): string[] {
  if (module.external) return [];
  const text = texts.get(`${module.name}.v`) ?? '';
  const isReg = (name: string) => new RegExp(`^  reg (?:\\[\\d+:0\\] )?${name};`, 'm').test(text);
  const registers = module.signals.filter(({ kind, name }) => kind === 'register' && isReg(name));
  return [
    ...registers.map(({ name }) => `    ${path}.${name} = 0;`),
    ...module.memories
      .filter(memory => memory.init === undefined)
      .map(({ name, depth }) => `    for (word = 0; word < ${depth}; word = word + 1) ${path}.${name}[word] = 0;`),
    ...module.instances.flatMap(instance => zeros(instance.module, `${path}.${instance.name}`, texts)),
  ];
}

/** A value as `runIcarus` prints it. */
export function hexadecimal(value: bigint, width: number): string {
  return (value & ones(width)).toString(16).padStart(Math.ceil(width / 4), '0');
}
