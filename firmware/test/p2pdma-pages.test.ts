import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Page, Pagemap } from '../host/src/p2pdma/pagemap.ts';
import { Pool, type PoolMemory } from '../host/src/p2pdma/pool.ts';
import { Provider } from '../host/src/p2pdma/provider.ts';
import { RegisterPages } from '../host/src/p2pdma/register-pages.ts';
import { checkMmap, mmapPages, mmapPool, pinUserPage } from '../host/src/p2pdma/user-mapping.ts';
import { barAt, code, KiB, MiB, newMemory, provider, settled, t1, there } from './p2pdma-bench.ts';

const base = 0x1_0000_0000n;

describe('pages and their providers', () => {
  test('M0-1: the first, a middle and the last page of every provider lead to it; RAM and what lies beside lead to none', () => {
    const { nvme0, gpu, card } = t1();
    const memory = newMemory();
    const bases = [base, 0x1_0010_0000n, 0x1_0200_0000n];
    [nvme0, gpu, card].forEach((device, i) => {
      provider(memory, device, there(bases[i]), MiB);
    });
    [nvme0, gpu, card].forEach((device, i) => {
      for (const offset of [0n, 512n * KiB, MiB - 1n]) expect(memory.providerOf(there(bases[i]) + offset)).toBe(device);
    });
    for (const outside of [0n, 4096n, 0x0_ffff_ffffn, 0x1_0020_0000n, 0x1_01ff_ffffn, 0x1_0210_0000n])
      expect(memory.providerOf(outside), outside.toString(16)).toBeUndefined();
  });

  test('M0-2: pages of peers and of others have the same flags; what they are their pagemap tells', () => {
    const { card, gpu } = t1();
    const memory = newMemory();
    provider(memory, card, base, MiB);
    const map = new Pagemap({ device: gpu, kind: 'device private', bar: 1, cpu: base + MiB, bytes: MiB, busOffset: 0n });
    memory.add(map);
    const pages = [there(memory.find(base)).page(base), map.page(base + MiB)];
    expect(pages.map(({ flags }) => flags)).toEqual([0, 0]);
    expect(pages.map(({ pagemap }) => pagemap.kind)).toEqual(['p2p', 'device private']);
    expect([memory.providerOf(base), memory.providerOf(base + MiB)]).toEqual([card, undefined]);
  });

  test('M0-9: a BAR has one page object per 4 KiB, always the same', () => {
    const memory = newMemory();
    provider(memory, t1().card, base, MiB);
    const map = there(memory.find(base));
    const pages = new Set<Page>();
    for (let at = 0n; at < MiB; at += 1024n) pages.add(map.page(base + at));
    expect(pages.size).toBe(256);
    expect([...pages].map(page => page.bus - page.cpu).every(offset => offset === 0n)).toBe(true);
    expect(code(() => map.page(base + MiB))).toBe('EINVAL');
  });

  test('M0-10: the lookup takes few steps with 64 providers and 16 GiB of pages', () => {
    const memory = newMemory();
    const { card } = t1();
    const all = Array.from({ length: 64 }, (_, i) => ({ ...card, name: `card${i}` }));
    const order = all.map((device, i) => ({ device, at: 0x10_0000_0000n + BigInt((i * 37) % 64) * 256n * MiB }));
    for (const { device, at } of order) provider(memory, device, at, 256n * MiB);
    for (const { device, at } of order) {
      expect(memory.providerOf(at + 256n * MiB - 4096n)).toBe(device);
      expect(memory.steps).toBeLessThanOrEqual(7);
    }
  });

  test('M0-11: two BARs of one function are two pagemaps of one provider, which is not the function', () => {
    const { gpu } = t1();
    const memory = newMemory();
    const made = new Provider({ device: gpu, memory, bars: [barAt(base, MiB), barAt(base + MiB, MiB, 0n, 0)] });
    made.addResource(2);
    made.addResource(0);
    const [high, low] = [there(memory.find(base)), there(memory.find(base + MiB))];
    expect(high).not.toBe(low);
    expect([high.bar, low.bar, high.device, low.device]).toEqual([2, 0, gpu, gpu]);
    expect(made.size).toBe(2n * MiB);
    expect(Object.values(gpu)).not.toContain(made);
  });

  test('M0-15: three drivers name their part each: memory inside a drive’s BAR, part of a GPU’s, all of a card’s', () => {
    const { nvme0, gpu, card } = t1();
    const memory = newMemory();
    const parts = [
      { device: nvme0, bar: barAt(base, MiB, 0n, 0), offset: 64n * KiB, bytes: 512n * KiB },
      { device: gpu, bar: barAt(base + 16n * MiB, 16n * MiB, 0n, 1), offset: 8n * MiB, bytes: 4n * MiB },
      { device: card, bar: barAt(base + 64n * MiB, 2n * MiB, 0n, 4), offset: 0n, bytes: 2n * MiB },
    ];
    for (const { device, bar, offset, bytes } of parts) {
      const made = new Provider({ device, memory, bars: [bar] });
      made.addResource(bar.index, offset, bytes);
      expect([made.size, made.alloc(4096n)?.cpu]).toEqual([bytes, bar.cpu + offset]);
      const edges = [bar.cpu + offset - 1n, bar.cpu + offset, bar.cpu + offset + bytes - 1n, bar.cpu + offset + bytes];
      expect(edges.map(at => memory.providerOf(at))).toEqual([undefined, device, device, undefined]);
    }
  });

  test('M0-15: resources that do not fit are refused, whoever adds them (B.13)', () => {
    const { card, gpu } = t1();
    const memory = newMemory();
    const made = new Provider({ device: card, memory, bars: [barAt(base, MiB), { ...barAt(0n, 256n), index: 4, kind: 'io' }] });
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
    expect(code(() => new Provider({ device: gpu, memory, bars: [], enabled: false }))).toBe('EOPNOTSUPP');
  });
});

describe('the pool', () => {
  test('M1-13: random allocations are whole pages, apart from each other, and all come back', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 60_000 }), fc.nat(20)), { maxLength: 80 }), steps => {
        const made = provider(newMemory(), t1().card, base, 256n * KiB, -0x8000_0000n);
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
        expect(made.alloc(256n * KiB)?.cpu).toBe(base);
      }),
      { numRuns: 200, seed: 13 },
    );
  });

  test('M1-13: first fit in whole pages; an empty pool gives nothing; freeing twice is an error', () => {
    const made = provider(newMemory(), t1().card, base, 16n * KiB);
    const [a, b] = [there(made.alloc(1n)), there(made.alloc(4097n))];
    expect([a.cpu, b.cpu, made.available]).toEqual([base, base + 4096n, 4096n]);
    expect(made.alloc(8n * KiB)).toBeUndefined();
    made.free(a);
    expect(made.alloc(4096n)?.cpu).toBe(a.cpu);
    made.free(b);
    expect(code(() => made.free(b))).toBe('EINVAL');
    expect(made.alloc(0n)).toBeUndefined();
  });

  test('M1-6: what a pool gives out stays at its address from publish to removal', async () => {
    const memory = newMemory();
    const made = provider(memory, t1().card, base, MiB);
    made.publish(true);
    const held = there(made.alloc(64n * KiB));
    const before = { ...held };
    for (let i = 0; i < 100; i++) made.free(there(made.alloc(BigInt(i + 1) * 4096n)));
    made.publish(false);
    expect(held).toEqual(before);
    const removal = made.remove();
    expect(held).toEqual(before);
    made.free(held);
    await removal;
  });

  test('a pool of two BARs never gives out a run that is in both', () => {
    const { card } = t1();
    const memory = newMemory();
    const made = new Provider({ device: card, memory, bars: [barAt(base, 8n * KiB), barAt(base + 8n * KiB, 8n * KiB, 0n, 0)] });
    made.addResource(2);
    made.addResource(0);
    expect([made.size, made.alloc(12n * KiB)]).toEqual([16n * KiB, undefined]);
    expect(made.alloc(8n * KiB)?.pagemap.bar).toBe(2);
    expect(new Pool().alloc(1n)).toBeUndefined();
  });
});

describe('removal', () => {
  test('M0-9: it waits for the last reference, and gives nothing out meanwhile', async () => {
    const memory = newMemory();
    const made = provider(memory, t1().card, base, MiB);
    const held = there(made.alloc(4096n));
    made.publish(true);
    const removal = made.remove();
    expect(await settled(removal)).toBe(false);
    expect([made.published, made.alloc(4096n), made.references]).toEqual([false, undefined, 1]);
    expect(memory.providerOf(held.cpu)?.name).toBe('card');
    expect(code(() => made.addResource(2))).toBe('ENODEV');
    made.free(held);
    await removal;
    expect([memory.find(held.cpu), made.size, made.references]).toEqual([undefined, 0n, 0]);
  });

  test('M0-9: a reference that is never put keeps it for ever, and is named', async () => {
    const made = provider(newMemory(), t1().card, base, MiB);
    made.alloc(4096n);
    made.alloc(4096n);
    const removal = made.remove();
    for (let i = 0; i < 20; i++) expect(await settled(removal)).toBe(false);
    expect(made.references).toBe(2);
  });

  test('M3-8: user mappings are torn down at once; a page under DMA keeps the pagemap', async () => {
    const memory = newMemory();
    const made = provider(memory, t1().card, base, MiB);
    const mapping = mmapPool({ bytes: 16_384, offset: 0, shared: true }, made);
    const page = pinUserPage(mapping, 2, { peers: true });
    const removal = made.remove();
    expect(await settled(removal)).toBe(false);
    expect([mapping.entries.length, made.references]).toEqual([0, 1]);
    expect(code(() => there(memory.find(base)).page(base).get())).toBe('ENODEV');
    page.put();
    await removal;
    expect(memory.find(base)).toBeUndefined();
  });
});

describe('pages in programs', () => {
  const four = { bytes: 16_384, offset: 0, shared: true };

  test('M3-5: private mappings, offsets and odd lengths are refused by one check; mappings are marked', () => {
    const made = provider(newMemory(), t1().card, base, MiB);
    const wrong = [{ shared: false }, { offset: 4096 }, { bytes: 4095 }, { bytes: 0 }];
    for (const request of wrong) {
      expect(code(() => checkMmap({ ...four, ...request }))).toBe('EINVAL');
      expect(code(() => mmapPool({ ...four, ...request }, made))).toBe('EINVAL');
    }
    expect(made.available).toBe(MiB);
    expect(mmapPool(four, made).mixed).toBe(true);
  });

  test('M3-6: every page of every user is mapped uncached and unencrypted', () => {
    const memory = newMemory();
    const { card, nic } = t1();
    const pooled = mmapPool(four, provider(memory, card, base, MiB));
    const registers = new Provider({ device: nic, memory, bars: [barAt(base + MiB, 64n * KiB, 0n, 0)] });
    const own = mmapPages({ ...four, bytes: 4096 }, new RegisterPages(registers, 0, 0n, 16));
    expect([...pooled.entries, ...own.entries].map(({ attributes }) => attributes)).toEqual(
      Array.from({ length: 5 }, () => ({ cached: false, encrypted: false })),
    );
  });

  test('M3-7: page by page: what was inserted comes back if the pool runs out; a run is all or nothing', () => {
    const made = provider(newMemory(), t1().card, base, 20n * KiB);
    // Leaves pages 0, 2 and 4 free: three single ones.
    const all = Array.from({ length: 5 }, () => there(made.alloc(4096n)));
    for (const i of [0, 2, 4]) made.free(there(all[i]));
    expect(code(() => mmapPool({ ...four, bytes: 12_288 }, made, 'run'))).toBe('ENOMEM');
    expect(code(() => mmapPool(four, made, 'page'))).toBe('ENOMEM');
    expect([made.available, made.references]).toEqual([12n * KiB, 2]);
    const mapping = mmapPool({ ...four, bytes: 12_288 }, made, 'page');
    expect(mapping.entries.map(({ page }) => page.cpu - base)).toEqual([0n, 8192n, 16_384n]);
    expect(made.available).toBe(0n);
    mapping.unmap();
    expect(made.available).toBe(12n * KiB);
  });

  test('M3-8: each page goes back by its last put: three at munmap, the one under DMA when that ends', () => {
    const made = provider(newMemory(), t1().card, base, MiB);
    const mapping = mmapPool(four, made);
    expect(made.available).toBe(MiB - 16n * KiB);
    const page = pinUserPage(mapping, 2, { peers: true });
    expect(page.references).toBe(2);
    mapping.unmap();
    expect([made.available, made.references]).toEqual([MiB - 4n * KiB, 1]);
    // Nobody gets it meanwhile.
    expect(made.alloc(16n * KiB)?.cpu).not.toBe(page.cpu - 8192n);
    page.put();
    expect([made.references, code(() => page.put())]).toEqual([1, 'EINVAL']);
    expect(made.available).toBe(MiB - 16n * KiB);
  });

  test('M1-14: a page is not pinned without saying so, and never for long', () => {
    const made = provider(newMemory(), t1().card, base, MiB);
    const mapping = mmapPool(four, made);
    expect(code(() => pinUserPage(mapping, 0, { peers: false }))).toBe('EREMOTEIO');
    expect(code(() => pinUserPage(mapping, 0, { peers: true, longTerm: true }))).toBe('EINVAL');
    expect(code(() => pinUserPage(mapping, 4, { peers: true }))).toBe('EINVAL');
    expect(mapping.entries[0]?.page.references).toBe(1);
  });

  test('M3-3 M3-4: an allocator of the driver’s own gives a register page to each context and gets it back', () => {
    const memory = newMemory();
    const made = new Provider({ device: t1().nic, memory, bars: [barAt(base, 64n * KiB, 0n, 0)] });
    const pages = new RegisterPages(made, 0, 16n * KiB, 2);
    const request = { ...four, bytes: 4096 };
    const contexts = [mmapPages(request, pages), mmapPages(request, pages)];
    expect(contexts.map(({ entries }) => entries[0]?.page.cpu)).toEqual([base + 16n * KiB, base + 20n * KiB]);
    expect(code(() => mmapPages(request, pages))).toBe('ENOMEM');
    const held = pinUserPage(there(contexts[0]), 0, { peers: true });
    contexts[0]?.unmap();
    expect(pages.available).toBe(0);
    held.put();
    expect([pages.available, made.available, made.size]).toEqual([1, 0n, 0n]);
    expect(mmapPages(request, pages).entries[0]?.page).toBe(held);
  });

  test('M3-2: pool and register pages go through the same mapping and the same removal', async () => {
    const memory = newMemory();
    const made = new Provider({ device: t1().nic, memory, bars: [barAt(base, 64n * KiB, 0n, 0), barAt(base + MiB, MiB)] });
    made.addResource(2);
    const pages = new RegisterPages(made, 0, 0n, 4);
    const own = mmapPages({ ...four, bytes: 8192 }, pages, 'page', mapping => made.release(mapping));
    made.hold(own);
    const pooled = mmapPool(four, made);
    expect(made.references).toBe(6);
    await made.remove();
    expect([own.entries.length, pooled.entries.length, made.references]).toEqual([0, 0, 0]);
    expect(pages.allocPages(1)).toBeUndefined();
  });
});
