import { expect, test } from 'vitest';
import { P2pBus } from '../host/src/p2pdma/bus.ts';
import type { ConfigPort } from '../host/src/pci/config-port.ts';
import { Machine } from '../host/src/pci/machine.ts';
import { P2pTree } from '../host/src/pci/p2p-tree.ts';
import { formatBdf } from '../host/src/pci-function.ts';
import { bench } from './bench.ts';
import { client } from './p2pdma-bench.ts';

test('M1-22: the core brings the default fabric up by packets, and knows who is behind the same switch', async () => {
  const { testbench, host, endpoints } = await bench();
  using _ = testbench;
  const config: ConfigPort = host.config;
  // Simulated hardware is ready at once.
  const clock = { sleep: async () => {} };
  const apertures = {
    memory: { base: 0xd000_0000n, bytes: 0x1000_0000n },
    prefetchable: { base: 0x90_0000_0000n, bytes: 1n << 40n },
  };
  await testbench.scheduler.run(async () => {
    const domain = { number: 0, config, clock, bus: host.config.bus, starts: 'link' } as const;
    const machine = await Machine.bringUp([{ domain, apertures }], { payload: 'safe' });
    const ends = machine.devices.filter(({ bridge }) => !bridge);
    expect(ends.map(({ bdf }) => formatBdf(bdf))).toEqual(endpoints.map(({ bdf }) => formatBdf(bdf)));
    expect(ends.map(({ bars }) => bars.map(({ bytes }) => bytes))).toEqual(
      endpoints.map(({ bars }) => bars.map(({ bytes }) => bytes)),
    );
    for (const [i, { bars }] of ends.entries()) {
      const memory = bars.find(({ prefetchable }) => prefetchable);
      if (memory?.address === undefined) throw new RangeError('an endpoint has no memory');
      const last = memory.address + memory.bytes - 4n;
      await host.memory.write32(memory.address, 0x1111 * (i + 1));
      await host.memory.write32(last, 0x2222 * (i + 1));
      expect([await host.memory.read32(memory.address), await host.memory.read32(last)]).toEqual([
        0x1111 * (i + 1),
        0x2222 * (i + 1),
      ]);
    }
    const tree = await P2pTree.of(machine.domains);
    const bus = new P2pBus();
    const [first, ...others] = ends.map(device => tree.node(device));
    if (!first) throw new RangeError('there is no endpoint');
    for (const other of others) expect(bus.distance(first, client(other))).toMatchObject({ mapType: 'BUS_ADDR', hops: 4 });
  });
});
