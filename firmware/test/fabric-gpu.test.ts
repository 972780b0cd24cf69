import { crc32 } from 'node:zlib';
import { topology } from '@hdl/pcie-rtl';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bootGpu } from '../device/src/boot.ts';
import type { GpuBuffer, GpuDriver } from '../host/src/gpu/index.ts';
import type { DmaClient, ExportedBuffer, Importer } from '../host/src/p2pdma/index.ts';
import type { AddressRange } from '../host/src/pci-function.ts';
import { at, randomBytes } from './bench.ts';
import { type TargetFabric, targetFabric } from './nvmeof-fabric.ts';
import { completionsOf, connectedPair, type RdmaPair } from './rdma-computer.ts';

/** Flow E4: a GPU provides memory, and network card, drive and GPU use it at its place. */

const bytes = 16 * 1024;
const block = 512;

const machine = topology({
  switches: [{ name: 'switch0', parent: 'root' }],
  endpoints: [
    { name: 'nic0', parent: 'switch0', kind: 'nic', queues: 16, memory_bytes: 8192 },
    { name: 'nvme0', parent: 'switch0', kind: 'nvme', queues: 4, memory_bytes: 8192 },
    { name: 'gpu0', parent: 'switch0', kind: 'gpu', memory_bytes: 128 * 1024 },
  ],
});

let fabric: TargetFabric;
let gpu: GpuDriver;
let pair: RdmaPair;
let rkey: number;
beforeAll(async () => {
  fabric = await targetFabric({ topology: machine });
  const { on } = fabric;
  await run(async () => {
    await bootGpu(on.testbench.scheduler, at(on.testbench.devices, 2), at(machine.endpoints, 2).params);
    gpu = await on.computer.gpu(on.device('gpu0'));
    pair = await connectedPair(fabric.nic, fabric.remoteNic);
    rkey = fabric.remoteNic.register({ address: 0, bytes: 65_536, remoteRead: true, remoteWrite: true });
  });
}, 300_000);
afterAll(() => fabric[Symbol.dispose]());

const run = <T>(main: () => Promise<T>): Promise<T> => fabric.on.testbench.scheduler.run(main);
const media = (start: number) => at(fabric.on.drives, 0).media.bytes.subarray(start * block, start * block + bytes);
const drive = () => at(at(fabric.on.drives, 0).driver.namespaces, 0);

/** The buffer of the GPU as the network card and the drive import it. */
function importer(client: DmaClient): Importer & { told: number } {
  return {
    client,
    peers: true,
    told: 0,
    invalidate() {
      this.told++;
    },
  };
}
const rangesOf = (exported: ExportedBuffer, by: Importer): AddressRange[] =>
  exported.map(by).map(({ dma, bytes: count }) => ({ base: dma, bytes: count }));

/** Exports a buffer to the card and the drive. */
function share(buffer: GpuBuffer) {
  const { on, network } = fabric;
  const exported = gpu.export(buffer, on.computer, on.computer.system);
  const card = importer(network);
  const disk = importer(on.computer.client(on.device('nvme0')));
  exported.attach(card);
  exported.attach(disk);
  return { exported, card, disk };
}

/** What the links carried of the data, by what is below them. */
const carried = () => {
  const { root, nic0, nvme0, gpu0 } = fabric.on.data();
  return { root, nic0, nvme0, gpu0 };
};

test('M4-11: E4: network card to GPU to drive, and back: each link carries the data once, the root link none of it', () =>
  run(async () => {
    const before = gpu.available;
    const buffer = gpu.allocate(bytes);
    const { exported, card, disk } = share(buffer);
    // Where the GPU's driver put it, and nothing allocated beside that (M1-11, M1-12).
    expect(before - gpu.available).toBe(BigInt(bytes));
    expect(rangesOf(exported, card)).toEqual([{ base: buffer.base, bytes: BigInt(bytes) }]);
    const region = await pair.domain.registerMemory({
      ranges: rangesOf(exported, card),
      access: { localWrite: true, remoteRead: true, remoteWrite: true },
      peer: true,
    });
    const data = randomBytes(bytes, 77);
    fabric.remoteNic.memory.set(data, 1000);

    fabric.on.countData({ base: buffer.base, bytes: BigInt(bytes) });
    await pair.local.postSend({ id: 1, opcode: 'read', data: [region.entry(0, bytes)], remote: { address: 1000n, rkey } });
    expect(await completionsOf(pair.completions, 1)).toMatchObject([{ id: 1, status: 0 }]);
    // The card reads the last byte back (C63).
    expect(carried()).toEqual({ root: [0, 0], nic0: [1, bytes], nvme0: [0, 0], gpu0: [bytes, 1] });

    // The GPU computes in its own memory: no packet.
    fabric.on.countData({ base: buffer.base, bytes: BigInt(bytes) });
    expect(await gpu.checksum(buffer, bytes)).toBe(crc32(data));
    await gpu.fill(buffer, 0x5a, 512);
    const changed = data.slice();
    changed.fill(0x5a, 0, 512);
    expect(await gpu.checksum(buffer, bytes)).toBe(crc32(changed));
    expect(carried()).toEqual({ root: [0, 0], nic0: [0, 0], nvme0: [0, 0], gpu0: [0, 0] });

    fabric.on.countData({ base: buffer.base, bytes: BigInt(bytes) });
    await drive().write(16, rangesOf(exported, disk));
    expect(Buffer.compare(media(16), changed)).toBe(0);
    expect(carried()).toEqual({ root: [0, 0], nic0: [0, 0], nvme0: [bytes, 0], gpu0: [0, bytes] });

    // And back: drive, GPU, network card.
    fabric.on.countData({ base: buffer.base, bytes: BigInt(bytes) });
    await drive().read(64, rangesOf(exported, disk));
    expect(carried()).toEqual({ root: [0, 0], nic0: [0, 0], nvme0: [0, bytes], gpu0: [bytes, 0] });
    expect(await gpu.checksum(buffer, bytes)).toBe(crc32(media(64)));
    fabric.on.countData({ base: buffer.base, bytes: BigInt(bytes) });
    await pair.local.postSend({ id: 2, opcode: 'write', data: [region.entry(0, bytes)], remote: { address: 30_000n, rkey } });
    expect(await completionsOf(pair.completions, 1)).toMatchObject([{ id: 2, status: 0 }]);
    expect(Buffer.compare(fabric.remoteNic.memory.subarray(30_000, 30_000 + bytes), media(64))).toBe(0);
    expect(carried()).toEqual({ root: [0, 0], nic0: [bytes, 0], nvme0: [0, 0], gpu0: [0, bytes] });
    await region.deregister();
    gpu.free(buffer);
    expect(gpu.available).toBe(before);
  }));

test('M1-4: the buffer moves to another place of the GPU between two steps: importers are told, and use the new place', () =>
  run(async () => {
    const [first, second] = [gpu.allocate(bytes), gpu.allocate(bytes)];
    const { exported, card, disk } = share(first);
    rangesOf(exported, card);
    await drive().read(128, rangesOf(exported, disk));
    await gpu.copy(first, second, bytes);
    await exported.move({ name: 'gpu0', cpu: second.base, bytes: second.bytes });
    expect([card.told, disk.told]).toEqual([1, 1]);
    await gpu.fill(first, 0xff, bytes);
    fabric.on.countData({ base: first.base, bytes: BigInt(bytes) });
    await drive().write(192, rangesOf(exported, disk));
    expect(Buffer.compare(media(192), media(128))).toBe(0);
    expect(carried()).toEqual({ root: [0, 0], nic0: [0, 0], nvme0: [0, 0], gpu0: [0, 0] });
    gpu.free(first);
    gpu.free(second);
  }));

test('a GPU reads and writes peers and host memory; what it cannot do ends in an error that says why', () =>
  run(async () => {
    const { on } = fabric;
    const buffer = gpu.allocate(bytes);
    const range = on.computer.host.data.allocate(bytes, 4096);
    const data = randomBytes(bytes, 5);
    on.computer.host.writeMemory(range.base, data);
    await gpu.copy({ address: range.base }, buffer, bytes);
    expect(await gpu.checksum(buffer, bytes)).toBe(crc32(data));
    expect(await gpu.checksum({ address: range.base }, 1001)).toBe(crc32(data.subarray(0, 1001)));
    await gpu.fill(buffer, 1, bytes);
    await gpu.copy(buffer, { address: range.base }, bytes);
    expect(on.computer.host.readMemory(range.base, bytes)).toEqual(new Uint8Array(bytes).fill(1));
    await expect(gpu.checksum({ address: 0x7000_0000n }, 64)).rejects.toThrow(
      /0000:0.:00.0: checksum failed: the fabric refused a request for the data$/,
    );
    await expect(gpu.fill({ ...buffer, offset: 1 << 20 }, 0, 4)).rejects.toThrow(/fill failed: an offset is outside its memory$/);
    gpu.free(buffer);
  }));
