import { expect, test } from 'vitest';
import type { Host } from '../host/src/index.ts';
import { P2pBus } from '../host/src/p2pdma/bus.ts';
import type { ConfigPort } from '../host/src/pci/config-port.ts';
import { enableContainment, enableErrorReporting, handleContainment } from '../host/src/pci/errors.ts';
import { Machine } from '../host/src/pci/machine.ts';
import { P2pTree } from '../host/src/pci/p2p-tree.ts';
import { everyDevice, type PciDevice } from '../host/src/pci/pci-device.ts';
import { Command, Header } from '../host/src/pci/registers.ts';
import { saveConfig } from '../host/src/pci/reset.ts';
import { formatBdf } from '../host/src/pci-function.ts';
import { bench } from './bench.ts';
import { client } from './p2pdma-bench.ts';

/** Simulated hardware is ready at once. */
const clock = { sleep: async () => {} };
const apertures = {
  memory: { base: 0xd000_0000n, bytes: 0x1000_0000n },
  prefetchable: { base: 0x90_0000_0000n, bytes: 1n << 40n },
};

function bringUp(host: Host): Promise<Machine> {
  const config: ConfigPort = host.config;
  const domain = { number: 0, config, clock, bus: host.config.bus, starts: 'link' } as const;
  return Machine.bringUp([{ domain, apertures }], { payload: 'safe' });
}

function memoryOf({ bars }: PciDevice): { readonly address: bigint; readonly bytes: bigint } {
  const memory = bars.find(({ prefetchable }) => prefetchable);
  if (memory?.address === undefined) throw new RangeError('an endpoint has no memory');
  return { address: memory.address, bytes: memory.bytes };
}

test('M1-22: the core brings the default fabric up by packets, and knows who is behind the same switch', async () => {
  const { testbench, host, endpoints } = await bench();
  using _ = testbench;
  await testbench.scheduler.run(async () => {
    const machine = await bringUp(host);
    const ends = machine.devices.filter(({ bridge }) => !bridge);
    expect(ends.map(({ bdf }) => formatBdf(bdf))).toEqual(endpoints.map(({ bdf }) => formatBdf(bdf)));
    expect(ends.map(({ bars }) => bars.map(({ bytes }) => bytes))).toEqual(
      endpoints.map(({ bars }) => bars.map(({ bytes }) => bytes)),
    );
    for (const [i, end] of ends.entries()) {
      const memory = memoryOf(end);
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

test('C91: what the core knows of containment is what the switch does: an error of a drive takes its link down, and it comes back', async () => {
  const { testbench, host } = await bench();
  using _ = testbench;
  await testbench.scheduler.run(async () => {
    const { domains } = await bringUp(host);
    const devices = domains[0]?.devices ?? [];
    const [end, other] = [...everyDevice(devices)].filter(({ bridge }) => !bridge);
    const port = end?.parent;
    if (!end || !other || !port) throw new RangeError('there are no two endpoints below a switch');
    await enableErrorReporting(devices);
    await enableContainment(devices, 'non-fatal');
    const saved = await saveConfig(devices);
    expect(await handleContainment(port, saved)).toBeUndefined();

    const { address } = memoryOf(end);
    await host.memory.write32(address, 0x1234);
    // Nobody takes this write: the drive says ERR_NONFATAL.
    await end.change(Header.command, Command.memory, 0);
    await host.memory.write32(address, 0x5678);
    // A read that is under way when the port stops gets no answer: that would come behind the cause (C91).
    await testbench.scheduler.delay(100);
    await host.memory.write32(memoryOf(other).address, 0x4321);
    expect([await end.read(Header.id), await host.memory.read32(memoryOf(other).address)]).toEqual([0xffff_ffff, 0x4321]);

    const resumed: string[] = [];
    const contained = await handleContainment(port, saved, { resume: ({ name }) => resumed.push(name) });
    const { bus, device, function: number } = end.bdf;
    expect(contained).toEqual({ port, reason: 'ERR_NONFATAL from below', source: (bus << 8) | (device << 3) | number });
    expect(resumed).toEqual([end.name]);
    await host.memory.write32(address, 0x9abc);
    expect([await host.memory.read32(address), await handleContainment(port, saved)]).toEqual([0x9abc, undefined]);
  });
});
