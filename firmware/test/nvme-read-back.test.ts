import { LinkModel } from '@hdl/pcie-rtl';
import { describe, expect, test } from 'vitest';
import type { Place } from '../device/src/nvme/hardware.ts';
import { writesOf } from '../device/src/nvme/ways.ts';
import { at, randomBytes } from './bench.ts';
import { drivesTopology, FabricComputer } from './fabric-computer.ts';
import { there } from './p2pdma-bench.ts';

/** C63 for NVMe controllers: data goes to a peer, the completion entry to the host, and the host must not hear of data that is not there. */

const bytes = 2048;

test('C63: E2: a drive reads into a busy peer’s memory: when its completion is seen, the data has arrived', async () => {
  // A narrow link to the card, which the second drive keeps busy: data for it waits in the switch, and nothing else has to.
  const slow = () => new LinkModel({ width: 256, clock_mhz: 250, generation: 1, lanes: 1, max_payload: 256, latency_ns: 100 });
  using on = await FabricComputer.start({
    topology: drivesTopology(2),
    between: link => (link === 'card0' ? slow() : undefined),
    driver: { queuesInController: false },
  });
  const { computer, testbench } = on;
  await testbench.scheduler.run(async () => {
    const card = computer.provide(on.device('card0'));
    card.addResource(0);
    card.publish(true);
    const all = there(card.alloc(32_768n));
    const [first, second] = [0, 1].map(i => at(at(on.drives, i).driver.namespaces, 0));
    const data = at(on.drives, 0).media.bytes;
    data.set(randomBytes(bytes, 3));
    const busy = there(second).read(0, [{ base: all.cpu + 16_384n, bytes: 8192n }]);
    await testbench.scheduler.delay(1000);
    await there(first).read(0, [{ base: all.cpu, bytes: BigInt(bytes) }]);
    const end = await computer.host.memory.read(all.cpu + BigInt(bytes - 64), 64);
    expect(Buffer.compare(end, data.subarray(bytes - 64, bytes))).toBe(0);
    await busy;
    card.free(all);
  });
}, 300_000);

describe('C63: which writes of a command are flushed', () => {
  const MiB = 1 << 20;
  const fabric = (address: number): Place => ({ in: 'fabric', address: BigInt(address) });
  const own: Place = { in: 'memory buffer', offset: 4096 };
  const told = (segments: readonly (readonly [Place | undefined, number])[], entry: Place | undefined) =>
    writesOf(
      segments.map(([place, size]) => ({ place, bytes: size })),
      entry,
    ).map(({ place, at: start, bytes: size, flush }) => [
      place.in === 'fabric' ? Number(place.address) : 'own',
      start,
      size,
      ...(flush ? ['flush'] : []),
    ]);

  test('none that goes with the entry, or stays inside', () => {
    const entry = fabric(5 * MiB + 64);
    expect(
      told(
        [
          [fabric(5 * MiB), 64],
          [own, 512],
          [fabric(6 * MiB - 512), 512],
        ],
        entry,
      ),
    ).toEqual([
      [5 * MiB, 0, 64],
      ['own', 64, 512],
      [6 * MiB - 512, 576, 512],
    ]);
  });

  test('the last one of each other way', () => {
    const segments = [
      [fabric(7 * MiB), 512],
      [fabric(9 * MiB), 512],
      [undefined, 100],
      [fabric(7 * MiB + 4096), 512],
      [fabric(5 * MiB), 4],
    ] as const;
    expect(told(segments, fabric(5 * MiB))).toEqual([
      [7 * MiB, 0, 512],
      [9 * MiB, 512, 512, 'flush'],
      [7 * MiB + 4096, 1124, 512, 'flush'],
      [5 * MiB, 1636, 4],
    ]);
  });

  test('a segment is cut where another way may begin', () => {
    expect(told([[fabric(6 * MiB - 512), 2 * MiB]], fabric(6 * MiB))).toEqual([
      [6 * MiB - 512, 0, 512, 'flush'],
      [6 * MiB, 512, MiB],
      [7 * MiB, 512 + MiB, MiB - 512, 'flush'],
    ]);
  });

  test('all ways where the entry stays inside, or there is none', () => {
    for (const entry of [own, undefined])
      expect(
        told(
          [
            [fabric(0), 512],
            [fabric(MiB), 512],
          ],
          entry,
        ),
      ).toEqual([
        [0, 0, 512, 'flush'],
        [MiB, 512, 512, 'flush'],
      ]);
  });
});
