import { afterAll, beforeAll, expect, test } from 'vitest';
import { type JobDevice, type JobResult, parseJobFile, remoteDevice, runJobs } from '../host/src/workload/index.ts';
import { at } from './bench.ts';
import { targetTopology } from './fabric-computer.ts';
import { type TargetFabric, targetFabric } from './nvmeof-fabric.ts';

/** Many drives behind one network card, on RTL. */

const most = 8;
let fabric: TargetFabric;
beforeAll(async () => {
  fabric = await targetFabric({ topology: targetTopology(most), capacity: 1 << 17 });
}, 600_000);
afterAll(() => fabric[Symbol.dispose]());

const jobs = parseJobFile('[global]\nbs=8k\niodepth=2\nsize=32k\n[write]\nrw=write\n[read]\nstonewall\nrw=randread');
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

test(
  'M1-20: E1 E2: with 1, 2, 4 and 8 drives the card carries what all of them move, the root link none of it, and more drives are not slower',
  { timeout: 300_000 },
  () =>
    fabric.on.testbench.scheduler.run(async () => {
      const { on } = fabric;
      const { scheduler } = on.testbench;
      const rates: number[] = [];
      for (const count of [1, 2, 4, most]) {
        // Each drive's data is in its own memory.
        const { host } = await fabric.target(on.drives.map(({ device }) => device.name));
        const devices: JobDevice[] = host.namespaces
          .slice(0, count)
          .map((namespace, i) => remoteDevice(host, namespace, at(on.drives, i).media.bytes.slice(), 10 * count + i));
        const memories = on.drives.map(({ provider }) => provider.alloc(provider.available)).flatMap(memory => memory ?? []);
        for (const [i, memory] of memories.entries()) at(on.drives, i).provider.free(memory);
        const first = at(memories, 0).cpu;
        const last = at(memories, memories.length - 1);
        on.countData(on.computer.buffers, { base: first, bytes: last.cpu + last.bytes - first });
        const begin = scheduler.now;
        const results: JobResult[] = await runJobs(scheduler, jobs, devices, 250e6);
        const moved = sum(results.map(({ bytes }) => bytes));
        rates.push(moved / (scheduler.now - begin));
        expect(moved).toBe(count * 65_536);
        const carried = on.data();
        expect(carried.root).toEqual([0, 0]);
        // Writes come out of the card, reads go into it. After its writes the card looks at their last byte, at several in one go.
        const looks = (carried.nic0?.[0] ?? 0) - moved / 2;
        expect([looks > 0, looks <= moved / 2 / 8192, carried.nic0?.[1]]).toEqual([true, true, moved / 2]);
        for (const [i, { scoreboard }] of devices.entries()) {
          expect(scoreboard.check(at(on.drives, i).media.bytes)).toBe(0);
          const [down = 0, up = 0] = carried[`nvme${i}`] ?? [];
          expect([down, up >= 32_768, up <= 32_768 + 4]).toEqual([32_768, true, true]);
        }
        host.close();
        await scheduler.delay(5000);
      }
      for (const [i, rate] of rates.slice(1).entries()) expect(rate).toBeGreaterThan(0.95 * at(rates, i));
    }),
);
