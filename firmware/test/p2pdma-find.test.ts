import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { P2pBus } from '../host/src/p2pdma/bus.ts';
import { bufferFor } from '../host/src/p2pdma/data-buffer.ts';
import { directedPolicy, distance, rankedPolicy } from '../host/src/p2pdma/distance.ts';
import { identityDma } from '../host/src/p2pdma/dma-ops.ts';
import { findMany } from '../host/src/p2pdma/find.ts';
import { hostsForward, linuxWhitelist } from '../host/src/p2pdma/host-bridges.ts';
import { NamespaceMemory } from '../host/src/p2pdma/namespace-memory.ts';
import { Provider } from '../host/src/p2pdma/provider.ts';
import { ProviderRegistry } from '../host/src/p2pdma/registry.ts';
import { direct, route } from '../host/src/p2pdma/route.ts';
import { Sysfs } from '../host/src/p2pdma/sysfs.ts';
import { Acs, bridgeAbove, climb, type PciNode } from '../host/src/p2pdma/tree.ts';
import { build, fixtures } from './distance-fixtures.ts';
import {
  barAt,
  client,
  code,
  KiB,
  listed,
  MiB,
  newMemory,
  plain,
  provider,
  settled,
  systemMemory,
  t1,
  t2,
  there,
} from './p2pdma-bench.ts';

const base = 0x1_0000_0000n;
const at = (i: number) => base + BigInt(i) * 16n * MiB;
const first = () => 0;

describe('finding a provider', () => {
  test('M1-18 M1-24 M4-1: the nearest of the published ones that reach all clients, whatever the order', () => {
    const { nic, nvme0, nvme1, gpu, card } = t1();
    const memory = newMemory();
    const bus = new P2pBus();
    const all = [nvme0, gpu, card].map((device, i) => provider(memory, device, at(i), MiB));
    const [onDrive, onGpu, onCard] = all;
    const find = (order: readonly Provider[], ...clients: readonly PciNode[]) =>
      findMany(
        order,
        clients.map(c => client(c)),
        { bus, choose: first },
      );
    expect(find(all, nic, nvme0)).toBeUndefined();
    onCard?.publish(true);
    expect(find(all, nic, nvme0)).toBe(onCard);
    onDrive?.publish(true);
    for (const order of [all, all.toReversed()]) expect(find(order, nic, nvme0)).toBe(onDrive);
    onGpu?.publish(true);
    // For clients elsewhere all three are equally near: one of them by chance.
    const tied = [0, 1, 2].map(
      pick =>
        findMany(
          all,
          [nic, nvme1].map(c => client(c)),
          { bus, choose: () => pick },
        )?.device.name,
    );
    expect(tied).toEqual(['nvme0', 'gpu', 'card']);
    expect(find(all, nic, t2().a)).toBeUndefined();
    expect(find(all)).toBeUndefined();
    expect(findMany(all, [client(nic), { name: 'software', dma: identityDma }], { bus })).toBeUndefined();
    expect(findMany(all, [client(nic)], { bus: new P2pBus({}, { enabled: false }) })).toBeUndefined();
  });

  test('of equally near ones each is taken equally often, and a nearer one always (B-7)', () => {
    const { nic, nvme1, ...rest } = t1();
    const memory = newMemory();
    const bus = new P2pBus();
    const all = Object.values(rest).map((device, i) => provider(memory, device, at(i), MiB));
    for (const each of all) each.publish(true);
    // xorshift, so that the draws are the same in every run.
    let state = 0x2545_f491;
    const random = (count: number) => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return Math.floor(((state >>> 0) / 2 ** 32) * count);
    };
    const drawn = new Map<string, number>();
    for (let i = 0; i < 3000; i++) {
      const name = findMany(all, [client(nic), client(nvme1)], { bus, choose: random })?.device.name ?? '';
      drawn.set(name, (drawn.get(name) ?? 0) + 1);
    }
    const chiSquare = [...drawn.values()].reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0);
    expect(drawn.size).toBe(3);
    expect(chiSquare).toBeLessThan(13.8);
    for (let i = 0; i < 100; i++) expect(findMany(all, [client(rest.nvme0), client(nic)], { bus })?.device.name).toBe('nvme0');
  });

  test('M4-4: with the penalty a provider at the same switch is found before one at another root port', () => {
    const { nic, nvme1, card } = t1(listed);
    const near: PciNode = { name: 'integrated', kind: 'integrated endpoint', host: listed };
    const memory = newMemory();
    const all = [provider(memory, near, at(0), MiB), provider(memory, card, at(1), MiB)];
    for (const each of all) each.publish(true);
    const found = (bus: P2pBus) => findMany(all, [client(nic), client(nvme1)], { bus, choose: first })?.device.name;
    expect([found(new P2pBus()), found(new P2pBus({ policy: rankedPolicy }))]).toEqual(['card', 'card']);
    const deep: PciNode = { ...nic, up: there(nic.up) };
    const low = (bus: P2pBus) => bus.distanceMany(near, [client(deep)]) - bus.distanceMany(card, [client(deep)]);
    expect(low(new P2pBus())).toBe(1);
    expect(low(new P2pBus({ policy: rankedPolicy }))).toBe(0x1001);
  });

  test('M1-15: find, allocate, use and free are the same for every kind of provider', () => {
    const { nic, nvme0, gpu, card } = t1();
    const bus = new P2pBus();
    for (const device of [nvme0, gpu, card]) {
      const memory = newMemory();
      const made = provider(memory, device, base, MiB);
      made.publish(true);
      const system = systemMemory();
      const buffer = bufferFor(8192n, [client(nic)], { bus, providers: [made], system });
      expect([buffer.provider, buffer.bytes, made.available]).toEqual([made, 8192n, MiB - 8192n]);
      buffer.free();
      expect([made.available, system.live.size]).toEqual([MiB, 0]);
    }
  });

  test('M1-9: with nothing in reach, or nothing left, the buffer is in system memory, whole', () => {
    const { a, b } = t2();
    const made = provider(newMemory(), a, base, 16n * KiB);
    made.publish(true);
    const from = { bus: new P2pBus(), providers: [made], system: systemMemory() };
    const far = bufferFor(8192n, [client(a), client(b)], from);
    expect([far.provider, far.bytes, from.system.live.has(far.cpu)]).toEqual([undefined, 8192n, true]);
    const near = [0, 1, 2].map(() => bufferFor(8192n, [client(a)], from));
    expect(near.map(({ provider: from_ }) => from_)).toEqual([made, made, undefined]);
    for (const buffer of [far, ...near]) buffer.free();
    expect([made.available, from.system.live.size]).toEqual([16n * KiB, 0]);
  });
});

describe('providers as devices', () => {
  test('M0-6 M0-7 M0-8: as a child device or as state of the function: found alike, equally far, and the child goes first', async () => {
    for (const form of ['child device', 'function state'] as const) {
      const { nic, card } = t1();
      const registry = new ProviderRegistry(form);
      const memory = newMemory();
      const made = registry.register({ device: card, memory, bars: [barAt(base, MiB)] });
      made.provider.addResource(2);
      made.provider.publish(true);
      expect([made.name, made.parent]).toEqual([form === 'child device' ? 'p2pmem0' : 'card', card]);
      const bus = new P2pBus();
      expect(bus.distanceMany(made.parent, [client(nic)])).toBe(bus.distanceMany(card, [client(nic)]));
      expect(findMany(registry.providers, [client(nic)], { bus })).toBe(registry.named(made.name));
      expect(code(() => registry.register({ device: card, memory, bars: [] }))).toBe('EBUSY');
      const held = there(made.provider.alloc(1n));
      const unbound = registry.unbind(card);
      expect([await settled(unbound), registry.all.length]).toEqual([false, 1]);
      made.provider.free(held);
      await unbound;
      const removed = registry.events.filter(({ what }) => what === 'removed').map(({ device }) => device);
      expect([removed, registry.all]).toEqual([form === 'child device' ? ['p2pmem0', 'card'] : ['card'], []]);
    }
  });

  test('M0-8: the distance of a child device is its parent’s in every fixture', () => {
    for (const given of fixtures.filter(f => f.clients.length > 0)) {
      const node = build(given);
      const registry = new ProviderRegistry('child device');
      const { parent } = registry.register({ device: node(given.provider), memory: newMemory(), bars: [] });
      const bus = new P2pBus({ forwardsAll: given.cpu === true });
      expect([
        given.id,
        bus.distanceMany(
          parent,
          given.clients.map(c => client(node(c))),
        ),
      ]).toEqual([given.id, given.distance]);
    }
  });

  test('M0-12 M0-13 M0-14: a drive, a network card and a card alone provide; a card that also asks is at distance 0', () => {
    const { nic, nvme0, card } = t1();
    const memory = newMemory();
    const registry = new ProviderRegistry();
    [nvme0, nic, card].forEach((device, i) => {
      const { provider: made } = registry.register({ device, memory, bars: [barAt(at(i), MiB, 0n, 0), barAt(at(i) + MiB, MiB)] });
      made.addResource(2);
      made.publish(true);
    });
    const bus = new P2pBus();
    expect([nvme0, nic, card].map(device => bus.distanceMany(device, [client(nic)]))).toEqual([4, 0, 4]);
    expect(registry.published).toEqual(['nvme0', 'nic', 'card']);
    // Registers of the same functions stay theirs.
    expect([0, 1, 2].map(i => memory.find(at(i)))).toEqual([undefined, undefined, undefined]);
  });

  test('M1-7: files show the pool as it is; the core runs without them', async () => {
    const { card, nic } = t1();
    const registry = new ProviderRegistry();
    const made = registry.register({ device: card, memory: newMemory(), bars: [barAt(base, 1024n * MiB)] }).provider;
    registry.register({ device: nic, memory: newMemory(), bars: [] });
    const sysfs = new Sysfs(registry, { userMappings: true });
    expect(sysfs.list()).toEqual([]);
    made.addResource(2);
    made.publish(true);
    const folder = '/sys/bus/pci/devices/card/p2pmem';
    expect(sysfs.list()).toEqual(['size', 'available', 'published', 'allocate'].map(file => `${folder}/${file}`));
    const queues = [1, 2, 3, 4].map(() => there(made.alloc(64n * KiB)));
    const values = () => ['size', 'available', 'published'].map(file => sysfs.read(`${folder}/${file}`));
    expect(values()).toEqual(['1073741824\n', '1073479680\n', '1\n']);
    const request = { bytes: 8192, offset: 0, shared: true };
    const mapping = sysfs.mmap(`${folder}/allocate`, request);
    expect([mapping.entries.length, values()[1]]).toEqual([2, '1073471488\n']);
    expect(code(() => sysfs.mmap(`${folder}/allocate`, { ...request, shared: false }))).toBe('EINVAL');
    expect(code(() => sysfs.mmap(`${folder}/allocate`, { ...request, bytes: 2 ** 31 }))).toBe('ENOMEM');
    expect([code(() => sysfs.mmap(`${folder}/size`, request)), code(() => sysfs.read(`${folder}/allocate`))]).toEqual([
      'EINVAL',
      'EINVAL',
    ]);
    expect(code(() => sysfs.read('/sys/bus/pci/devices/nic/p2pmem/size'))).toBe('ENODEV');
    const unbound = registry.unbind(card);
    // The file to map is gone before anything else.
    expect(sysfs.list()).toEqual(['size', 'available', 'published'].map(file => `${folder}/${file}`));
    expect(code(() => sysfs.mmap(`${folder}/allocate`, request))).toBe('ENODEV');
    for (const queue of queues) made.free(queue);
    await unbound;
    expect(sysfs.list()).toEqual([]);
  });

  test('M1-14: programs cannot map peers’ memory unless the system was set up for it', () => {
    const registry = new ProviderRegistry('child device');
    registry.register({ device: t1().card, memory: newMemory(), bars: [barAt(base, MiB)] }).provider.addResource(2);
    const path = '/sys/bus/pci/devices/card/p2pmem0/allocate';
    const request = { bytes: 4096, offset: 0, shared: true };
    expect(code(() => new Sysfs(registry).mmap(path, request))).toBe('ENODEV');
    expect(new Sysfs(registry, { userMappings: true }).mmap(path, request).entries.length).toBe(1);
  });
});

describe('a storage target that owns no device', () => {
  function target(host = plain, platform = {}) {
    const tree = t1(host);
    const memory = newMemory();
    const registry = new ProviderRegistry();
    for (const [i, device] of [tree.card, tree.nvme0].entries()) {
      const { provider: made } = registry.register({ device, memory, bars: [barAt(at(i), 64n * KiB)] });
      made.addResource(2);
    }
    const system = systemMemory();
    const machine = { registry, bus: new P2pBus(platform), system, choose: first };
    const namespace = new NamespaceMemory(machine, { client: client(tree.nvme1), peers: true });
    return { ...tree, machine, registry, system, namespace, card_: there(registry.providers[0]) };
  }

  test('M1-8 M1-19: off, on, or a provider by name; the person decides, and not while it is on', () => {
    const { namespace, nic, card_, registry, machine } = target();
    expect(namespace.p2pmem).toBe('0');
    expect(namespace.connect(client(nic))).toBeUndefined();
    card_.publish(true);
    for (const [text, shown, found] of [
      ['1', '1', card_],
      ['card', 'card', card_],
      ['no', '0', undefined],
      ['y\n', '1', card_],
    ] as const) {
      namespace.p2pmem = text;
      expect([namespace.p2pmem, namespace.connect(client(nic))]).toEqual([shown, found]);
    }
    namespace.enable();
    expect(code(() => (namespace.p2pmem = '0'))).toBe('EBUSY');
    expect([registry.all.length, Object.values(machine).includes(namespace as never)]).toEqual([2, false]);
  });

  test('M1-23: a name without published memory is refused, and the message lists what there is', () => {
    const { namespace, registry, card_ } = target();
    card_.publish(true);
    for (const name of ['nvme0', 'nvme1', '0000:01:00.0', '00', '2'])
      expect(
        code(() => (namespace.p2pmem = name)),
        name,
      ).toBe('ENODEV');
    expect(() => registry.named('nvme0')).toThrow(/nvme0 has not published its memory: published are card \(ENODEV\)/);
    expect(() => registry.named('sda')).toThrow(/sda provides no memory/);
  });

  test('M4-8 M4-10 M4-15: one map per namespace, for the network card and the drive, both directions; else system memory', () => {
    const { namespace, nic, card_, system, machine } = target();
    card_.publish(true);
    namespace.p2pmem = '1';
    namespace.enable();
    const [network, far] = [client(nic), client(t2().a)];
    expect(namespace.connect(network)).toBe(card_);
    const before = machine.bus.calculations;
    const requests = Array.from({ length: 9 }, () => namespace.request(network, 8192n));
    // The ninth finds the pool empty; nothing is looked up per request.
    expect(requests.map(({ provider: from }) => from === card_)).toEqual([...Array(8).fill(true), false]);
    expect(machine.bus.calculations).toBe(before);
    for (const each of requests) each.free();
    expect(namespace.request(network, 512n, { admin: true }).provider).toBeUndefined();
    expect(namespace.connect(far)).toBeUndefined();
    expect(namespace.request(far, 512n).provider).toBeUndefined();
    namespace.disconnect(network);
    expect(namespace.request(network, 512n).provider).toBeUndefined();
    expect([card_.available, system.live.size]).toEqual([64n * KiB, 3]);
    // A host bridge that forwards writes only is not enough.
    const { a, b } = t2();
    const posted = new P2pBus({ whitelist: [{ vendor: plain.vendor, only: 'write' }] });
    const other = provider(newMemory(), a, base, MiB);
    other.publish(true);
    expect(findMany([other], [client(b)], { bus: posted })).toBeUndefined();
    expect(findMany([other], [client(b)], { bus: posted, direction: 'write' })).toBe(other);
  });

  test('a namespace is not switched on with a setting that cannot work (B.10)', () => {
    const { namespace, machine, card_, nvme1 } = target();
    namespace.p2pmem = '1';
    expect(code(() => namespace.enable())).toBe('EINVAL');
    card_.publish(true);
    const file = new NamespaceMemory(machine, { client: client(nvme1), peers: false });
    file.p2pmem = '1';
    expect(code(() => file.enable())).toBe('EINVAL');
    const far = new NamespaceMemory(machine, { client: client(t2().a), peers: true });
    far.p2pmem = 'card';
    expect(code(() => far.enable())).toBe('EINVAL');
    namespace.enable();
  });

  test('M4-6 M4-9: a writer and a reader; each of five choices of the provider reaches both', () => {
    const tree = t1();
    const bus = new P2pBus();
    const sums = [tree.nic, tree.nvme1, tree.nvme0, tree.card, tree.gpu].map(from => {
      const write = bus.distanceMany(from, [client(tree.nic)], 'write');
      const read = bus.distanceMany(from, [client(tree.nvme1)], 'read');
      return write + read === bus.distanceMany(from, [client(tree.nic), client(tree.nvme1)]) ? write + read : -1;
    });
    expect(sums).toEqual([4, 4, 8, 8, 8]);
  });

  test('M4-11: network card, GPU and drive with the GPU as provider', () => {
    const { nic, gpu, nvme1 } = t1();
    const clients = [nic, gpu, nvme1].map(c => client(c));
    const made = provider(newMemory(), gpu, base, MiB);
    made.publish(true);
    const bus = new P2pBus();
    expect([bus.distanceMany(gpu, clients), findMany([made], clients, { bus })]).toEqual([8, made]);
  });
});

/** Random trees of two hosts: what each kind of bridge may have below, with random access control. */
const anyAcs = fc.option(fc.integer({ min: 0, max: 127 }), { nil: undefined });
const shape = fc.array(fc.record({ into: fc.nat(), acs: anyAcs, siblings: fc.boolean(), deep: fc.boolean() }), {
  minLength: 2,
  maxLength: 8,
});

function grow(steps: readonly { into: number; acs: number | undefined; siblings: boolean; deep: boolean }[]): PciNode[] {
  const hosts = [plain, listed];
  const make = (name: string, kind: PciNode['kind'], from: PciNode | typeof plain, acs?: number): PciNode =>
    'kind' in from
      ? { name, kind, host: from.host, up: from, ...(acs === undefined ? {} : { acs }) }
      : { name, kind, host: from, ...(acs === undefined ? {} : { acs }) };
  const switches: PciNode[] = hosts.map((host, i) => make(`usp${i}`, 'upstream port', make(`rp${i}`, 'root port', host)));
  const endpoints: PciNode[] = [];
  steps.forEach(({ into, acs, siblings, deep }, i) => {
    const parent = there(switches[into % switches.length]);
    const port = make(`dsp${i}`, 'downstream port', parent, acs);
    if (deep) switches.push(make(`usp${i + 2}`, 'upstream port', port));
    else
      for (const n of siblings ? [0, 1] : [0]) endpoints.push(make(`ep${i}.${n}`, 'endpoint', port, siblings ? acs : undefined));
  });
  return endpoints;
}

describe('what the core says and what TLPs do', () => {
  test('M1-16: in any tree and with any access control, no direct way is promised that the rules of routing do not give', () => {
    fc.assert(
      fc.property(shape, steps => {
        const endpoints = grow(steps);
        for (const from of endpoints)
          for (const to of endpoints) {
            const { request, completion } = route(to, from);
            const linux = distance(to, from);
            const linuxIs = linux.mapType !== 'BUS_ADDR' || (direct(request) && direct(completion));
            const byWrite = distance(to, from, { policy: directedPolicy }, 'write').mapType;
            const writeIs = byWrite !== 'BUS_ADDR' || direct(request);
            // What Linux calls direct, the specification does too.
            const kept = linux.mapType !== 'BUS_ADDR' || byWrite === 'BUS_ADDR';
            if (!linuxIs || !writeIs || !kept) throw new Error(`${from.name} to ${to.name}: ${request}/${completion}`);
          }
      }),
      { seed: 16, numRuns: 300 },
    );
  });

  test('M1-16: a way has as many steps in one direction as in the other, and both meet at the same bridge', () => {
    fc.assert(
      fc.property(shape, steps => {
        const endpoints = grow(steps);
        for (const a of endpoints) for (const b of endpoints) if (distance(a, b).hops !== distance(b, a).hops) return false;
        return endpoints.every(e => climb(e).at(-1)?.kind === 'root port' && bridgeAbove(e)?.kind === 'downstream port');
      }),
      { seed: 17, numRuns: 100 },
    );
  });

  test('M1-16: siblings that may not talk inside their device need upstream forwarding above and a host bridge (C75)', () => {
    const port = (acs: number): PciNode => ({ ...there(t1(listed).card.up), acs });
    const pair = (acs: number) => {
      const up = port(acs);
      const one: PciNode = { name: 'f0', kind: 'endpoint', host: listed, up, acs: Acs.requestRedirect };
      const other: PciNode = { name: 'f1', kind: 'endpoint', host: listed, up };
      return distance(other, one, { policy: directedPolicy }).mapType;
    };
    expect([pair(0), pair(Acs.upstreamForwarding)]).toEqual(['NOT_SUPPORTED', 'THRU_HOST_BRIDGE']);
  });

  test('M4-3: every entry of the list is found by its IDs, and only by a first function that speaks for the bridge', () => {
    for (const { vendor, devices = [1] } of linuxWhitelist)
      for (const device of devices) {
        const host = { name: 'h', vendor, device, identifies: true };
        expect(hostsForward(host, host)).toBe(true);
        expect(hostsForward({ ...host, identifies: false }, host)).toBe(false);
      }
    expect(hostsForward(listed, plain)).toBe(false);
  });

  test('M0-11: a provider can be made for any function, and several for one machine', () => {
    const { card, gpu } = t1();
    const memory = newMemory();
    const parts = (device: PciNode, i: number) => ({ device, memory, bars: [barAt(at(i), MiB)] });
    const made = [new Provider(parts(card, 0)), new Provider(parts(gpu, 1))];
    for (const each of made) each.addResource(2);
    expect(made.map(({ size }) => size)).toEqual([MiB, MiB]);
  });
});
