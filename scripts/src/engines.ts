import type { EngineFunction } from '@hdl/testbench';
import { type Engine, embedded } from '@hdl/ts-hdl';
import { UsageError } from './errors.ts';

/** Engines by the name that `--engine` takes. */
export const engineNames = ['embedded', 'native', 'verilator'] as const;
export type EngineName = (typeof engineNames)[number];

const log = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

/** Loaded when they are wanted: the embedded engine needs nothing that has to be installed. */
const loaders: Record<EngineName, () => Promise<Engine>> = {
  embedded: async () => embedded,
  native: async () => {
    const { native } = await import('@hdl/native-engine');
    return (design, options) => native(design, { ...options, log });
  },
  verilator: async () => {
    const { verilator } = await import('@hdl/verilator-wrapper');
    return (design, options) => verilator(design, { ...options, log });
  },
};

export interface NamedEngine {
  readonly name: EngineName;
  /** Makes a simulation, for what can wait. */
  readonly create: EngineFunction;
  /** The engine itself, for what makes simulations without waiting. */
  readonly load: () => Promise<Engine>;
}

/** @throws UsageError for a name that is no engine. */
export function engineByName(name: string): NamedEngine {
  const known = engineNames.find(n => n === name);
  if (!known) {
    throw new UsageError(
      `there is no engine '${name}': choose embedded (in-process, nothing to install), native (compiles C, for long runs) or verilator (compiles the emitted Verilog).`,
    );
  }
  const load = loaders[known];
  return { name: known, create: async (design, options) => (await load())(design, options), load };
}
