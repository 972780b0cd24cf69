import { type Engine, embedded } from '@hdl/ts-hdl';
import { verilator } from '@hdl/verilator-wrapper';
import { test } from 'vitest';

/** Both engines by name: the one in this process, and the emitted Verilog under Verilator. */
export const engines: readonly (readonly [name: string, engine: Engine])[] = [
  ['embedded', embedded],
  ['verilator', verilator],
];

/** A vitest test that runs once on each engine: `testOnEngines('counts', engine => { using sim = simulate(() => new Counter(), { engine }); … })`. */
export function testOnEngines(name: string, body: (engine: Engine) => void | Promise<void>): void {
  test.each(engines)(`${name} (%s)`, (_, engine) => body(engine));
}
