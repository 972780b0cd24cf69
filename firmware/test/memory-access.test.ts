import { completion, endpointIdentification, memoryRead } from '@hdl/pcie-rtl';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bar0Places, bar0 as registers } from '../host/src/drive-registers.ts';
import { at, type Bench, bench, randomBytes } from './bench.ts';

let on: Bench;
let bar0: bigint;
let bar2: bigint;
const { mailbox } = bar0Places(0x0004_0010);
beforeAll(async () => {
  on = await bench({ tags: 4 });
  [bar0 = 0n, bar2 = 0n] = at(on.endpoints, 1).bars.map(bar => bar.address ?? 0n);
});
afterAll(() => on.testbench[Symbol.dispose]());
const run = <T>(main: () => Promise<T>) => on.testbench.scheduler.run(main);

test('registers and mailbox: written by requests of several DW, read by one or two', () =>
  run(async () => {
    const { memory } = on.host;
    expect(await memory.read32(bar0 + BigInt(registers.identification.offset))).toBe(endpointIdentification);
    expect(await memory.read32(bar0 + BigInt(registers.memory_bytes.offset))).toBe(256 * 1024);
    const slot = randomBytes(64, 1);
    await memory.write(bar0 + BigInt(mailbox + 192), slot);
    for (let at = 0; at < 64; at += 8)
      expect(await memory.read(bar0 + BigInt(mailbox + 192 + at), 8)).toEqual(slot.slice(at, at + 8));
    await expect(memory.read(bar0 + BigInt(mailbox + 192), 64)).rejects.toThrow(/ended with completer abort/);
    await memory.write32(bar0 + BigInt(mailbox + 196), 0x1122_3344);
    expect(await memory.read32(bar0 + BigInt(mailbox + 196))).toBe(0x1122_3344);
  }));

test('BAR memory at any address and length, with more requests than tags', () =>
  run(async () => {
    const { memory } = on.host;
    for (const [offset, bytes] of [
      [0, 1],
      [3, 2],
      [5, 122],
      [127, 2],
      [4093, 7],
      [1001, 5000],
    ] as const) {
      const data = randomBytes(bytes, offset + 1);
      await memory.write(bar2 + BigInt(offset), data);
      expect(await memory.read(bar2 + BigInt(offset), bytes)).toEqual(data);
    }
  }));

test('an address that no device claims is told', () =>
  run(async () => {
    await expect(on.host.memory.read(0xd000_0000n, 8)).rejects.toThrow(/8 bytes at 0xd0000000 ended with unsupported request/);
  }));

test('a completion that nobody asked for is counted and dropped', async () => {
  const packet = completion(
    memoryRead({ requester_id: 0, tag: 200, address: 0n, bytes: 4 }),
    { completer_id: 0 },
    new Uint8Array(4),
  );
  let given = false;
  const other = await bench({
    between: root => ({
      hostMemory: root.hostMemory,
      ports: root.ports,
      describe: (port, below) => root.describe(port, below),
      setMaxPayload: bytes => root.setMaxPayload(bytes),
      send: each => root.send(each),
      receive: () => {
        if (given) return root.receive();
        given = true;
        return Promise.resolve(packet);
      },
    }),
  });
  using _ = other.testbench;
  expect(other.host.requester.unexpected).toBe(1);
});
