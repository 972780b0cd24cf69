import { checked, elaborate, embedded, simulate } from '@hdl/ts-hdl';
import { expect, test } from 'vitest';
import { exposeEvents } from '../../../hdl/src/engine/events.ts';
import { lockstep } from '../../../hdl/test/differential/lockstep.ts';
import { ResetTree } from '../../../hdl/test/emit/reset-tree.ts';
import { native } from '../../native/src/index.ts';
import { verilator } from '../src/index.ts';

const design = checked(elaborate(() => new ResetTree()).design);

test.each([
  ['verilator', verilator],
  ['native', native],
] as const)('resets that a design makes itself act on %s as on the embedded engine, at once and at edges of drifting clocks', (_, engine) => {
  const exposed = exposeEvents(design)?.design ?? design;
  for (let seed = 1; seed <= 12; seed++) {
    const found = lockstep(exposed, [embedded, (d, options) => engine(d, options)], seed, 250);
    expect([...found.values()], `seed ${seed}`).toEqual([]);
  }
});

test.each([
  ['embedded', embedded],
  ['verilator', verilator],
  ['native', native],
] as const)('simulate() holds a reset that is an input of a module inside: each clock leaves it at an edge of its own, on %s', (_, engine) => {
  const lines: string[] = [];
  using sim = simulate(() => new ResetTree(), {
    engine,
    clocks: { a_clk: { period: 2 }, b_clk: { period: 3 } },
    onLog: (line, cycle) => lines.push(`${cycle}: ${line}`),
  });
  const { rst_n, x, y } = sim.dut;
  const values = () => `${sim.cycle}: ${sim.peek(x)} ${sim.peek(y)}`;
  expect(sim.peek(rst_n)).toBe(1n);
  const seen: string[] = [];
  for (let i = 0; i < 12; i++) {
    seen.push(values());
    sim.step();
  }
  sim.poke(rst_n, 0);
  seen.push(values());
  sim.poke(rst_n, 1);
  sim.step();
  seen.push(values());
  expect({ seen, lines }).toMatchInlineSnapshot(`
    {
      "lines": [
        "8: two after 3",
      ],
      "seen": [
        "2: 7 1",
        "3: 7 1",
        "4: 7 1",
        "5: 7 1",
        "6: 7 1",
        "7: 7 2",
        "8: 7 3",
        "9: 7 4",
        "10: 8 4",
        "11: 8 5",
        "12: 9 6",
        "13: 9 7",
        "14: 7 1",
        "15: 7 1",
      ],
    }
  `);
});
