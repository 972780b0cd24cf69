import {
  completion,
  completionOf,
  configRead,
  type LinkCredits,
  memoryRead,
  memoryWrite,
  type Packet,
  packetClass,
  packetName,
  TlpType,
} from '@hdl/pcie-rtl';
import { describe, expect, test } from 'vitest';
import { Random } from '../../../hdl/test/random.ts';
import { hostBase, hostBytes, type Pending, RootBench, take } from './root-bench.ts';

const device = { requester_id: 0x0300 };

/** A span of host memory that one request can ask for, or one write carry: `most` bytes in whole DW, within 4 KiB. */
function span(random: Random, most: number): { readonly address: bigint; readonly bytes: number } {
  const bytes = 1 + random.below(random.chance(0.3) ? most : 64);
  const offset = random.below(hostBytes);
  const room = Math.min(bytes, 4096 - (offset % 4096), most - (offset % 4));
  return { address: hostBase + BigInt(offset), bytes: room };
}

describe.each([
  [64, 128],
  [128, 256],
  [256, 256],
  [256, 512],
  [512, 512],
])('%d bits, MPS %d', (width, mps) => {
  test('host memory is what was written: random sizes and alignments against a model', async () => {
    const random = new Random(width + mps);
    const told = `seed ${random.seed}`;
    using bench = new RootBench({ width, mps });
    const model = random.bytes(hostBytes);
    bench.memory.write(hostBase, model);
    let longest = 0;
    await bench.scheduler.run(async () => {
      for (let round = 0; round < 12; round++) {
        for (let n = random.below(12); n > 0; n--) {
          const { address, bytes } = span(random, mps);
          const data = random.bytes(bytes);
          model.set(data, Number(address - hostBase));
          void bench.fabric.send(memoryWrite({ ...device, tag: 0, address, data }));
        }
        const reads = new Map<number, Pending>();
        for (let tag = 0; tag < 12; tag++) {
          const at = span(random, 4096);
          reads.set(tag, { ...at, got: new Uint8Array(0) });
          void bench.fabric.send(memoryRead({ ...device, tag, ...at }));
        }
        while (reads.size > 0) {
          const packet = await bench.fabric.next();
          const { tag } = packet;
          const read = reads.get(tag);
          if (!read || packetName(packet) !== 'CplD') throw new Error(`unexpected ${packetName(packet)}, tag ${tag}, ${told}`);
          expect(packet.requester_id).toBe(device.requester_id);
          longest = Math.max(longest, packet.payload.length);
          expect(take(read, packet, mps), `tag ${tag}, ${told}`).toBeUndefined();
          if (read.got.length < read.bytes) continue;
          const offset = Number(read.address - hostBase);
          expect(read.got, `${read.bytes} bytes at offset ${offset}, ${told}`).toEqual(model.slice(offset, offset + read.bytes));
          reads.delete(tag);
        }
      }
      expect(longest, 'completions are as long as MPS lets them').toBe(mps);
      expect(bench.memory.read(hostBase, hostBytes)).toEqual(model);
    });
  });
});

describe('what is not for host memory', () => {
  test('completions, interrupts, messages and writes to nobody go to software, whole and each class in order', async () => {
    const random = new Random(21);
    using bench = new RootBench({ width: 256, mps: 256 });
    const message: Packet = {
      ...memoryRead({ ...device, tag: 0, address: 0n, bytes: 4 }),
      fmt: 0b001,
      type: 0b10000,
      length: 0,
    };
    const packets = Array.from({ length: 60 }, (_, i): Packet => {
      if (i % 4 === 0) return memoryWrite({ ...device, tag: 0, address: 0xfee0_0000n, data: random.bytes(4) });
      if (i % 4 === 1)
        return completion(
          { requester_id: 0, tag: i },
          { completer_id: 0x0300, byte_count: 128 },
          random.bytes(4 * (1 + random.below(32))),
        );
      if (i % 4 === 2) return message;
      return memoryWrite({ ...device, tag: 0, address: hostBase + BigInt(hostBytes), data: random.bytes(100) });
    });
    const before = bench.memory.read(hostBase, hostBytes);
    await bench.scheduler.run(async () => {
      for (const packet of packets) void bench.fabric.send(packet);
      const came: Packet[] = [];
      while (came.length < packets.length) came.push(await bench.software.next());
      for (const kind of ['posted', 'completion'] as const)
        expect(came.filter(p => packetClass(p) === kind)).toEqual(packets.filter(p => packetClass(p) === kind));
    });
    expect(bench.memory.read(hostBase, hostBytes)).toEqual(before);
    expect(bench.fabric.ring.available).toBe(0);
  });

  test('software that is late loses nothing, and stalls what is behind', async () => {
    using bench = new RootBench({ width: 256, mps: 256 });
    const count = 1200;
    const vector = (i: number) =>
      memoryWrite({ ...device, tag: 0, address: 0xfee0_0000n, data: Uint8Array.of(i & 255, i >> 8, 0, 0) });
    await bench.scheduler.run(async () => {
      for (let i = 0; i < count; i++) void bench.fabric.send(vector(i));
      const written = bench.fabric.send(memoryWrite({ ...device, tag: 0, address: hostBase, data: Uint8Array.of(42) }));
      await bench.scheduler.delay(3000);
      expect(bench.software.ring.available).toBe(bench.software.ring.depth);
      expect(bench.memory.read(hostBase, 1)).toEqual(Uint8Array.of(0));
      for (let i = 0; i < count; i++) expect(await bench.software.next(), `interrupt ${i}`).toEqual(vector(i));
      await written;
      await bench.scheduler.delay(20);
    });
    expect(bench.memory.read(hostBase, 1)).toEqual(Uint8Array.of(42));
  });

  test('reads of addresses that are nobody’s are answered with Unsupported Request, in hardware', async () => {
    using bench = new RootBench({ width: 256, mps: 256 });
    const addresses = [
      0n,
      hostBase - 4n,
      hostBase + BigInt(hostBytes),
      0xfee0_0000n,
      hostBase + 0x1_0000_0000n,
      0xffff_ffff_0000_0000n,
      0xffff_ffff_ffff_f000n,
      0xffff_ffff_ffff_fffcn,
    ];
    await bench.scheduler.run(async () => {
      for (const [tag, address] of addresses.entries()) {
        await bench.fabric.send(memoryRead({ ...device, tag, address, bytes: 4 }));
        const answer = await bench.fabric.next();
        expect(packetName(answer)).toBe('Cpl');
        expect(answer).toMatchObject({ ...device, tag });
        expect(completionOf(answer), `0x${address.toString(16)}`).toMatchObject({ status: 1, byte_count: 4 });
      }
    });
    expect(bench.software.ring.available).toBe(0);
  });

  test('a configuration request that comes up is nobody’s either', async () => {
    using bench = new RootBench({ width: 256, mps: 256 });
    await bench.scheduler.run(async () => {
      for (const kind of [0, 1] as const) {
        await bench.fabric.send(configRead({ ...device, tag: kind, kind, bus: 0, device: 0, function: 0, register: 0 }));
        const answer = await bench.fabric.next();
        expect([packetName(answer), completionOf(answer).status]).toEqual(['Cpl', 1]);
      }
    });
  });
});

test.each([
  64, 128, 256, 512,
])('%d bits: who sees an interrupt or a completion sees all that was written before it', async width => {
  const random = new Random(width + 7);
  using bench = new RootBench({ width, mps: 256 });
  await bench.scheduler.run(async () => {
    for (let n = 0; n < 150; n++) {
      const { address, bytes } = span(random, 256);
      const data = random.bytes(bytes);
      // Both leave back to back: the first waits in the ring until the second is in.
      void bench.fabric.send(memoryWrite({ ...device, tag: 0, address, data }));
      const after = random.chance(0.5)
        ? memoryWrite({ ...device, tag: 0, address: 0xfee0_0000n, data: Uint8Array.of(1, 2, 3, 4) })
        : completion({ requester_id: 0, tag: n }, { completer_id: 0x0300 });
      void bench.fabric.send(after);
      expect(await bench.software.next()).toEqual(after);
      const offset = Number(address - hostBase);
      expect(bench.memory.read(address, bytes), `${bytes} bytes at offset ${offset}, seed ${random.seed}`).toEqual(data);
      if (random.chance(0.3)) await bench.scheduler.delay(random.below(5));
    }
  });
});

test('what software sends goes down whole, between the completions of host memory', async () => {
  const random = new Random(31);
  using bench = new RootBench({ width: 256, mps: 256 });
  const model = random.bytes(hostBytes);
  bench.memory.write(hostBase, model);
  const sent = Array.from({ length: 40 }, (_, i) =>
    i % 2
      ? memoryWrite({ requester_id: 0, tag: 0, address: 0x8000_0000n, data: random.bytes(1 + random.below(256)) })
      : configRead({ requester_id: 0, tag: i, kind: 1, bus: 3, device: 0, function: 0, register: i }),
  );
  await bench.scheduler.run(async () => {
    const reads = Array.from(
      { length: 40 },
      (_, tag): Pending => ({ address: hostBase + BigInt(512 * tag), bytes: 512, got: new Uint8Array(0) }),
    );
    for (const [tag, { address, bytes }] of reads.entries())
      void bench.fabric.send(memoryRead({ ...device, tag, address, bytes }));
    for (const packet of sent) void bench.software.send(packet);
    const passed: Packet[] = [];
    while (passed.length < sent.length || reads.some(r => r.got.length < r.bytes)) {
      const packet = await bench.fabric.next();
      const read = reads[packet.tag];
      if (packetName(packet) !== 'CplD') passed.push(packet);
      else if (read) expect(take(read, packet, 256)).toBeUndefined();
    }
    for (const kind of ['posted', 'non-posted'] as const)
      expect(passed.filter(p => packetClass(p) === kind)).toEqual(sent.filter(p => packetClass(p) === kind));
    for (const [i, { got }] of reads.entries()) expect(got).toEqual(model.slice(512 * i, 512 * (i + 1)));
  });
});

describe('rate, when the credits are known', () => {
  const packets = 64;
  const beats = (packets * 256) / 32;
  const data = new Random(41).bytes(256 * packets);
  /** Cycles until both ends know the credits. */
  const exchange = 40;
  const write = (i: number) =>
    memoryWrite({ ...device, tag: 0, address: hostBase + BigInt(256 * i), data: data.subarray(256 * i, 256 * (i + 1)) });

  test('aligned writes to host memory move a beat per cycle', async () => {
    using bench = new RootBench({ width: 256, mps: 256 });
    await bench.scheduler.run(async () => {
      await bench.scheduler.delay(exchange);
      for (let i = 0; i < packets; i++) void bench.fabric.send(write(i));
      await bench.scheduler.delay(beats + 12);
    });
    expect(bench.memory.read(hostBase, data.length)).toEqual(data);
  });

  test('unaligned writes do too', async () => {
    using bench = new RootBench({ width: 256, mps: 256 });
    const sent = data.subarray(0, 252 * packets);
    await bench.scheduler.run(async () => {
      await bench.scheduler.delay(exchange);
      for (let i = 0; i < packets; i++)
        void bench.fabric.send(
          memoryWrite({
            ...device,
            tag: 0,
            address: hostBase + BigInt(4 + 256 * i),
            data: sent.subarray(252 * i, 252 * (i + 1)),
          }),
        );
      await bench.scheduler.delay(beats + 12);
    });
    for (let i = 0; i < packets; i++)
      expect(bench.memory.read(hostBase + BigInt(4 + 256 * i), 252)).toEqual(sent.subarray(252 * i, 252 * (i + 1)));
  });

  test('aligned reads of host memory are answered at a beat per cycle', async () => {
    using bench = new RootBench({ width: 256, mps: 256 });
    await bench.scheduler.run(async () => {
      await bench.scheduler.delay(exchange);
      for (let i = 0; i < packets / 2; i++)
        void bench.fabric.send(memoryRead({ ...device, tag: i, address: hostBase + BigInt(512 * i), bytes: 512 }));
      await bench.scheduler.delay(beats + 20);
    });
    expect(bench.fabric.ring.available).toBe(beats);
  });
});

describe('credits', () => {
  /** The least that an end may advertise for payloads of 512 bytes (C70b). */
  const least: LinkCredits = {
    posted: { headers: 1, data: 32 },
    non_posted: { headers: 1, data: 2 },
    completion: { headers: 1, data: 32 },
  };

  test.each([64, 128, 256, 512])('%d bits: with the least credits at both ends everything arrives', async width => {
    const random = new Random(width);
    using bench = new RootBench({ width, mps: 256, credits: least, partner: least });
    const model = new Uint8Array(hostBytes);
    await bench.scheduler.run(async () => {
      for (let round = 0; round < 4; round++) {
        for (let i = 0; i < 12; i++) {
          const { address, bytes } = span(random, 256);
          const data = random.bytes(bytes);
          model.set(data, Number(address - hostBase));
          void bench.fabric.send(memoryWrite({ ...device, tag: 0, address, data }));
          void bench.software.send(configRead({ requester_id: 0, tag: i, kind: 1, bus: 3, device: 0, function: 0, register: i }));
        }
        const reads = Array.from({ length: 8 }, (): Pending => ({ ...span(random, 2048), got: new Uint8Array(0) }));
        for (const [tag, { address, bytes }] of reads.entries())
          void bench.fabric.send(memoryRead({ ...device, tag, address, bytes }));
        for (let requests = 0; requests < 12 || reads.some(r => r.got.length < r.bytes); ) {
          const packet = await bench.fabric.next();
          if (packetClass(packet) === 'non-posted') {
            expect(packet.tag).toBe(requests++);
            continue;
          }
          const read = reads[packet.tag];
          if (read) expect(take(read, packet, 256), `seed ${random.seed}`).toBeUndefined();
        }
        for (const { address, bytes, got } of reads) {
          const offset = Number(address - hostBase);
          expect(got, `seed ${random.seed}`).toEqual(model.slice(offset, offset + bytes));
        }
      }
    });
    expect(bench.memory.read(hostBase, hostBytes)).toEqual(model);
  });

  test('what goes down stops where the credits of the other end are used up, and goes on', async () => {
    const partner: LinkCredits = { ...least, posted: { headers: 4, data: 64 }, completion: { headers: 2, data: 32 } };
    using bench = new RootBench({ width: 256, mps: 128, partner });
    bench.memory.write(hostBase, new Random(5).bytes(hostBytes));
    await bench.scheduler.run(async () => {
      bench.hold(true);
      for (let i = 0; i < 6; i++)
        void bench.fabric.send(memoryRead({ ...device, tag: i, address: hostBase + BigInt(128 * i), bytes: 128 }));
      await bench.scheduler.delay(300);
      expect(bench.moved('down'), 'two completions of 4 beats').toBe(2 * 4);
      for (let i = 0; i < 6; i++)
        void bench.software.send(
          memoryWrite({ requester_id: 0, tag: 0, address: 0x8000_0000n, data: Uint8Array.of(1, 2, 3, 4) }),
        );
      await bench.scheduler.delay(300);
      expect(bench.moved('down'), 'four posted TLPs of a beat have passed the other completions').toBe(2 * 4 + 4);
      bench.hold(false);
      for (let i = 0; i < 12; i++) await bench.fabric.next();
    });
    expect(bench.moved('down')).toBe(6 + 6 * 4);
  });

  test('a host whose software is late does not hold up reads of host memory', async () => {
    using bench = new RootBench({ width: 256, mps: 256 });
    const interrupt = memoryWrite({ ...device, tag: 0, address: 0xfee0_0000n, data: Uint8Array.of(1, 0, 0, 0) });
    const depth = bench.software.ring.depth;
    await bench.scheduler.run(async () => {
      void bench.fabric.send(memoryRead({ ...device, tag: 1, address: hostBase, bytes: 64 }));
      for (let i = 0; i < depth + 2; i++) void bench.fabric.send(interrupt);
      await bench.fabric.next();
      await bench.scheduler.delay(2 * depth);
      expect(bench.software.ring.available).toBe(depth);
      for (let i = 0; i < depth + 2; i++) expect(await bench.software.next()).toEqual(interrupt);
    });
  });
});

test('an AtomicOp acts in host memory, and what comes after it keeps its place behind the writes', async () => {
  using bench = new RootBench({ width: 64, mps: 256 });
  const random = new Random(9);
  const cell = hostBase + 0x100n;
  bench.memory.write(cell, Uint8Array.of(5, 0, 0, 0));
  const add: Packet = {
    ...memoryWrite({ ...device, tag: 7, address: cell, data: Uint8Array.of(3, 0, 0, 0) }),
    type: TlpType.fetchAdd,
  };
  await bench.scheduler.run(async () => {
    for (let i = 0; i < 40; i++) {
      void bench.fabric.send(add);
      if (random.chance(0.5)) await bench.scheduler.delay(random.below(4));
      const data = random.bytes(8);
      void bench.fabric.send(memoryWrite({ ...device, tag: 0, address: hostBase + 0x200n, data }));
      const interrupt = memoryWrite({ ...device, tag: 0, address: 0xfee0_0000n, data: Uint8Array.of(i, 0, 0, 0) });
      void bench.fabric.send(interrupt);
      expect(await bench.software.next()).toEqual(interrupt);
      expect(bench.memory.read(hostBase + 0x200n, 8), `round ${i}`).toEqual(data);
      const answer = await bench.fabric.next();
      expect([answer.tag, answer.payload[0]]).toEqual([7, 5 + 3 * i]);
    }
  });
  expect(bench.memory.read(cell, 1)).toEqual(Uint8Array.of(5 + 3 * 40));
});
