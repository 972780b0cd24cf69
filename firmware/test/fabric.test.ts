import { completionOf, defaultTopology, LinkModel, memoryRead, topology } from '@hdl/pcie-rtl';
import { Testbench } from '@hdl/testbench';
import { expect, test } from 'vitest';
import { registers } from '../device/src/registers.ts';
import { allFunctions, allOnes, drawTree, formatBdf, Host } from '../host/src/index.ts';
import { at, bench, randomBytes } from './bench.ts';

/** root - outer - { inner - { a, b }, c } */
const nested = topology({
  switches: [
    { name: 'outer', parent: 'root' },
    { name: 'inner', parent: 'outer' },
  ],
  endpoints: [
    { name: 'a', parent: 'inner', memory_bytes: 4096 },
    { name: 'b', parent: 'inner', memory_bytes: 4096 },
    { name: 'c', parent: 'outer', memory_bytes: 4096 },
  ],
});

test('C20 C21 C34: a write between endpoints takes the shortest way', async () => {
  const { testbench, host, endpoints } = await bench({ topology: nested });
  using _ = testbench;
  const { scheduler, links, devices } = testbench;
  const memory = endpoints.map(f => f.bars.find(bar => bar.index === 2)?.address ?? 0n);
  const [a = 0n, , c = 0n] = memory;
  links.setDataRanges([{ base: a, limit: a + 4096n }]);

  /** An endpoint's firmware posts a DW. @returns the links that carried a posted TLP, and user data downward. */
  const post = async (from: number, to: bigint, value: number) => {
    links.clear();
    const port = at(devices, from);
    await port.write(registers.post_low.offset, Number(to & 0xffff_ffffn));
    await port.write(registers.post_high.offset, Number(to >> 32n));
    await port.write(registers.post_data.offset, value);
    await scheduler.delay(100);
    const counted = links.snapshot();
    return {
      carried: counted.flatMap(({ link, down, up }) => [down.posted ? `${link} down` : [], up.posted ? `${link} up` : []].flat()),
      data: counted.map(({ down }) => down.data_bytes),
    };
  };
  await scheduler.run(async () => {
    expect(links.snapshot().map(({ link }) => link)).toEqual(['root', 'inner', 'c', 'a', 'b']);
    expect(await post(1, a, 11)).toEqual({ carried: ['a down', 'b up'], data: [0, 0, 0, 4, 0] });
    expect(await post(0, c + 4n, 12)).toEqual({ carried: ['inner up', 'c down', 'a up'], data: [0, 0, 0, 0, 0] });
    expect(await post(2, a + 8n, 13)).toEqual({ carried: ['inner down', 'c up', 'a down'], data: [0, 4, 0, 4, 0] });
    expect(await post(0, host.data.range.base, 14)).toEqual({
      carried: ['root up', 'inner up', 'a up'],
      data: [0, 0, 0, 0, 0],
    });
    expect(await host.memory.read32(a)).toBe(11);
    expect(await host.memory.read32(c + 4n)).toBe(12);
    expect(await host.memory.read32(a + 8n)).toBe(13);
    expect([...host.readMemory(host.data.range.base, 4)]).toEqual([14, 0, 0, 0]);
  });
});

test('the host writes to memory behind the switch at a beat per cycle, and reads it back', async () => {
  const { testbench, host, endpoints } = await bench();
  using _ = testbench;
  const { scheduler, links } = testbench;
  const base = at(endpoints, 1).bars.find(bar => bar.index === 2)?.address ?? 0n;
  const bytes = 16 * 1024;
  const data = randomBytes(bytes, 3);
  links.setDataRanges([{ base, limit: base + BigInt(bytes) }]);
  await scheduler.run(async () => {
    links.clear();
    await host.memory.write(base, data);
    // The last of it still waits in the ring of the root port.
    await scheduler.delay(600);
    const [root] = links.snapshot();
    if (!root) throw new Error('the root link is the first');
    expect(root.down).toMatchObject({ data_bytes: bytes, data_beats: bytes / 32 });
    // The ring of the root port, 256 beats, is filled again while it is emptied.
    expect(root.down.last_data_cycle - root.down.first_data_cycle + 1).toBeLessThan(1.02 * (bytes / 32));
    expect(await host.memory.read(base, bytes)).toEqual(data);
    const counted = Object.fromEntries(links.snapshot().map(l => [l.link, [l.down.data_bytes, l.up.data_bytes]]));
    expect(counted).toEqual({ root: [bytes, bytes], drive0: [0, 0], drive1: [bytes, bytes], spare0: [0, 0] });
  });
});

test('an endpoint of several functions: each is found, has its own memory, and masters the bus by its own leave', async () => {
  const { testbench, host, tree, endpoints } = await bench({
    topology: topology({
      switches: [{ name: 'switch0', parent: 'root' }],
      endpoints: [
        {
          name: 'multi',
          parent: 'switch0',
          memory_bytes: 8192,
          functions: [{ kind: 'memory', memory_bytes: 16_384 }, { kind: 'nvme' }, { kind: 'nic', memory_bytes: 4096 }],
        },
      ],
    }),
  });
  using _ = testbench;
  expect(endpoints.map(f => [formatBdf(f.bdf), f.deviceId, f.classCode])).toEqual([
    ['03:00.0', 0xe000, 0x018000],
    ['03:00.1', 0xe001, 0x058000],
    ['03:00.2', 0xe002, 0x010802],
    ['03:00.3', 0xe003, 0x020000],
  ]);
  expect(drawTree(tree).match(/endpoint/g)).toHaveLength(4);
  await testbench.scheduler.run(async () => {
    const memories = endpoints.flatMap(f => f.bars.filter(bar => bar.prefetchable));
    expect(memories.map(bar => Number(bar.bytes))).toEqual([8192, 16_384, 4096]);
    for (const [i, { address = 0n, bytes }] of memories.entries())
      await host.memory.write(address, randomBytes(Number(bytes), i + 1));
    for (const [i, { address = 0n, bytes }] of memories.entries())
      expect(await host.memory.read(address, Number(bytes))).toEqual(randomBytes(Number(bytes), i + 1));
    const masters: number[] = [];
    for (const { bdf } of allFunctions(endpoints)) masters.push(((await host.config.read(bdf, 4)) >>> 2) & 1);
    // A function that never sends a request has no bus master enable.
    expect(masters).toEqual([1, 0, 1, 1]);
  });
});

test('C71e C85: with a model on a link the drive behind it is found and read; pulled out it answers no more, and it comes back unconfigured', async () => {
  const between = (link: string) =>
    link === 'drive1'
      ? new LinkModel({ width: 256, clock_mhz: 250, generation: 4, lanes: 4, max_payload: 256, latency_ns: 100 })
      : undefined;
  using testbench = await Testbench.create({ topology: defaultTopology(), between });
  const { scheduler, faults } = testbench;
  await scheduler.run(async () => {
    const host = new Host(testbench, { timeoutCycles: 5000 });
    const tree = await host.enumerate();
    const drive = at(
      [...allFunctions(tree.functions)].filter(f => !f.bridge),
      1,
    );
    const base = drive.bars.find(bar => bar.index === 2)?.address ?? 0n;
    const data = randomBytes(1024, 5);
    await host.memory.write(base, data);
    expect(await host.memory.read(base, data.length)).toEqual(data);

    faults?.pull('drive1', true);
    await scheduler.delay(500);
    expect(await host.config.read(drive.bdf, 0)).toBe(allOnes);
    await expect(host.memory.read(base, 4)).rejects.toThrow(/unsupported request/);
    faults?.pull('drive1', false);
    await scheduler.delay(500);
    expect(await host.config.read(drive.bdf, 0)).toBe(0xe000_1d1d);
    expect((await host.config.read(drive.bdf, 4)) & 7).toBe(0);
  });
});

test('C85 C86: a secondary bus reset under load, and a hot reset from the root port: configurations are gone, links work again', async () => {
  const { testbench, host, tree, endpoints } = await bench();
  using _ = testbench;
  const { scheduler, simulation } = testbench;
  const [, , port] = [...allFunctions(tree.functions)].filter(f => f.bridge);
  const drive = at(endpoints, 1);
  const base = drive.bars.find(bar => bar.index === 2)?.address ?? 0n;
  const command = async () => (await host.config.read(drive.bdf, 4)) & 7;
  if (!port) throw new Error('the second drive hangs below the second port');
  await scheduler.run(async () => {
    const bridgeControl = 0x3c;
    const secondaryBusReset = 1 << 22;
    for (let i = 0; i < 50; i++) void host.memory.write(base, new Uint8Array(1024));
    await scheduler.delay(100);
    const control = await host.config.read(port.bdf, bridgeControl);
    await host.config.write(port.bdf, bridgeControl, control | secondaryBusReset);
    await scheduler.delay(200);
    await host.config.write(port.bdf, bridgeControl, control);
    await scheduler.delay(500);
    expect(await host.config.read(drive.bdf, 0)).toBe(0xe000_1d1d);
    expect(await command()).toBe(0);
    // The others live on.
    expect((await host.config.read(at(endpoints, 0).bdf, 4)) & 7).toBe(6);

    const reset = simulation.ports.get('root_hot_reset');
    if (!reset) throw new Error('the harness has a hot reset');
    reset.words[0] = 1;
    await scheduler.delay(200);
    reset.words[0] = 0;
    await scheduler.delay(500);
    expect(await host.config.read({ bus: 2, device: 0, function: 0 }, 0), 'no bridge has bus numbers').toBe(allOnes);
    expect(drawTree(await host.enumerate())).toBe(drawTree(tree));
    const data = randomBytes(500, 6);
    await host.memory.write(base, data);
    expect(await host.memory.read(base, data.length)).toEqual(data);
  });
});

test('C51 C55: a read that the switch refuses is answered with the bytes from the first to the last that it asked for', async () => {
  using testbench = await Testbench.create({ topology: defaultTopology() });
  const { root, scheduler } = testbench;
  await scheduler.run(async () => {
    for (const [i, [offset, bytes]] of [
      [0, 4],
      [1, 1],
      [0, 3],
      [2, 5],
      [3, 6],
      [0, 7],
      [5, 4091],
    ].entries()) {
      await root.send(memoryRead({ requester_id: 0, tag: i, address: 0xd000_0000n + BigInt(offset ?? 0), bytes: bytes ?? 0 }));
      const answer = await root.receive();
      expect(answer.tag).toBe(i);
      expect(completionOf(answer)).toMatchObject({ status: 1, byte_count: bytes });
    }
  });
});
