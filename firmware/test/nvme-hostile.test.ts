import { expect, test } from 'vitest';
import { random } from './nvme-computer.ts';
import { RawHost } from './nvme-raw-host.ts';

/** A host that means harm, or has lost its mind: whatever it does, the controller answers as it must, and works again after a reset. */

const settle = (host: RawHost) => host.scheduler.delay(2000);

/** The controller is reset and does I/O. */
async function works(host: RawHost): Promise<void> {
  host.hardware.hostWrite(0x14, 0);
  await host.until(() => host.hardware.hostRead(0x1c) === 0);
  host.memory.bytes.fill(0, 0x4000, 0x6000);
  await host.enable();
  await host.createPair();
  host.memory.bytes.fill(0x5a, 0x2_0000, 0x2_0200);
  expect((await host.command(1, [0x01, 1, 0, 0, 0, 0, 0x2_0000, 0, 0, 0, 9, 0, 0])).status).toBe(0);
  expect((await host.command(1, [0x05, 1, 0, 0, 0, 0, 0x2_0000, 0, 0, 0, 9, 0, 0])).status).toBe(0);
}

for (const seed of [1, 2, 3, 4])
  test(`I/O commands of random bits: each has one completion, seed ${seed}`, () => {
    const { below } = random(seed);
    const host = new RawHost({ bufferBytes: 65_536, latency: () => 1 + below(9) });
    return host.run(async () => {
      host.hardware.hostWrite(0x54, 0x40);
      host.hardware.hostWrite(0x50, 0x1003);
      await host.enable();
      await host.createPair();
      const word = () => (below(3) === 0 ? below(2 ** 32) : below(3) === 0 ? below(16) : below(1024) * 4096);
      for (let round = 0; round < 60; round++) {
        const count = 1 + below(15);
        const sent = new Set<number>();
        for (let i = 0; i < count; i++) {
          const dwords = Array.from({ length: 16 }, word);
          dwords[0] = below(4) * 0x4000 + (below(10) === 0 ? below(0x400) : below(10));
          dwords[1] = below(4) === 0 ? below(2 ** 32) : 1;
          if (below(2) === 0) dwords[7] = dwords[9] = dwords[11] = 0;
          sent.add(host.lay(1, dwords));
        }
        host.ring(1);
        for (let i = 0; i < count; i++) {
          const { identifier, status } = await host.completion(1);
          expect(sent.delete(identifier)).toBe(true);
          expect(status >> 8).toBeLessThanOrEqual(2);
        }
      }
      // Data went to random places in memory, the queues among them; what counts is that the controller is sane.
      await works(host);
    });
  });

for (const seed of [5, 6, 7])
  test(`admin commands of random bits, seed ${seed}`, () => {
    const { below } = random(seed);
    const host = new RawHost({ latency: () => 1 + below(9) });
    return host.run(async () => {
      for (let round = 0; round < 30; round++) {
        await works(host);
        for (let i = 0; i < 7; i++) {
          const dwords = Array.from({ length: 16 }, () => (below(2) === 0 ? below(2 ** 32) : below(64)));
          dwords[0] = below(0x10);
          // Not onto the admin queues.
          dwords[6] = 0x10_0000 + below(256) * 4096 + (below(4) === 0 ? below(4096) : 0);
          dwords[7] = below(8) === 0 ? below(2 ** 32) : 0;
          dwords[8] = 0x20_0000 + below(16) * 4096;
          dwords[9] = 0;
          host.lay(0, dwords);
        }
        host.ring(0);
        await settle(host);
        for (let i = 0; i < 4; i++) host.hardware.hostWrite(0x1000 + 4 * below(32), below(4) === 0 ? below(2 ** 32) : below(20));
        await settle(host);
      }
      await works(host);
    });
  });

test('wild doorbells while nothing is enabled, and for queues that are not there', () => {
  const { below } = random(8);
  const host = new RawHost();
  return host.run(async () => {
    const wild = () => {
      for (let i = 0; i < 200; i++) host.hardware.hostWrite(0x1000 + 4 * below(64), below(2 ** 32));
    };
    wild();
    await settle(host);
    expect(host.hardware.requests).toEqual([]);
    await works(host);
    wild();
    await settle(host);
    await works(host);
  });
});

test('registers of random values, CC and the memory buffer among them', () => {
  const { below, pick } = random(9);
  const host = new RawHost({ bufferBytes: 65_536 });
  return host.run(async () => {
    for (let round = 0; round < 40; round++) {
      for (let i = 0; i < 30; i++) {
        const offset = pick([0x0c, 0x10, 0x14, 0x14, 0x20, 0x24, 0x28, 0x2c, 0x30, 0x34, 0x50, 0x54]);
        host.hardware.hostWrite(offset, below(2) === 0 ? below(2 ** 32) : below(2));
        if (below(3) === 0) await host.scheduler.delay(below(20));
      }
      host.hardware.hostWrite(0x54, 0);
      host.hardware.hostWrite(0x50, 0);
      await settle(host);
      await works(host);
    }
  });
});

test('INTMS and INTMC set and clear the mask (3.1.3, 3.1.4)', () => {
  const host = new RawHost();
  const { hardware } = host;
  return host.run(async () => {
    await host.enable();
    const masks = [];
    for (const [offset, value] of [
      [0x0c, 0x5],
      [0x0c, 0x8],
      [0x10, 0x4],
    ] as const) {
      hardware.hostWrite(offset, value);
      await host.scheduler.delay(5);
      masks.push([hardware.hostRead(0x0c), hardware.hostRead(0x10)]);
    }
    expect(masks).toEqual([
      [0x5, 0x5],
      [0xd, 0xd],
      [0x9, 0x9],
    ]);
  });
});
