import { topology } from '@hdl/pcie-rtl';
import { afterAll, describe, expect, test } from 'vitest';
import { P2pBus, type Platform } from '../host/src/p2pdma/index.ts';
import type { AddressRange } from '../host/src/pci-function.ts';
import { at } from './bench.ts';
import { FabricComputer } from './fabric-computer.ts';
import { there } from './p2pdma-bench.ts';

/** Two root ports of one host bridge, a switch below each: what goes from one side to the other, on RTL, against what the peer-to-peer core says of it. */

const page = 4096;
const block = 512;
const side = (i: number) => {
  const parent = `switch${i}`;
  return [
    { name: `nvme${i}`, parent, kind: 'nvme', queues: 4, memory_bytes: 64 * 1024 },
    { name: `card${i}`, parent, kind: 'memory', memory_bytes: 64 * 1024 },
  ] as const;
};
const built = topology({
  roots: ['root', 'other'],
  switches: [
    { name: 'switch0', parent: 'root' },
    { name: 'switch1', parent: 'other' },
  ],
  endpoints: [...side(0), ...side(1)],
});

let on: FabricComputer;
let starting: Promise<FabricComputer> | undefined;
afterAll(() => on?.[Symbol.dispose]());

/** Starts the computer where it has not, so that a start that fails is a test that fails. */
async function run<T>(main: () => T | Promise<T>): Promise<T> {
  starting ??= FabricComputer.start({ topology: built });
  on = await starting;
  return on.testbench.scheduler.run(async () => main());
}
const bridge = () => there(on.testbench.bridge);
const memoryOf = (card: string): bigint => there(on.device(card).bars.find(({ index }) => index === 0)?.address);
const media = (drive: number, start: number) => at(on.drives, drive).media.bytes.subarray(start * block, start * block + page);
const range = (base: bigint): AddressRange[] => [{ base, bytes: BigInt(page) }];
/** A drive writes a page of its blocks to a card, or reads one from there. */
const push = (drive: number, start: number, card: string) =>
  at(at(on.drives, drive).driver.namespaces, 0).read(start, range(memoryOf(card)));
const pull = (drive: number, start: number, card: string) =>
  at(at(on.drives, drive).driver.namespaces, 0).write(start, range(memoryOf(card)));
const inCard = (card: string) => on.computer.host.memory.read(memoryOf(card), page);
/** Bytes of data to a card's memory on each link that carried some, while something happens: `[down, up]`. */
async function carried(card: string, work: () => Promise<unknown>) {
  on.countData(...range(memoryOf(card)));
  await work();
  return Object.fromEntries(Object.entries(on.data()).filter(([, [down, up]]) => down + up > 0));
}
const ended = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    () => 'failed',
  );

test('C20 C39: each root port has a domain of its own: bus numbers and addresses of the two are apart', () =>
  run(() => {
    const { domains } = on.computer.machine;
    expect(domains.map(({ domain }) => [domain.number, domain.bus, domain.lastBus])).toEqual([
      [0, 1, 127],
      [1, 128, 254],
    ]);
    expect([...on.devices].map(([name, { name: number }]) => `${name} ${number}`)).toEqual([
      'nvme0 0000:03:00.0',
      'card0 0000:04:00.0',
      'nvme1 0001:82:00.0',
      'card1 0001:83:00.0',
    ]);
    expect(memoryOf('card1') - memoryOf('card0')).toBeGreaterThan(1n << 38n);
  }));

test('a host that knows one root port says so', () =>
  run(async () => {
    await expect(on.computer.host.enumerate()).rejects.toThrow(/there are 2 root ports, and this way .* knows one/);
  }));

test('C39: the host reaches what is below each root port, by that port alone', () =>
  run(async () => {
    for (const [card, root] of [
      ['card0', 'root'],
      ['card1', 'other'],
    ] as const) {
      const data = Uint8Array.from({ length: page }, (_, i) => (i * 7 + root.length) & 0xff);
      const write = async () => {
        await on.computer.host.memory.write(memoryOf(card), data);
        // A read behind it is answered when it has come.
        await on.computer.host.memory.read(memoryOf(card) + BigInt(page), 4);
      };
      expect(await carried(card, write)).toEqual({
        [root]: [page, 0],
        [card]: [page, 0],
      });
      expect(Buffer.compare(await inCard(card), data)).toBe(0);
    }
  }));

describe('C39: from below one root port to what is below another', () => {
  test.each([
    [0, 'card1', 'root', 'other'],
    [1, 'card0', 'other', 'root'],
  ] as const)('where the host bridge forwards, nvme%i writes and reads %s: up one root link and down the other', (drive, card, up, down) =>
    run(async () => {
      bridge().forward('all');
      expect(await carried(card, () => push(drive, 16, card))).toEqual({
        [`nvme${drive}`]: [0, page],
        [up]: [0, page],
        [down]: [page, 0],
        [card]: [page, 0],
      });
      expect(Buffer.compare(await inCard(card), media(drive, 16))).toBe(0);
      await pull(drive, 32, card);
      expect(Buffer.compare(media(drive, 32), media(drive, 16))).toBe(0);
    }));

  test('both ways at once, with host traffic on both links', () =>
    run(async () => {
      bridge().forward('all');
      const host = on.computer.host.data.allocate(BigInt(2 * page));
      const write = (drive: number, start: number, base: bigint) =>
        at(at(on.drives, drive).driver.namespaces, 0).read(start, range(base));
      await Promise.all([
        push(0, 48, 'card1'),
        push(1, 48, 'card0'),
        write(0, 64, host.base),
        write(1, 64, host.base + BigInt(page)),
      ]);
      expect(Buffer.compare(await inCard('card1'), media(0, 48))).toBe(0);
      expect(Buffer.compare(await inCard('card0'), media(1, 48))).toBe(0);
      const copies = on.computer.host.readMemory(host.base, 2 * page);
      expect(Buffer.compare(copies, Buffer.concat([media(0, 64), media(1, 64)]))).toBe(0);
      on.computer.host.data.release(host);
    }));

  test.each([
    ['all', 'done', 'done'],
    ['nothing', 'failed', 'failed'],
  ] as const)('the core maps a peer exactly where it gets through: %s is forwarded', (forwarded, across, read) =>
    run(async () => {
      bridge().forward(forwarded);
      const before = await inCard('card1');
      expect(await ended(push(0, 80, 'card1'))).toBe(across);
      expect(Buffer.compare(await inCard('card1'), across === 'done' ? media(0, 80) : before)).toBe(0);
      expect(await ended(pull(0, 96, 'card1'))).toBe(read);
      // What does not leave its switch gets through all the same.
      expect(await ended(push(0, 80, 'card0'))).toBe('done');

      const platform: Platform = { forwardsAll: forwarded === 'all' };
      const map = (card: string) => {
        const client = on.computer.client(at(on.drives, 0).device);
        return new P2pBus(platform).distance(on.computer.tree.node(on.device(card)), client).mapType;
      };
      expect([map('card0'), map('card1')]).toEqual(['BUS_ADDR', forwarded === 'all' ? 'THRU_HOST_BRIDGE' : 'NOT_SUPPORTED']);
    }));
});
