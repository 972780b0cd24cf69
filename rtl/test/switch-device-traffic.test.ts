import { describe, expect, test } from 'vitest';
import { engines } from '../../sim/testbench/src/on-engines.ts';
import { DeviceBench, least, type PartnerCredits, wide } from './switch-device-bench.ts';
import { Scoreboard } from './switch-traffic.ts';

/** More headers than data credits for them. */
const thin: PartnerCredits = {
  posted: { headers: 8, data: 10 },
  non_posted: { headers: 8, data: 2 },
  completion: { headers: 8, data: 9 },
};

describe('random traffic', () => {
  test.each([
    { seed: 1, width: 256, ports: 4, sourceRate: 1, sinkRate: 1, partnerCredits: wide, payload: 128 },
    { seed: 2, width: 64, ports: 3, sourceRate: 0.8, sinkRate: 0.7, partnerCredits: wide, payload: 128 },
    { seed: 3, width: 256, ports: 4, sourceRate: 0.9, sinkRate: 0.9, partnerCredits: least(128), payload: 128 },
    { seed: 4, width: 64, ports: 3, sourceRate: 1, sinkRate: 1, partnerCredits: thin, payload: 128 },
    { seed: 6, width: 64, ports: 3, sourceRate: 1, sinkRate: 1, partnerCredits: least(128), payload: 64 },
  ])('C38 C41 C60 C61 C62 C70a C70d: nothing lost, doubled, altered or out of order (seed $seed, $width bits, $ports ports)', options => {
    const { payload, ...given } = options;
    using bench = new DeviceBench({ ...given, max_payload: 128 });
    bench.configure();
    const board = new Scoreboard(bench);
    const n = bench.ports.length;
    for (let i = 0; i < 1200; i++) {
      const ingress = bench.random.below(n);
      const egress = (ingress + 1 + bench.random.below(n - 1)) % n;
      board.queue(ingress, egress, payload);
      if (bench.random.chance(0.1)) board.ask(bench.random.below(n));
    }
    bench.settle();
    board.empty();
    expect([board.arrived, board.asked > 40]).toEqual([1200, true]);
  });

  test.each(engines)('the same on every engine (%s)', (_, engine) => {
    using bench = new DeviceBench({ ports: 2, width: 64, max_payload: 128, seed: 5, partnerCredits: least(128), engine });
    bench.configure();
    const board = new Scoreboard(bench);
    for (let i = 0; i < 150; i++) {
      const ingress = bench.random.below(3);
      board.queue(ingress, (ingress + 1 + bench.random.below(2)) % 3, 128);
    }
    bench.settle();
    board.empty();
  });
});
