import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { P2pBus } from '../host/src/p2pdma/bus.ts';
import { customDma, type DmaOps, hypervisorDma, Iommu, identityDma, offsetDma } from '../host/src/p2pdma/dma-ops.ts';
import * as core from '../host/src/p2pdma/index.ts';
import { Pagemap } from '../host/src/p2pdma/pagemap.ts';
import { Provider } from '../host/src/p2pdma/provider.ts';
import {
  mapForBlockLayer,
  mapScatterList,
  mapSingle,
  tryMapScatterList,
  unmapScatterList,
} from '../host/src/p2pdma/scatter-list.ts';
import { Acs, type PciNode } from '../host/src/p2pdma/tree.ts';
import { barAt, client, code, KiB, listed, MiB, newMemory, plain, provider, t1, t2 } from './p2pdma-bench.ts';

const offset = -0x38_8000_0000n;
const base = 0x40_0000_0000n;
const bus = new P2pBus();

describe('mapping for a client', () => {
  test('M0-3 M0-4 M2-4: one list of RAM and peers gets both kinds of addresses; each piece keeps its own length', () => {
    const { nic, card } = t1();
    const memory = newMemory();
    provider(memory, card, base, MiB, offset);
    const iommu = new Iommu();
    const list = [
      { cpu: 0x1000n, bytes: 512n },
      { cpu: base + 4096n, bytes: 8192n },
      { cpu: base + 64n, bytes: 100n },
      { cpu: 0x9080n, bytes: 4096n },
    ];
    const mapped = mapScatterList({ memory, bus }, client(nic, iommu), list);
    expect(mapped).toEqual([
      { dma: 0xfe00_0000n, bytes: 512n, peer: false },
      { dma: 0x7_8000_1000n, bytes: 8192n, peer: true },
      { dma: 0x7_8000_0040n, bytes: 100n, peer: true },
      { dma: 0xfe00_1080n, bytes: 4096n, peer: false },
    ]);
    expect(iommu.mapped).toBe(3);
    unmapScatterList(client(nic, iommu), mapped);
    expect(iommu.mapped).toBe(0);
    // Of a peer's memory there is nothing to take back.
    const back: bigint[] = [];
    const noting = { ...identityDma, unmap: (dma: bigint) => void back.push(dma) };
    unmapScatterList(client(nic, noting), mapScatterList({ memory, bus }, client(nic, noting), list));
    expect(back).toEqual([0x1000n, 0x9080n]);
  });

  test('M2-8: through the host bridge a peer is mapped like RAM, for the IOMMU as device memory; where that does not forward, nothing stays mapped', () => {
    for (const host of [listed, plain]) {
      const { nic, card } = t1(host, { card: Acs.requestRedirect });
      const memory = newMemory();
      provider(memory, card, base, MiB, offset);
      const iommu = new Iommu();
      const list = [
        { cpu: 0x1000n, bytes: 512n },
        { cpu: base, bytes: 4096n },
      ];
      const map = () => mapScatterList({ memory, bus }, client(nic, iommu), list);
      if (host === listed) {
        expect(map().map(({ peer, dma }) => [peer, dma])).toEqual([
          [false, 0xfe00_0000n],
          [false, 0xfe00_1000n],
        ]);
        expect(iommu.translate(0xfe00_1010n, 'read')).toEqual({ cpu: base + 0x10n, region: 'mmio' });
        expect(iommu.translate(0xfe00_0010n, 'read')).toEqual({ cpu: 0x1010n, region: 'ram' });
      } else {
        expect(code(map)).toBe('EREMOTEIO');
        expect(iommu.mapped).toBe(0);
        // Nothing is mapped, so the IOMMU stops whoever tries.
        expect(iommu.translate(base, 'read')).toBeUndefined();
        expect(iommu.faults).toEqual([{ iova: base, access: 'read' }]);
      }
    }
  });

  test('M2-9: the device gets an address that is no bus address, and that ends with the mapping', () => {
    const { a, b } = t2(listed);
    const memory = newMemory();
    provider(memory, a, base, MiB, offset);
    const iommu = new Iommu();
    const mapped = mapScatterList({ memory, bus }, client(b, iommu), [{ cpu: base + 8192n, bytes: 8192n }]);
    expect(mapped.map(({ dma }) => dma === base + 8192n || dma === base + 8192n + offset)).toEqual([false]);
    expect(iommu.translate((mapped[0]?.dma ?? 0n) + 4097n, 'write')?.cpu).toBe(base + 8192n + 4097n);
    unmapScatterList(client(b, iommu), mapped);
    expect(iommu.translate(mapped[0]?.dma ?? 0n, 'write')).toBeUndefined();
    // The address does not come back for something else.
    expect(mapScatterList({ memory, bus }, client(b, iommu), [{ cpu: 0n, bytes: 64n }])[0]?.dma).not.toBe(mapped[0]?.dma);
  });

  test('M0-5 M2-14: platforms give the same page different addresses, and another one is only another object', () => {
    const { a, b } = t2(listed);
    const memory = newMemory();
    provider(memory, a, base, MiB, offset);
    const shifted: DmaOps = { name: 'shifted', peers: true, map: ({ cpu }) => cpu ^ (1n << 60n), unmap: () => {} };
    const guest = hypervisorDma(address => address + 0x1_0000_0000_0000n);
    const addresses = [identityDma, offsetDma(0x5000n), new Iommu(), guest, shifted].map(
      dma => mapScatterList({ memory, bus }, client(b, dma), [{ cpu: base, bytes: 4096n }])[0]?.dma,
    );
    expect(addresses).toEqual([base, base + 0x5000n, 0xfe00_0000n, base + 0x1_0000_0000_0000n, base ^ (1n << 60n)]);
  });

  test('M2-6: in a guest the hypervisor turns a peer’s address into the one that is on the bus', () => {
    const { nic, card } = t1();
    const memory = newMemory();
    provider(memory, card, base, MiB, offset);
    const calls: bigint[] = [];
    const guest = hypervisorDma(address => {
      calls.push(address);
      return address + 0x77_0000_0000n;
    });
    const [mapped] = mapScatterList({ memory, bus }, client(nic, guest), [{ cpu: base, bytes: 4096n }]);
    expect(mapped).toEqual({ dma: base + offset + 0x77_0000_0000n, bytes: 4096n, peer: true });
    expect(calls).toEqual([base + offset]);
  });

  test('M2-7: the same from a table; what is not in it is not mapped', () => {
    const { nic, card } = t1();
    const memory = newMemory();
    provider(memory, card, base, MiB, offset);
    const table = new Map([[base + offset, 0x99_0000_0000n]]);
    const guest = client(
      nic,
      hypervisorDma(address => table.get(address)),
    );
    expect(mapScatterList({ memory, bus }, guest, [{ cpu: base, bytes: 4096n }])[0]?.dma).toBe(0x99_0000_0000n);
    expect(code(() => mapScatterList({ memory, bus }, guest, [{ cpu: base + 4096n, bytes: 4096n }]))).toBe('EREMOTEIO');
  });

  test('M2-5: a device with DMA operations of its own reaches no peers, unless these know them', () => {
    const { nic, card } = t1();
    const memory = newMemory();
    provider(memory, card, base, MiB, offset);
    const own = customDma({ map: ({ cpu }) => cpu, unmap: () => {} });
    const map = (dma: DmaOps, cpu: bigint) => mapScatterList({ memory, bus }, client(nic, dma), [{ cpu, bytes: 64n }]);
    expect(code(() => map(own, base))).toBe('EOPNOTSUPP');
    expect(map(own, 0x1000n)[0]?.dma).toBe(0x1000n);
    expect(map({ ...own, peers: true }, base)[0]?.dma).toBe(base + offset);
  });

  test('M2-16: pages of BARs go into the same call as RAM; who cannot take them says so', () => {
    const { nic, card } = t1();
    const memory = newMemory();
    provider(memory, card, base, MiB, offset);
    const page = memory.find(base)?.page(base + 5000n);
    expect(page?.cpu).toBe(base + 4096n);
    const list = [
      { cpu: 4096n, bytes: 64n },
      { cpu: page?.cpu ?? 0n, bytes: 64n },
    ];
    expect(mapScatterList({ memory, bus }, client(nic), list).map(({ dma }) => dma)).toEqual([4096n, base + 4096n + offset]);
    const cannot = { name: 'no device memory', peers: false, map: ({ cpu }: { readonly cpu: bigint }) => cpu, unmap: () => {} };
    expect(code(() => mapScatterList({ memory, bus }, client(nic, cannot), list))).toBe('EOPNOTSUPP');
  });

  test('M1-10: memory that is private to its device is not for peers, and peers’ memory does not become private', () => {
    const { nic, gpu } = t1();
    const memory = newMemory();
    const private_ = () => new Pagemap({ device: gpu, kind: 'device private', bar: 1, cpu: base, bytes: MiB, busOffset: 0n });
    memory.add(private_());
    expect(code(() => mapScatterList({ memory, bus }, client(nic), [{ cpu: base, bytes: 64n }]))).toBe('EINVAL');
    expect(code(() => provider(memory, gpu, base, MiB))).toBe('ENOMEM');
    const other = newMemory();
    provider(other, gpu, base, MiB);
    expect(code(() => other.add(private_()))).toBe('ENOMEM');
  });

  test('M1-1: one driver has private memory and memory for peers at once, side by side', () => {
    const { nic, gpu } = t1();
    const memory = newMemory();
    memory.add(new Pagemap({ device: gpu, kind: 'device private', bar: 1, cpu: base, bytes: MiB, busOffset: 0n }));
    const made = provider(memory, gpu, base + MiB, MiB);
    expect(code(() => mapScatterList({ memory, bus }, client(nic), [{ cpu: base + MiB - 4096n, bytes: 4096n }]))).toBe('EINVAL');
    const held = made.alloc(4096n);
    expect(mapScatterList({ memory, bus }, client(nic), [{ cpu: held?.cpu ?? 0n, bytes: 4096n }])[0]?.peer).toBe(true);
  });

  test('M2-2: after one call peers reach BAR 1, and BAR 0 stays closed; nothing can be allocated from either', () => {
    const { nic, nvme0 } = t1();
    const memory = newMemory();
    const made = new Provider({
      device: nvme0,
      memory,
      bars: [barAt(base, 16n * KiB, offset, 0), barAt(base + MiB, 16n * KiB, offset, 1)],
    });
    const map = (cpu: bigint) => mapScatterList({ memory, bus }, client(nic), [{ cpu, bytes: 4n }]);
    expect(code(() => map(base + MiB))).toBe('EINVAL');
    made.enableBar(1);
    expect(map(base + MiB + 0x1000n)[0]?.dma).toBe(base + MiB + 0x1000n + offset);
    expect(code(() => map(base + 0x1000n))).toBe('EINVAL');
    expect([made.alloc(4096n), made.size]).toEqual([undefined, 0n]);
  });

  test('M2-1 M4-2: a doorbell is written by peers: not read, not allocated, not published', () => {
    const { nic, nvme1 } = t1();
    const memory = newMemory();
    const made = new Provider({ device: nvme1, memory, bars: [barAt(base, 16n * KiB, offset, 0)] });
    made.exportDoorbell(0, 4096n, 4096n);
    const map = (direction: 'write' | 'read' | 'both', cpu = base + 4096n) =>
      mapScatterList({ memory, bus }, client(nic), [{ cpu, bytes: 4n }], direction);
    expect(map('write')).toEqual([{ dma: base + 4096n + offset, bytes: 4n, peer: true }]);
    expect([code(() => map('read')), code(() => map('both'))]).toEqual(['EINVAL', 'EINVAL']);
    // Only the page that was exported.
    expect([code(() => map('write', base)), code(() => map('write', base + 8192n))]).toEqual(['EINVAL', 'EINVAL']);
    expect([made.alloc(1n), code(() => made.publish(true)), made.published]).toEqual([undefined, 'EINVAL', false]);
    expect(code(() => made.exportDoorbell(0, 512n, 4096n))).toBe('EINVAL');
  });

  test('B.13: how a failure looks to a list, to the block layer, and to a single page', () => {
    const { a, b } = t2();
    const memory = newMemory();
    provider(memory, a, base, MiB, offset);
    const mapper = { memory, bus };
    const iommu = new Iommu();
    const list = [
      { cpu: 0n, bytes: 64n },
      { cpu: base, bytes: 64n },
    ];
    expect(code(() => mapScatterList(mapper, client(b, iommu), list))).toBe('EREMOTEIO');
    expect(tryMapScatterList(mapper, client(b, iommu), list)).toEqual([]);
    expect(code(() => mapForBlockLayer(mapper, client(b, iommu), list))).toBe('EINVAL');
    expect(code(() => mapSingle(mapper, client(b, iommu), { cpu: base, bytes: 64n }))).toBe('EREMOTEIO');
    expect(mapSingle(mapper, client(b), { cpu: 64n, bytes: 64n })).toEqual({ dma: 64n, bytes: 64n, peer: false });
    expect(iommu.mapped).toBe(0);
    expect(code(() => mapScatterList(mapper, client(a), [{ cpu: base + MiB - 64n, bytes: 65n }]))).toBe('EINVAL');
    const elsewhere = { name: 'usb', dma: identityDma };
    expect(code(() => mapScatterList(mapper, elsewhere, [{ cpu: base, bytes: 64n }]))).toBe('EREMOTEIO');
  });
});

describe('who decides', () => {
  test('M2-3: another platform object changes the answer for the same devices', () => {
    const { a, b } = t2();
    const ask = (platform: P2pBus) => platform.mapType(a, client(b));
    expect(
      [new P2pBus(), new P2pBus({ forwardsAll: true }), new P2pBus({ whitelist: [{ vendor: plain.vendor }] })].map(ask),
    ).toEqual(['NOT_SUPPORTED', 'THRU_HOST_BRIDGE', 'THRU_HOST_BRIDGE']);
    expect(new P2pBus({ forwardsAll: true }, { enabled: false }).distanceMany(a, [client(a)])).toBe(-1);
  });

  test('M2-13: where a segment ends is the platform’s: a common bridge, listed host bridges, or what a predicate says', () => {
    const { a, b } = t2();
    const { nic, card } = t1();
    const sameHost = new P2pBus({ forwards: (provider_, from) => provider_.host === from.host });
    expect(sameHost.mapType(a, client(b))).toBe('THRU_HOST_BRIDGE');
    const { b: foreign } = t2(plain, { ...plain, name: 'other' });
    expect(sameHost.mapType(a, client(foreign))).toBe('NOT_SUPPORTED');
    expect(sameHost.mapType(card, client(nic))).toBe('BUS_ADDR');
  });

  test('M4-14: a list entry may vouch for one direction: a host bridge that forwards posted requests only', () => {
    const { a, b } = t2();
    const posted = new P2pBus({ whitelist: [{ vendor: plain.vendor, only: 'write' }] });
    const ways = (['write', 'read', 'both'] as const).map(way => posted.distanceMany(a, [client(b)], way));
    expect(ways).toEqual([4, -1, -1]);
    const memory = newMemory();
    provider(memory, a, base, MiB);
    const map = (way: 'write' | 'both') => mapScatterList({ memory, bus: posted }, client(b), [{ cpu: base, bytes: 64n }], way);
    expect([code(() => map('write')), code(() => map('both'))]).toEqual(['none', 'EREMOTEIO']);
  });

  test('M1-21: ways are looked up when things are set up, not for each transfer', () => {
    const { nic, card, gpu } = t1();
    const memory = newMemory();
    provider(memory, card, base, MiB);
    provider(memory, gpu, base + MiB, MiB);
    const counting = new P2pBus();
    const list = [
      { cpu: base, bytes: 64n },
      { cpu: base + MiB, bytes: 64n },
      { cpu: base + 64n, bytes: 64n },
    ];
    mapScatterList({ memory, bus: counting }, client(nic), list);
    expect(counting.calculations).toBe(2);
    for (let i = 0; i < 100; i++) mapScatterList({ memory, bus: counting }, client(nic), list);
    expect(counting.calculations).toBe(2);
  });

  test('M1-25: a way is derived from the tree as it is; what is remembered changes with the next question (B-6)', () => {
    const { nic, card } = t1();
    const port: { -readonly [key in keyof PciNode]: PciNode[key] } = { name: 'port', kind: 'downstream port', host: plain };
    if (card.up?.up) port.up = card.up.up;
    const moved: PciNode = { ...card, up: port };
    const asked = new P2pBus();
    expect(asked.distance(moved, client(nic)).mapType).toBe('BUS_ADDR');
    port.acs = Acs.requestRedirect;
    expect(asked.mapType(moved, client(nic))).toBe('BUS_ADDR');
    expect(asked.distance(moved, client(nic)).mapType).toBe('NOT_SUPPORTED');
    expect(asked.mapType(moved, client(nic))).toBe('NOT_SUPPORTED');
  });
});

/** The host's sources, those of the peer-to-peer core or the others. */
function sources(core: boolean): { readonly name: string; readonly text: string }[] {
  const folder = fileURLToPath(new URL('../host/src', import.meta.url));
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts') && name.startsWith('p2pdma/') === core)
    .map(name => ({ name, text: readFileSync(`${folder}/${name}`, 'utf8') }));
}

const importsOf = (text: string) => [...text.matchAll(/^import[^;]*;$/gm)].map(([statement]) => statement).join('\n');

describe('how the sources are made', () => {
  test('M2-15: only where addresses are made for devices is the bus offset used', () => {
    const uses = sources(true).filter(({ text }) => /[+-] (this\.|run\.)?(pagemap|map)\.busOffset/.test(text));
    expect(uses.map(({ name }) => name).toSorted()).toEqual(['p2pdma/pagemap.ts', 'p2pdma/pool.ts', 'p2pdma/scatter-list.ts']);
    expect(sources(false).filter(({ text }) => /[+-] [\w.]*busOffset/.test(text))).toEqual([]);
  });

  test('M1-2: distance and map type are worked out in one place', () => {
    const made = [...sources(true), ...sources(false)].filter(({ text }) =>
      /'THRU_HOST_BRIDGE' : |mapType: 'BUS_ADDR'/.test(text),
    );
    expect(made.map(({ name }) => name)).toEqual(['p2pdma/distance.ts']);
  });

  test('M1-7: no part of the core needs the files that show it', () => {
    const users = [...sources(true), ...sources(false)].filter(({ text }) => importsOf(text).includes('/sysfs.ts'));
    expect(users.map(({ name }) => name)).toEqual([]);
  });

  test('M3-1: everything that the core exports is used by a test or by another part', () => {
    const exported = Object.keys(core);
    expect(exported.length).toBeGreaterThan(30);
    const folder = fileURLToPath(new URL('.', import.meta.url));
    const tests = readdirSync(folder).filter(name => /^(p2pdma-|distance).*\.ts$/.test(name));
    const users = [
      ...tests.map(name => readFileSync(`${folder}/${name}`, 'utf8')),
      ...sources(true)
        .filter(({ name }) => name !== 'p2pdma/index.ts')
        .map(({ text }) => importsOf(text)),
    ].join('\n');
    expect(exported.filter(name => !new RegExp(`\\b${name}\\b`).test(users))).toEqual([]);
  });
});
