import { emitVerilog } from '../../src/emit/verilog.ts';
import type { Module } from '../../src/index.ts';
import type { Design } from '../../src/ir/ir.ts';
import { visitExpressions } from '../../src/ir/visit.ts';
import { elaborate } from '../../src/lang/elaborate.ts';
import { diagnose, shareModules } from '../../src/passes/index.ts';

/** What it costs to get from a description to Verilog: CPU seconds of each step, and how large the result is. */
export interface ElaborationCost {
  readonly elaborate: number;
  readonly share: number;
  readonly diagnose: number;
  readonly emit: number;
  /** `elaborate`, `share` and `emit`. */
  readonly total: number;
  readonly registers: number;
  /** Expression nodes of all modules, each module once. */
  readonly nodes: number;
  /** Bytes of Verilog. */
  readonly bytes: number;
}

/** Describes, checks and emits a design once, and measures each step by itself. */
export function elaborationCost(make: () => Module<never> | Module<unknown>): ElaborationCost {
  const [described, seconds] = timed(() => elaborate(make).design);
  const [design, share] = timed(() => shareModules(described));
  const [, checking] = timed(() => diagnose(design));
  const [files, emit] = timed(() => emitVerilog(design));
  const bytes = files.reduce((sum, file) => sum + file.text.length, 0);
  return { elaborate: seconds, share, diagnose: checking, emit, total: seconds + share + emit, ...size(design), bytes };
}

function timed<R>(work: () => R): [R, number] {
  const start = process.cpuUsage();
  const result = work();
  const { user, system } = process.cpuUsage(start);
  return [result, (user + system) / 1e6];
}

function size({ modules }: Design): { readonly registers: number; readonly nodes: number } {
  let nodes = 0;
  for (const module of modules) visitExpressions(module, () => nodes++);
  const registers = modules.flatMap(module => module.signals).filter(signal => signal.kind === 'register').length;
  return { registers, nodes };
}
