import { expect, test } from 'vitest';
import { linkRate } from '../src/link/model/link-rate.ts';
import { payloadRate } from './link-model-bench.ts';

// GB/s of writes with 64-bit addresses: the published figures.
test.each([
  [{ generation: 3, lanes: 4, width: 128, clock_mhz: 250 }, [2.99, 3.32, 3.51]],
  [{ generation: 3, lanes: 8, width: 256, clock_mhz: 250 }, [5.96, 6.62, 6.84]],
  [{ generation: 4, lanes: 16, width: 512, clock_mhz: 500 }, [23.52, 25.99, 27.37]],
] as const)('writes from peer to peer over a link %o: within 2 %%', (link, published) => {
  for (const [i, max_payload] of ([128, 256, 512] as const).entries()) {
    const [rate = 0] = payloadRate({ ...link, max_payload }, false);
    expect(Math.abs(rate / 1e9 / (published[i] ?? 0) - 1), `MPS ${max_payload}: ${rate}`).toBeLessThan(0.02);
    expect(Math.abs(rate / linkRate({ ...link, max_payload, payload: max_payload, header_dwords: 4 }) - 1)).toBeLessThan(0.01);
  }
});

test('in both directions at once, each with the updates of the other: within 2 %', () => {
  const link = { generation: 3, lanes: 8, width: 256, clock_mhz: 250, max_payload: 256 } as const;
  for (const rate of payloadRate(link, true)) expect(Math.abs(rate / 6.62e9 - 1)).toBeLessThan(0.02);
});
