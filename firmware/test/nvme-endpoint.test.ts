import { completion, Status } from '@hdl/pcie-rtl';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { memoryOf } from '../../rtl/test/endpoint-bench.ts';
import { hostId } from '../../rtl/test/link-host.ts';
import { type BlockOptions, NvmeDriver, type NvmeNamespace } from '../host/src/nvme/index.ts';
import type { AddressRange } from '../host/src/pci-function.ts';
import { random } from './nvme-computer.ts';
import { EndpointComputer } from './nvme-endpoint-bench.ts';

/** The controller's firmware on the RTL of an endpoint: every TLP of its link is real. */

const capacity = 1 << 18;
let on: EndpointComputer;
let driver: NvmeDriver;
beforeAll(async () => {
  on = new EndpointComputer(128, capacity);
  await on.scheduler.run(async () => {
    await on.boot();
    driver = await NvmeDriver.probe(on.platform, { queues: 2, entries: 16 });
  });
});
afterAll(() => on[Symbol.dispose]());

const namespace = (): NvmeNamespace => {
  const [first] = driver.namespaces;
  if (!first) throw new Error('there is no namespace');
  return first;
};
const put = (range: AddressRange, data: Uint8Array) => on.platform.memory.write(range.base, data);
const get = ({ base, bytes }: AddressRange) => on.platform.memory.read(base, Number(bytes));
let seen = 0;
/** TLPs of the controller since the last call: addresses of its reads, bytes of its writes, but for interrupts. */
const tlps = () => {
  const { asked, written } = on.bench;
  const reads = asked.splice(0).map(({ address }) => address);
  const writes = written.slice(seen).filter(({ address }) => address < 0xfee0_0000n);
  seen = written.length;
  return { reads, writes: writes.map(({ payload }) => payload.length) };
};

test('write and read at any address, by PRPs and SGLs, against the media', () =>
  on.scheduler.run(async () => {
    const dice = random(3);
    for (const [base, bytes] of [
      [0x20_0000n, 512],
      [0x20_0e04n, 1536],
      [0x21_0003n, 1024],
      [0x22_0000n, 16_384],
    ] as const) {
      const range = { base, bytes: BigInt(bytes) };
      const data = dice.bytes(bytes);
      const block = dice.below(100);
      put(range, data);
      await namespace().write(block, [range]);
      expect(Buffer.compare(on.media.bytes.subarray(512 * block, 512 * block + bytes), data)).toBe(0);
      put(range, new Uint8Array(bytes));
      await namespace().read(block, [range]);
      expect(Buffer.compare(get(range), data)).toBe(0);
    }
  }));

test('many commands at once, in both queues', () =>
  on.scheduler.run(async () => {
    const data = random(4).bytes(24 * 512);
    on.media.bytes.set(data, 0);
    const ranges = Array.from({ length: 24 }, (_, i) => ({ base: 0x30_0000n + BigInt(1024 * i), bytes: 512n }));
    await Promise.all(ranges.map((range, i) => namespace().read(i, [range], { queue: i % 2 } satisfies BlockOptions)));
    expect(Buffer.compare(Buffer.concat(ranges.map(get)), data)).toBe(0);
  }));

test('B-16, B-17 on the link: queues and data in the own memory make no TLPs', () =>
  on.scheduler.run(async () => {
    expect(driver.queuesInController).toBe(2);
    const own = driver.memoryBuffer?.allocate(4096);
    if (!own) throw new Error('there is no memory buffer');
    const inside = { base: own.bus, bytes: 4096n };
    expect(own.bus).toBeGreaterThan(memoryOf(0));
    tlps();
    await namespace().read(0, [inside]);
    await on.scheduler.delay(50);
    const read = tlps();
    expect(read.reads).toEqual([]);
    expect(read.writes).toEqual([16]);
    await namespace().write(64, [inside]);
    await on.scheduler.delay(50);
    expect(tlps().reads).toEqual([]);
    expect(Buffer.compare(on.media.bytes.subarray(64 * 512, 64 * 512 + 4096), on.media.bytes.subarray(0, 4096))).toBe(0);
  }));

test('a read that the fabric refuses is a data transfer error, and the stream stays in step', () =>
  on.scheduler.run(async () => {
    const { bench } = on;
    bench.misbehave = request => {
      const nobody = request.address >= 0x7f_0000n && request.address < 0x80_0000n;
      return nobody ? [completion(request, { completer_id: hostId, status: Status.unsupported })] : undefined;
    };
    await expect(namespace().write(0, [{ base: 0x7f_0000n, bytes: 512n }])).rejects.toThrow('data transfer error');
    bench.misbehave = undefined;
    const range = { base: 0x20_0000n, bytes: 2048n };
    const data = random(6).bytes(2048);
    put(range, data);
    await namespace().write(0, [range]);
    expect(Buffer.compare(on.media.bytes.subarray(0, 2048), data)).toBe(0);
  }));

test('resets in the middle of I/O, of the controller and with bus mastering off: data after it is right', () =>
  on.scheduler.run(async () => {
    const { bench } = on;
    const data = random(7).bytes(32_768);
    const from = { base: 0x24_0000n, bytes: 32_768n };
    const to = { base: 0x28_0000n, bytes: 65_536n };
    /** Waits until the controller has made so many requests more. */
    const requests = async (count: number) => {
      const before = bench.asked.length + bench.written.length;
      while (bench.asked.length + bench.written.length < before + count) await on.scheduler.delay(10);
    };
    const resets = driver.statistics.resets;
    for (const masters of [true, false])
      for (const move of ['write', 'read'] as const) {
        put(from, data);
        put(to, new Uint8Array(65_536));
        const moved = move === 'write' ? namespace().write(0, [from]) : namespace().read(100, [to]);
        await requests(20);
        if (!masters) {
          bench.configure(0, 4, 2);
          await on.scheduler.delay(500);
          bench.configure(0, 4, 6);
        }
        await driver.reset();
        await moved;
        if (move === 'write') expect(Buffer.compare(on.media.bytes.subarray(0, 32_768), data)).toBe(0);
        else expect(Buffer.compare(get(to), on.media.bytes.subarray(51_200, 51_200 + 65_536))).toBe(0);
      }
    expect(driver.statistics.resets).toBe(resets + 4);
    expect(driver.statistics.aborts).toBe(0);
  }));
