import { describe, expect, test } from 'vitest';
import { P2pBus } from '../host/src/p2pdma/bus.ts';
import { Iommu } from '../host/src/p2pdma/dma-ops.ts';
import { ExportedBuffer, type Importer, type Place } from '../host/src/p2pdma/exported-buffer.ts';
import { Provider } from '../host/src/p2pdma/provider.ts';
import { mapScatterList } from '../host/src/p2pdma/scatter-list.ts';
import type { PciNode } from '../host/src/p2pdma/tree.ts';
import { barAt, client, code, codeOf, KiB, MiB, newMemory, provider, settled, systemMemory, t1, t2 } from './p2pdma-bench.ts';

const base = 0x1_0000_0000n;

/** A GPU with an allocator of its own, a card and a network card; what GPU and card have is open to peers. */
function machine(of: { readonly gpu: PciNode; readonly card: PciNode; readonly nic: PciNode } = t1()) {
  const { gpu, card, nic } = of;
  const memory = newMemory();
  const bus = new P2pBus();
  const vram = new Provider({ device: gpu, memory, bars: [barAt(base, 16n * MiB)] });
  vram.enableBar(2);
  const pool = provider(memory, card, base + 16n * MiB, MiB);
  let next = base;
  const gpuAllocations: Place[] = [];
  const gpuAlloc = (bytes: bigint): Place => {
    const place = { name: 'GPU memory', cpu: next, bytes };
    next += bytes;
    gpuAllocations.push(place);
    return place;
  };
  const system = systemMemory();
  const calls = { invalidated: 0 };
  const importer: Importer = {
    client: client(nic, new Iommu()),
    peers: true,
    invalidate: () => {
      calls.invalidated++;
    },
  };
  return { mapper: { memory, bus }, vram, pool, gpuAlloc, gpuAllocations, system, importer, calls, gpu, card, nic };
}

const cardPlace = (cpu: bigint): Place => ({ name: 'card', cpu, bytes: 64n * KiB });

describe('buffers of one device that others use', () => {
  test('M1-12 M1-17: an allocation of the GPU is written by the network card at its own address: one allocation in all', () => {
    const m = machine();
    const buffer = new ExportedBuffer(m.mapper, m.gpuAlloc(64n * KiB), m.system);
    buffer.attach(m.importer);
    expect(buffer.map(m.importer)).toEqual([{ dma: base, bytes: 64n * KiB, peer: true }]);
    expect([m.gpuAllocations.length, m.pool.available, m.system.live.size]).toEqual([1, MiB, 0]);
  });

  test('M1-11: the GPU’s allocator is the GPU’s: the core allocates nothing in its memory', () => {
    const m = machine();
    expect([m.vram.size, m.vram.available, m.vram.alloc(4096n)]).toEqual([0n, 0n, undefined]);
    const places = [m.gpuAlloc(4096n), m.gpuAlloc(8192n)];
    for (const place of places) {
      const buffer = new ExportedBuffer(m.mapper, place, m.system);
      buffer.attach(m.importer);
      expect(buffer.map(m.importer)[0]?.dma).toBe(place.cpu);
    }
    expect(m.gpuAllocations).toEqual(places);
  });

  test('M1-3: pool and exported buffers are two ways that do without each other and share distances and mapping', () => {
    const m = machine();
    const held = m.pool.alloc(4096n);
    const pooled = mapScatterList(m.mapper, m.importer.client, [{ cpu: held?.cpu ?? 0n, bytes: 4096n }]);
    const calculations = m.mapper.bus.calculations;
    const buffer = new ExportedBuffer(m.mapper, m.gpuAlloc(4096n), m.system);
    buffer.attach(m.importer);
    expect([pooled[0]?.peer, buffer.map(m.importer)[0]?.peer]).toEqual([true, true]);
    expect([calculations, m.mapper.bus.calculations]).toEqual([1, 2]);
  });

  test('M1-4: a buffer moves to another device and to RAM; the importer is told, maps again, and the old place is free', async () => {
    const m = machine();
    const start = m.gpuAlloc(64n * KiB);
    const buffer = new ExportedBuffer(m.mapper, start, m.system);
    buffer.attach(m.importer);
    const addresses = [buffer.map(m.importer)[0]];
    const held = m.pool.alloc(64n * KiB);
    expect(await buffer.move(cardPlace(held?.cpu ?? 0n))).toBe(start);
    expect(m.calls.invalidated).toBe(1);
    expect(code(() => buffer.begin(m.importer))).toBe('EINVAL');
    addresses.push(buffer.map(m.importer)[0]);
    await buffer.move({ name: 'RAM', cpu: m.system.alloc(64n * KiB), bytes: 64n * KiB });
    addresses.push(buffer.map(m.importer)[0]);
    expect(addresses.map(piece => [piece?.dma, piece?.peer])).toEqual([
      [base, true],
      [base + 16n * MiB, true],
      [0xfe00_0000n, false],
    ]);
    expect(await codeOf(buffer.move({ name: 'small', cpu: 0n, bytes: 4096n }))).toBe('EINVAL');
    buffer.detach(m.importer);
    expect((m.importer.client.dma as Iommu).mapped).toBe(0);
  });

  test('M1-5: while a transfer runs the buffer stays; nobody writes to memory that is free', async () => {
    const m = machine();
    const buffer = new ExportedBuffer(m.mapper, m.gpuAlloc(64n * KiB), m.system);
    buffer.attach(m.importer);
    buffer.map(m.importer);
    const [one, other] = [buffer.begin(m.importer), buffer.begin(m.importer)];
    expect(code(() => buffer.detach(m.importer))).toBe('EBUSY');
    const moved = buffer.move(cardPlace(base + 16n * MiB));
    expect([await settled(moved), buffer.place.cpu]).toEqual([false, base]);
    one();
    expect([await settled(moved), buffer.place.cpu]).toEqual([false, base]);
    other();
    expect((await moved).cpu).toBe(base);
    expect(buffer.place.cpu).toBe(base + 16n * MiB);
    expect(code(other)).toBe('EINVAL');
  });

  test('M1-9: an importer out of reach gets the buffer in system memory, and it works', async () => {
    const { a, b } = t2();
    const m = machine({ gpu: a, card: { ...a, name: 'card' }, nic: b });
    const buffer = new ExportedBuffer(m.mapper, m.gpuAlloc(8192n), m.system);
    buffer.attach(m.importer);
    expect(code(() => buffer.map(m.importer))).toBe('EINVAL');
    const [piece] = await buffer.mapAnyway(m.importer);
    expect([piece?.peer, buffer.place.name, m.system.live.size]).toEqual([false, 'system memory', 1]);
    // One that is in reach leaves it where it is.
    const near = machine();
    const stays = new ExportedBuffer(near.mapper, near.gpuAlloc(8192n), near.system);
    stays.attach(near.importer);
    expect([(await stays.mapAnyway(near.importer))[0]?.peer, near.system.live.size]).toEqual([true, 0]);
  });

  test('who cannot be told or does not know peers is not attached; what is revoked is gone when its transfers are (B-23)', async () => {
    const m = machine();
    const buffer = new ExportedBuffer(m.mapper, m.gpuAlloc(8192n), m.system);
    const { invalidate: _, ...silent } = m.importer;
    expect(code(() => buffer.attach(silent))).toBe('EOPNOTSUPP');
    expect(code(() => buffer.attach({ ...m.importer, peers: false }))).toBe('EOPNOTSUPP');
    expect(code(() => buffer.map(m.importer))).toBe('ENODEV');
    buffer.attach(m.importer);
    buffer.map(m.importer);
    const end = buffer.begin(m.importer);
    const revoked = buffer.revoke();
    expect([await settled(revoked), m.calls.invalidated]).toEqual([false, 1]);
    end();
    await revoked;
    expect([code(() => buffer.map(m.importer)), code(() => buffer.attach(m.importer))]).toEqual(['ENODEV', 'ENODEV']);
    expect(await codeOf(buffer.mapAnyway(m.importer))).toBe('ENODEV');
    expect(code(() => buffer.begin(m.importer))).toBe('EINVAL');
  });
});
