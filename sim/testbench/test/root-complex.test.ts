import { completion, completionOf, configRead, memoryRead, memoryWrite, type Packet, packetName } from '@hdl/pcie-rtl';
import { describe, expect, test } from 'vitest';
import { Random } from '../../../hdl/test/random.ts';
import { hostBase, hostBytes, type Pending, RootBench, take } from './root-bench.ts';

const device = { requester_id: 0x0300 };

/** A span of host memory that one request can ask for. */
function span(random: Random, most: number): { readonly address: bigint; readonly bytes: number } {
  const bytes = 1 + random.below(random.chance(0.3) ? most : 64);
  const offset = random.below(hostBytes);
  const room = Math.min(bytes, 4096 - (offset % 4096));
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
    using bench = new RootBench(width, mps);
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
  test('completions, interrupts, messages and writes to nobody go to software, whole and in order', async () => {
    const random = new Random(21);
    using bench = new RootBench(256, 256);
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
      for (const [i, packet] of packets.entries()) expect(await bench.software.next(), `packet ${i}`).toEqual(packet);
    });
    expect(bench.memory.read(hostBase, hostBytes)).toEqual(before);
    expect(bench.fabric.ring.available).toBe(0);
  });

  test('software that is late loses nothing, and stalls what is behind', async () => {
    using bench = new RootBench(256, 256);
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
    using bench = new RootBench(256, 256);
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
    using bench = new RootBench(256, 256);
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
  using bench = new RootBench(width, 256);
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
  using bench = new RootBench(256, 256);
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
    expect(passed).toEqual(sent);
    for (const [i, { got }] of reads.entries()) expect(got).toEqual(model.slice(512 * i, 512 * (i + 1)));
  });
});

describe('rate', () => {
  const packets = 64;
  const beats = (packets * 256) / 32;

  test('aligned writes to host memory move a beat per cycle', async () => {
    using bench = new RootBench(256, 256);
    const data = new Random(41).bytes(256 * packets);
    await bench.scheduler.run(async () => {
      for (let i = 0; i < packets; i++)
        void bench.fabric.send(
          memoryWrite({ ...device, tag: 0, address: hostBase + BigInt(256 * i), data: data.subarray(256 * i, 256 * (i + 1)) }),
        );
      await bench.scheduler.delay(beats + 12);
    });
    expect(bench.memory.read(hostBase, data.length)).toEqual(data);
  });

  test('aligned reads of host memory are answered at a beat per cycle', async () => {
    using bench = new RootBench(256, 256);
    await bench.scheduler.run(async () => {
      for (let i = 0; i < packets / 2; i++)
        void bench.fabric.send(memoryRead({ ...device, tag: i, address: hostBase + BigInt(512 * i), bytes: 512 }));
      await bench.scheduler.delay(beats + 20);
    });
    expect(bench.fabric.ring.available).toBe(beats);
  });
});
