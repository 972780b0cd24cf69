import { expect, test } from 'vitest';
import { WorkRing as DeviceRing } from '../device/src/rdma/work-ring.ts';
import { WorkRing as HostRing } from '../host/src/rdma/work-ring.ts';
import { random } from './nvme-computer.ts';
import { RdmaComputer } from './rdma-computer.ts';

/** The two ends of a ring of work requests. */

test('requests are numbered modulo 65,536: rings go on, whatever is posted, fetched and dropped', async () => {
  const on = new RdmaComputer();
  await on.run(async () => {
    const dice = random(9);
    const [entries, entryBytes] = [4096, 32];
    const { base } = on.pool.allocate(entries * entryBytes, 64);
    let doorbell = 0;
    const platform = {
      ...on.platform,
      async writeRegister(_: number, value: number) {
        doorbell = value;
      },
    };
    const host = new HostRing(platform, { base, entries, entryBytes, inHost: true, doorbell: 3 });
    const device = new DeviceRing(on.hardware, { place: { in: 'fabric', address: base }, entries, entryBytes });
    const onItsWay: number[] = [];
    for (let posted = 0; posted < 140_000; ) {
      const count = dice.below(entries - onItsWay.length + 1);
      const ids = Array.from({ length: count }, (_, i) => posted + i);
      await host.post(
        'test',
        ids.map(id => ({ id, encode: index => new Uint8Array(Uint32Array.of(id, index).buffer) })),
      );
      onItsWay.push(...ids);
      posted += count;
      expect(device.ring(doorbell)).toBe(true);
      const taken: number[] = [];
      for (let i = dice.below(40); i > 0 && onItsWay.length > taken.length; i--) {
        await device.fill();
        const entry = device.take();
        if (!entry) break;
        const [id, index] = new Uint32Array(entry.data.slice(0, 8).buffer);
        expect([id, index]).toEqual([onItsWay[taken.length], entry.index]);
        taken.push(entry.index);
      }
      const indexes = [...taken, ...(dice.below(3) ? device.drop() : [])];
      // Only some are signaled: the last one of them frees those before it.
      const last = indexes.at(-1);
      if (last !== undefined) expect(host.ended(last)).toBe(onItsWay.splice(0, indexes.length).at(-1));
      expect(host.outstanding).toBe(onItsWay.length);
    }
    expect(host.ended(doorbell)).toBeUndefined();
    expect(device.ring(doorbell + entries + 1)).toBe(false);
  });
});
