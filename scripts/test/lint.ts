import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findToolchain } from '@hdl/verilator-wrapper';
import { runYosys } from '@yowasp/yosys';
import { type Standard, slangCommand } from './slang.ts';

const run = promisify(execFile);

export interface SourceFile {
  readonly name: string;
  readonly text: string;
}

/** Runs a tool and gives all that it printed, whether it succeeded or not; an exit code other than 0 is part of the text. */
async function output(command: string, args: readonly string[], cwd: string, env?: NodeJS.ProcessEnv): Promise<string> {
  try {
    const { stdout, stderr } = await run(command, [...args], { cwd, env: { ...process.env, ...env }, maxBuffer: 2 ** 26 });
    return stdout + stderr;
  } catch (error) {
    const failed = error as { readonly stdout?: string; readonly stderr?: string; readonly code?: number | string };
    return `${failed.stdout ?? ''}${failed.stderr ?? ''}exit code ${failed.code}`;
  }
}

async function inFolder(files: readonly SourceFile[], use: (folder: string) => Promise<string>): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'lint-'));
  try {
    for (const file of files) writeFileSync(join(folder, file.name), file.text);
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What `verilator --lint-only -Wall` says; nothing if it is content. */
export async function verilatorLint(files: readonly SourceFile[], top: string): Promise<string> {
  const { verilator } = findToolchain({ install: true, log: () => {} });
  const args = ['--lint-only', '-Wall', '--top-module', top, ...files.map(f => f.name)];
  const text = await inFolder(files, folder => output(verilator.command, args, folder, verilator.env));
  return text.replace(/^- .*\n/gm, '').trim();
}

/** Whether Icarus Verilog is installed. */
export const hasIcarus = (): boolean => spawnSync('iverilog', ['-V']).error === undefined;

/** What `iverilog -Wall` says; nothing if it is content. */
export async function icarusLint(files: readonly SourceFile[], top: string): Promise<string> {
  const args = ['-Wall', '-g2005', '-s', top, '-o', 'out.vvp', ...files.map(f => f.name)];
  return inFolder(files, folder => output('iverilog', args, folder));
}

/** What Yosys says beside progress when it reads the files and checks the netlist; nothing if it is content. */
export async function yosysLint(files: readonly SourceFile[], top: string): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  const collect = (bytes: Uint8Array | null) => {
    if (bytes) text += decoder.decode(bytes);
  };
  const tree = Object.fromEntries(files.map(f => [f.name, f.text]));
  const script = `read_verilog ${files.map(f => f.name).join(' ')}; hierarchy -check -top ${top}; proc; check -assert`;
  try {
    await runYosys(['-q', '-p', script], tree, { stdout: collect, stderr: collect });
  } catch (error) {
    text += `\n${error instanceof Error ? error.message : String(error)}`;
  }
  return text.trim();
}

/**
 * What slang says with all warnings but those that `slang.ts` gives a reason against; nothing if it is content. With `defines` it reads what stands under
 * these macros.
 */
export async function slangLint(
  files: readonly SourceFile[],
  top: string,
  defines: readonly string[] = [],
  standard: Standard = '1364-2005',
): Promise<string> {
  const [command, args] = await slangCommand(
    files.map(f => f.name),
    top,
    defines,
    standard,
  );
  return (await inFolder(files, folder => output(command, args, folder))).trim();
}

/** What all the tools say, each under its name; nothing if all are content. Icarus is asked only where it is installed. */
export async function lint(files: readonly SourceFile[], top: string): Promise<string> {
  const said = {
    Verilator: await verilatorLint(files, top),
    slang: await slangLint(files, top),
    Yosys: await yosysLint(files, top),
    Icarus: hasIcarus() ? await icarusLint(files, top) : '',
  };
  return Object.entries(said)
    .flatMap(([tool, text]) => (text === '' ? [] : [`${tool}:\n${text}`]))
    .join('\n\n');
}

/** Reads the files of a folder that a file list names. */
export function fileList(folder: string, list: string): SourceFile[] {
  const names = readFileSync(join(folder, list), 'utf8')
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('//'));
  return names.map(name => ({ name, text: readFileSync(join(folder, name), 'utf8') }));
}
