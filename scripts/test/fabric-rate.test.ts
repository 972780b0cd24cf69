import { expect, test } from 'vitest';
import { Steady, SteadyBench } from '../src/fabric-soak/steady-bench.ts';

const { root, left, right, aside } = Steady;

// GB/s of writes with 64-bit addresses: the published figures of the pcie-bench model.
test.each([
  [{ generation: 3, lanes: 4, width: 128, clock_mhz: 250 }, 128, 2.99],
  [{ generation: 3, lanes: 4, width: 128, clock_mhz: 250 }, 256, 3.32],
  [{ generation: 3, lanes: 4, width: 128, clock_mhz: 250 }, 512, 3.51],
  [{ generation: 3, lanes: 8, width: 256, clock_mhz: 250 }, 128, 5.96],
  [{ generation: 3, lanes: 8, width: 256, clock_mhz: 250 }, 256, 6.62],
  [{ generation: 3, lanes: 8, width: 256, clock_mhz: 250 }, 512, 6.84],
  [{ generation: 4, lanes: 16, width: 512, clock_mhz: 500 }, 128, 23.52],
  [{ generation: 4, lanes: 16, width: 512, clock_mhz: 500 }, 256, 25.99],
  [{ generation: 4, lanes: 16, width: 512, clock_mhz: 500 }, 512, 27.37],
] as const)('C70g: peer to peer through a fabric of %o, payload %i: as fast as its link, also with a saturated root link', (kind, payload, published) => {
  using bench = new SteadyBench({ ...kind, max_payload: payload, latency_ns: 40, training_cycles: 20 });
  bench.write(left, right, payload);
  const alone = bench.rates()[right] ?? 0;
  expect(Math.abs(alone / 1e9 / published - 1), `${(alone / 1e9).toFixed(3)} GB/s`).toBeLessThan(0.02);

  // The root link is full both ways.
  bench.write(aside, root, payload);
  bench.write(root, aside, payload);
  const busy = bench.rates();
  for (const agent of [root, aside]) expect((busy[agent] ?? 0) / 1e9 / published).toBeGreaterThan(0.97);
  expect(Math.abs((busy[right] ?? 0) / alone - 1), `${((busy[right] ?? 0) / 1e9).toFixed(3)} GB/s`).toBeLessThan(0.01);

  // Through both switches.
  bench.write(left, aside, payload);
  bench.write(root, undefined);
  const far = bench.rates()[aside] ?? 0;
  expect(Math.abs(far / 1e9 / published - 1), `${(far / 1e9).toFixed(3)} GB/s`).toBeLessThan(0.02);
});
