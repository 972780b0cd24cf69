import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { distanceMany } from '../host/src/p2pdma/distance.ts';
import { Errno, type ErrnoCode } from '../host/src/p2pdma/errno.ts';
import { findMany } from '../host/src/p2pdma/find.ts';
import { Pagemap, PhysicalMemory } from '../host/src/p2pdma/pagemap.ts';
import type { PoolMemory } from '../host/src/p2pdma/pool.ts';
import { type BarRange, Provider } from '../host/src/p2pdma/provider.ts';
import { type DmaPlatform, identityPlatform, mapScatterList, unmapScatterList } from '../host/src/p2pdma/scatter-list.ts';
import { Acs, type HostBridge, type PciNode } from '../host/src/p2pdma/tree.ts';

const KiB = 1024n;
const MiB = 1024n * KiB;
const plain: HostBridge = { name: 'plain', vendor: 0x1234, device: 1, identifies: true };
const listed: HostBridge = { name: 'listed', vendor: 0x8086, device: 0x2030, identifies: true };

/** The switch of the standard topology: a NIC, two drives, a GPU and a memory card below one switch. */
function t1(host: HostBridge = plain, acs: { readonly [port: string]: number } = {}) {
  const root: PciNode = { name: 'root0', kind: 'root port', host };
  const upstream: PciNode = { name: 'upstream', kind: 'upstream port', host, up: root };
  const below = (name: string): PciNode => {
    const control = acs[name];
    const port: PciNode = {
      name: `port of ${name}`,
      kind: 'downstream port',
      host,
      up: upstream,
      ...(control === undefined ? {} : { acs: control }),
    };
    return { name, kind: 'endpoint', host, up: port };
  };
  return { nic: below('nic'), nvme0: below('nvme0'), nvme1: below('nvme1'), gpu: below('gpu'), card: below('card') };
}

const ram = { base: 0n, bytes: 64n * MiB };
const newMemory = () => new PhysicalMemory([ram]);
const barAt = (cpu: bigint, bytes: bigint, busOffset = 0n): BarRange => ({ index: 2, kind: 'memory', cpu, bytes, busOffset });

function provider(memory: PhysicalMemory, device: PciNode, cpu: bigint, bytes: bigint, busOffset = 0n): Provider {
  const made = new Provider({
    device,
    memory,
    bars: [barAt(cpu, bytes, busOffset), { ...barAt(0n, 256n), index: 4, kind: 'io' }],
  });
  made.addResource(2);
  return made;
}

const code = (call: () => unknown): ErrnoCode | 'none' => {
  try {
    call();
    return 'none';
  } catch (error) {
    if (error instanceof Errno) return error.code;
    throw error;
  }
};

describe('pages and their providers', () => {
  test('M0-1 M0-3: the first, a middle and the last page of every provider lead to it; RAM and what lies beside lead to none', () => {
    const { nvme0, gpu, card } = t1();
    const memory = newMemory();
    const bases = [0x1_0000_0000n, 0x1_0010_0000n, 0x1_0200_0000n];
    [nvme0, gpu, card].forEach((device, i) => {
      provider(memory, device, bases[i] ?? 0n, MiB);
    });
    [nvme0, gpu, card].forEach((device, i) => {
      const base = bases[i] ?? 0n;
      for (const offset of [0n, 512n * KiB, MiB - 1n]) expect(memory.find(base + offset)?.device.name).toBe(device.name);
    });
    for (const outside of [0n, 4096n, 0x0_ffff_ffffn, 0x1_0020_0000n, 0x1_01ff_ffffn, 0x1_0210_0000n])
      expect(memory.find(outside), outside.toString(16)).toBeUndefined();
  });

  test('M0-10: the lookup finds one of 64 providers among 16 GiB', () => {
    const memory = newMemory();
    const { card } = t1();
    const all = Array.from({ length: 64 }, (_, i) => ({ ...card, name: `card${i}` }));
    const order = all.map((device, i) => ({ device, base: 0x10_0000_0000n + BigInt((i * 37) % 64) * 256n * MiB }));
    for (const { device, base } of order) provider(memory, device, base, 256n * MiB);
    for (const { device, base } of order) expect(memory.find(base + 256n * MiB - 4096n)?.device.name).toBe(device.name);
  });

  test('resources that do not fit are refused (B.13)', () => {
    const { card, gpu } = t1();
    const memory = newMemory();
    const made = new Provider({
      device: card,
      memory,
      bars: [barAt(0x1_0000_0000n, MiB), { ...barAt(0n, 256n), index: 4, kind: 'io' }],
    });
    expect(code(() => made.addResource(0))).toBe('EINVAL');
    expect(code(() => made.addResource(4))).toBe('EINVAL');
    expect(code(() => made.addResource(2, MiB))).toBe('EINVAL');
    expect(code(() => made.addResource(2, 512n * KiB, 513n * KiB))).toBe('EINVAL');
    expect(code(() => made.addResource(2, 100n))).toBe('EINVAL');
    expect(code(() => made.addResource(2, 0n, 512n * KiB))).toBe('none');
    expect(code(() => made.addResource(2, 256n * KiB))).toBe('ENOMEM');
    expect(code(() => made.addResource(2, 512n * KiB))).toBe('none');
    expect(made.size).toBe(MiB);
    const over = new Provider({ device: gpu, memory, bars: [barAt(32n * MiB, MiB)] });
    expect(code(() => over.addResource(2))).toBe('ENXIO');
  });
});

describe('the pool', () => {
  test('M1-13 M1-15: random allocations are whole pages, apart from each other, and all come back', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 60_000 }), fc.nat(20)), { maxLength: 80 }), steps => {
        const made = provider(newMemory(), t1().card, 0x1_0000_0000n, 256n * KiB, -0x8000_0000n);
        const held: PoolMemory[] = [];
        for (const [bytes, which] of steps) {
          const got = which < 12 ? made.alloc(BigInt(bytes)) : undefined;
          const given = which >= 12 ? held.splice(which % Math.max(1, held.length), 1)[0] : undefined;
          if (given) made.free(given);
          if (!got) continue;
          expect([got.bytes % 4096n, got.bytes >= BigInt(bytes), got.bus - got.cpu]).toEqual([0n, true, -0x8000_0000n]);
          for (const other of held) expect(got.cpu + got.bytes <= other.cpu || other.cpu + other.bytes <= got.cpu).toBe(true);
          held.push(got);
        }
        const used = held.reduce((sum, { bytes }) => sum + bytes, 0n);
        expect(made.available).toBe(256n * KiB - used);
        for (const memory of held) made.free(memory);
        // Nothing is broken into pieces for good.
        expect(made.alloc(256n * KiB)?.cpu).toBe(0x1_0000_0000n);
      }),
      { numRuns: 200 },
    );
  });

  test('first fit; an empty pool gives nothing; freeing twice is an error', () => {
    const made = provider(newMemory(), t1().card, 0x1_0000_0000n, 16n * KiB);
    const [a, b] = [made.alloc(1n), made.alloc(8n * KiB)];
    if (!a || !b) throw new RangeError('no memory');
    expect([a.cpu, b.cpu]).toEqual([0x1_0000_0000n, 0x1_0000_1000n]);
    expect(made.alloc(8n * KiB)).toBeUndefined();
    made.free(a);
    expect(made.alloc(4096n)?.cpu).toBe(a.cpu);
    made.free(b);
    expect(code(() => made.free(b))).toBe('EINVAL');
    expect(made.alloc(0n)).toBeUndefined();
  });

  test('M0-9: removal waits for the last reference, and gives nothing out meanwhile', () => {
    const memory = newMemory();
    const made = provider(memory, t1().card, 0x1_0000_0000n, MiB);
    const held = made.alloc(4096n);
    if (!held) throw new RangeError('no memory');
    made.publish(true);
    expect(code(() => made.remove())).toBe('EBUSY');
    expect([made.published, made.alloc(4096n)]).toEqual([false, undefined]);
    expect(memory.find(held.cpu)?.device.name).toBe('card');
    made.free(held);
    made.remove();
    expect([memory.find(held.cpu), made.size]).toEqual([undefined, 0n]);
  });
});

describe('finding a provider', () => {
  const choose = (pick: number) => (count: number) => pick % count;

  test('M1-18 M1-24 M4-10: the nearest of the published ones that reach all clients, whatever the order', () => {
    const { nic, nvme0, nvme1, gpu, card } = t1();
    const memory = newMemory();
    const at = (i: number) => 0x1_0000_0000n + BigInt(i) * 16n * MiB;
    const all = [nvme0, gpu, card].map((device, i) => provider(memory, device, at(i), MiB));
    const [onDrive, onGpu, onCard] = all;
    expect(findMany(all, [nic, nvme0], { choose: choose(0) })).toBeUndefined();
    onCard?.publish(true);
    expect(findMany(all, [nic, nvme0], { choose: choose(0) })).toBe(onCard);
    onDrive?.publish(true);
    for (const order of [all, all.toReversed()]) expect(findMany(order, [nic, nvme0], { choose: choose(0) })).toBe(onDrive);
    onGpu?.publish(true);
    // For clients elsewhere all three are equally near: one of them by chance.
    const tied = [0, 1, 2].map(pick => findMany(all, [nic, nvme1], { choose: choose(pick) })?.device.name);
    expect(tied).toEqual(['nvme0', 'gpu', 'card']);
    const far: PciNode = { name: 'far', kind: 'endpoint', host: plain, up: { name: 'root1', kind: 'root port', host: plain } };
    expect(findMany(all, [nic, far], { choose: choose(0) })).toBeUndefined();
    expect(findMany(all, [], { choose: choose(0) })).toBeUndefined();
    expect(distanceMany(nvme0, [nic, nvme0])).toBe(4);
  });
});

describe('mapping for a client', () => {
  const offset = -0x38_8000_0000n;
  const base = 0x40_0000_0000n;

  /** Counts what it has mapped, at addresses of its own. */
  function iommu(): DmaPlatform & { readonly live: Map<bigint, bigint> } {
    const live = new Map<bigint, bigint>();
    let next = 0xfe00_0000n;
    return {
      live,
      map: ({ bytes }) => {
        const address = next;
        next += bytes;
        live.set(address, bytes);
        return address;
      },
      unmap: dma => void live.delete(dma),
    };
  }

  test('M0-4 M2-4: one list of RAM and peers gets both kinds of addresses; each piece keeps its own length', () => {
    const { nic, card } = t1();
    const memory = newMemory();
    provider(memory, card, base, MiB, offset);
    const dma = iommu();
    const list = [
      { cpu: 0x1000n, bytes: 512n },
      { cpu: base + 4096n, bytes: 8192n },
      { cpu: base + 64n, bytes: 100n },
      { cpu: 0x9000n, bytes: 4096n },
    ];
    const mapped = mapScatterList({ memory, dma }, nic, list);
    expect(mapped).toEqual([
      { dma: 0xfe00_0000n, bytes: 512n, peer: false },
      { dma: 0x7_8000_1000n, bytes: 8192n, peer: true },
      { dma: 0x7_8000_0040n, bytes: 100n, peer: true },
      { dma: 0xfe00_0200n, bytes: 4096n, peer: false },
    ]);
    unmapScatterList({ memory, dma }, nic, mapped);
    expect(dma.live.size).toBe(0);
  });

  test('through the host bridge a peer is mapped like RAM; where that does not forward, nothing stays mapped', () => {
    for (const host of [listed, plain]) {
      const { nic, card } = t1(host, { card: Acs.requestRedirect });
      const memory = newMemory();
      provider(memory, card, base, MiB, offset);
      const dma = iommu();
      const list = [
        { cpu: 0x1000n, bytes: 512n },
        { cpu: base, bytes: 4096n },
      ];
      if (host === listed)
        expect(mapScatterList({ memory, dma }, nic, list).map(({ peer, dma: address }) => [peer, address])).toEqual([
          [false, 0xfe00_0000n],
          [false, 0xfe00_0200n],
        ]);
      else {
        expect(code(() => mapScatterList({ memory, dma }, nic, list))).toBe('EREMOTEIO');
        expect(dma.live.size).toBe(0);
      }
    }
  });

  test('M1-10: memory that is private to its device is not for peers, whoever asks', () => {
    const { nic, gpu } = t1();
    const memory = newMemory();
    memory.add(new Pagemap({ device: gpu, kind: 'device private', bar: 1, cpu: base, bytes: MiB, busOffset: 0n }));
    expect(code(() => mapScatterList({ memory, dma: identityPlatform }, nic, [{ cpu: base, bytes: 64n }]))).toBe('EINVAL');
    // The same pages cannot become peer-to-peer memory beside.
    expect(code(() => provider(memory, gpu, base, MiB))).toBe('ENOMEM');
  });

  test('M2-2 M4-2: a BAR that is enabled is reached by peers, and nothing can be allocated from it; others stay refused', () => {
    const { nic, nvme0 } = t1();
    const memory = newMemory();
    const bars = [barAt(base, 16n * KiB, offset), { ...barAt(base + MiB, 16n * KiB, offset), index: 0 }];
    const made = new Provider({ device: nvme0, memory, bars });
    made.enableBar(0);
    const mapper = { memory, dma: identityPlatform };
    expect(mapScatterList(mapper, nic, [{ cpu: base + MiB + 0x1000n, bytes: 4n }])[0]?.dma).toBe(base + MiB + 0x1000n + offset);
    expect([made.alloc(4096n), made.size]).toEqual([undefined, 0n]);
    // Pages of the other BAR are nobody's: the platform maps them as it would anything else.
    expect(memory.find(base)).toBeUndefined();
  });

  test('a piece that runs out of its memory is refused', () => {
    const { nic, card } = t1();
    const memory = newMemory();
    provider(memory, card, base, MiB, offset);
    expect(code(() => mapScatterList({ memory, dma: identityPlatform }, nic, [{ cpu: base + MiB - 64n, bytes: 65n }]))).toBe(
      'EINVAL',
    );
  });
});
