import type { EngineFunction } from '@hdl/testbench';
import { embedded } from '@hdl/ts-hdl';
import { UsageError } from './errors.ts';

/** Engines by the name that `--engine` takes. */
export const engineNames = ['embedded', 'native', 'verilator'] as const;
export type EngineName = (typeof engineNames)[number];

const engines: Record<EngineName, EngineFunction> = {
  embedded,
  // Loaded when they are wanted: the embedded engine needs nothing that has to be installed.
  native: async (design, options) => {
    const { native } = await import('@hdl/native-engine');
    return native(design, { ...options, log: line => process.stderr.write(`${line}\n`) });
  },
  verilator: async (design, options) => {
    const { verilator } = await import('@hdl/verilator-wrapper');
    return verilator(design, { ...options, log: line => process.stderr.write(`${line}\n`) });
  },
};

/** @throws UsageError for a name that is no engine. */
export function engineByName(name: string): { readonly name: EngineName; readonly create: EngineFunction } {
  const known = engineNames.find(n => n === name);
  if (!known) {
    throw new UsageError(
      `there is no engine '${name}': choose embedded (in-process, nothing to install), native (compiles C, for long runs) or verilator (compiles the emitted Verilog).`,
    );
  }
  return { name: known, create: engines[known] };
}
