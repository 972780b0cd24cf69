import { CapabilityId, type Packet, topology } from '@hdl/pcie-rtl';
import { expect, test } from 'vitest';
import { allFunctions, allOnes, capability, drawTree, formatBdf, HostError } from '../host/src/index.ts';
import type { RootPort } from '../ports.ts';
import { at, bench } from './bench.ts';

test('the default fabric from zero: numbers, windows, BARs, as drawn', async () => {
  const { testbench, host, tree, endpoints } = await bench();
  using _ = testbench;
  expect(drawTree(tree)).toBe(
    [
      'root port: bus 01, MPS 256, MRRS 512',
      '└─ 01:00.0 1d1d:5100 switch upstream port, bus 02-05',
      '   │  memory window 0xc0000000-0xc02fffff',
      '   │  prefetchable window 0x8000000000-0x80002fffff',
      '   ├─ 02:00.0 1d1d:5100 switch downstream port, bus 03',
      '   │  │  memory window 0xc0000000-0xc00fffff',
      '   │  │  prefetchable window 0x8000000000-0x80000fffff',
      '   │  └─ 03:00.0 1d1d:e000 endpoint',
      '   │        BAR0 at 0xc0000000, 16 KiB, 32-bit',
      '   │        BAR2 at 0x8000000000, 1 MiB, 64-bit prefetchable',
      '   ├─ 02:01.0 1d1d:5100 switch downstream port, bus 04',
      '   │  │  memory window 0xc0100000-0xc01fffff',
      '   │  │  prefetchable window 0x8000100000-0x80001fffff',
      '   │  └─ 04:00.0 1d1d:e000 endpoint',
      '   │        BAR0 at 0xc0100000, 16 KiB, 32-bit',
      '   │        BAR2 at 0x8000100000, 256 KiB, 64-bit prefetchable',
      '   └─ 02:02.0 1d1d:5100 switch downstream port, bus 05',
      '      │  memory window 0xc0200000-0xc02fffff',
      '      │  prefetchable window 0x8000200000-0x80002fffff',
      '      └─ 05:00.0 1d1d:e000 endpoint',
      '            BAR0 at 0xc0200000, 16 KiB, 32-bit',
      '            BAR2 at 0x8000200000, 4 KiB, 64-bit prefetchable',
    ].join('\n'),
  );

  const drive = at(endpoints, 0);
  await testbench.scheduler.run(async () => {
    for (const each of allFunctions(tree.functions)) {
      expect((await host.config.read(each.bdf, 0x04)) & 0b110).toBe(0b110);
      const express = capability(each, CapabilityId.pciExpress) ?? 0;
      expect(((await host.config.read(each.bdf, express + 8)) >>> 5) & 7).toBe(1);
    }
    const express = capability(drive, CapabilityId.pciExpress) ?? 0;
    expect(((await host.config.read(drive.bdf, express + 8)) >>> 12) & 7).toBe(2);
    expect(await host.config.read({ ...drive.bdf, function: 1 }, 0)).toBe(allOnes);
    expect(await host.config.read({ bus: 77, device: 0, function: 0 }, 0)).toBe(allOnes);
    await expect(host.config.write({ bus: 77, device: 0, function: 0 }, 4, 0)).rejects.toThrow(/4d:00\.0 ended with status 1/);
  });
});

test('two levels of switches: buses depth first, the smallest MPS for all, windows in windows', async () => {
  const { testbench, tree } = await bench({
    topology: topology({
      switches: [
        { name: 'switch0', parent: 'root' },
        { name: 'switch1', parent: 'switch0' },
      ],
      endpoints: [
        { name: 'near', parent: 'switch0', memory_bytes: 4096 },
        { name: 'far0', parent: 'switch1', memory_bytes: 4096, max_payload: 128 },
        { name: 'far1', parent: 'switch1', memory_bytes: 8192 },
      ],
    }),
  });
  using _ = testbench;
  expect(tree.maxPayload).toBe(128);
  const places = [...allFunctions(tree.functions)].map(({ bdf, bridge }) => {
    const buses = bridge && `${bridge.primary}>${bridge.secondary}-${bridge.subordinate}`;
    return [formatBdf(bdf), buses, bridge?.prefetchable && Number(bridge.prefetchable.bytes) / 2 ** 20];
  });
  expect(places).toEqual([
    ['01:00.0', '1>2-7', 3],
    ['02:00.0', '2>3-6', 2],
    ['03:00.0', '3>4-6', 2],
    ['04:00.0', '4>5-5', 1],
    ['05:00.0', undefined, undefined],
    ['04:01.0', '4>6-6', 1],
    ['06:00.0', undefined, undefined],
    ['02:01.0', '2>7-7', 1],
    ['07:00.0', undefined, undefined],
  ]);
});

test('a request that nobody answers ends with an error that names it, and not for ever', async () => {
  let swallow = false;
  const swallowed: Packet[] = [];
  const between = (root: RootPort): RootPort => ({
    hostMemory: root.hostMemory,
    ports: root.ports,
    describe: (port, below) => root.describe(port, below),
    setMaxPayload: bytes => root.setMaxPayload(bytes),
    receive: () => root.receive(),
    send: async packet => {
      if (swallow) swallowed.push(packet);
      else await root.send(packet);
    },
  });
  const { testbench, host, endpoints } = await bench({ between, timeoutCycles: 1000 });
  using _ = testbench;
  const drive = at(endpoints, 0);
  await testbench.scheduler.run(async () => {
    swallow = true;
    const start = testbench.scheduler.now;
    const config = host.config.read(drive.bdf, 0);
    await expect(config).rejects.toThrow(HostError);
    await expect(config).rejects.toThrow(/no completion came for the CfgRd1 to register 0x0 of 03:00\.0 in 1000 cycles/);
    expect(testbench.scheduler.now - start).toBeLessThan(1100);
    await expect(host.memory.read32(0xc000_0000n)).rejects.toThrow(/for the MRd to 0xc0000000 in 1000 cycles/);
    swallow = false;

    // What comes too late is nobody's, and the next request has another tag.
    for (const packet of swallowed) await testbench.root.send(packet);
    expect(await host.config.read(drive.bdf, 0)).toBe(0xe000_1d1d);
    expect(host.requester.unexpected).toBe(2);
  });
});
