import { expect, test } from 'vitest';
import { MemoryBacking } from '../device/src/backing.ts';
import { NvmeDriver } from '../host/src/nvme/index.ts';
import { Computer, random } from './nvme-computer.ts';
import { RawHost } from './nvme-raw-host.ts';

const block = (opcode: number, lba: number) => [opcode, 1, 0, 0, 0, 0, 0x2_0000, 0, 0, 0, lba, 0, 0];

test('Controller Reset in the middle of I/O: after CSTS.RDY is 0 nothing moves any more (7.3.2)', () => {
  const dice = random(11);
  const host = new RawHost({ latency: () => 1 + dice.below(60) });
  const { hardware } = host;
  return host.run(async () => {
    for (let round = 0; round < 20; round++) {
      await host.enable();
      host.memory.bytes.fill(0, 0x5000, 0x6000);
      await host.createPair();
      for (let i = 0; i < 12; i++) host.lay(1, block(1 + dice.below(2), i));
      host.ring(1);
      await host.scheduler.delay(dice.below(150));
      hardware.hostWrite(0x14, 0x0046_0000);
      await host.until(() => (hardware.hostRead(0x1c) & 1) === 0);
      const requests = hardware.requests.length;
      const memory = host.memory.bytes.slice();
      await host.scheduler.delay(300);
      expect(hardware.requests.length).toBe(requests);
      expect(Buffer.compare(host.memory.bytes, memory)).toBe(0);
      // CC and CSTS are what they are after power up; the admin queues stay where they were.
      expect([hardware.hostRead(0x14), hardware.hostRead(0x1c), hardware.hostRead(0x24)]).toEqual([0, 0, (7 << 16) | 7]);
    }
  });
});

test('what was completed before a reset is on the media, also when it is a function level reset', () => {
  const host = new RawHost({ latency: () => 5 });
  return host.run(async () => {
    for (const kind of ['controller', 'function'] as const) {
      await host.enable();
      host.memory.bytes.fill(0, 0x5000, 0x6000);
      await host.createPair();
      host.memory.bytes.fill(kind.length, 0x2_0000, 0x2_0200);
      expect((await host.command(1, block(0x01, 3))).status).toBe(0);
      for (let i = 0; i < 9; i++) host.lay(1, block(0x02, i));
      host.ring(1);
      await host.scheduler.delay(7);
      if (kind === 'controller') host.hardware.hostWrite(0x14, 0);
      else host.hardware.resetFunction();
      await host.until(() => host.hardware.hostRead(0x1c) === 0);
      const stored = new Uint8Array(512);
      host.media.read(3 * 512, stored);
      expect([...new Set(stored)]).toEqual([kind.length]);
    }
    // The function's reset takes the admin queues too.
    expect([0x24, 0x28, 0x30].map(offset => host.hardware.hostRead(offset))).toEqual([0, 0, 0]);
    expect(host.hardware.hostRead(0x08)).toBe(0x0001_0400);
  });
});

test('a configuration that cannot be shows as a fatal status until the reset (3.1.5, 3.1.6)', () => {
  const host = new RawHost();
  const { hardware } = host;
  /** Registers beside what `enable` would write. */
  const wrong: readonly (readonly [offset: number, value: number])[] = [
    [0x14, 0x0046_0281], // MPS 5: 128 KiB
    [0x14, 0x0046_0011], // CSS 1
    [0x14, 0x0046_0801], // AMS 1: weighted round robin
    [0x24, 7 << 16], // one submission
    [0x24, 7], // one completion
  ];
  return host.run(async () => {
    await host.enable();
    for (const [offset, value] of wrong) {
      hardware.hostWrite(0x14, 0);
      await host.until(() => hardware.hostRead(0x1c) === 0);
      hardware.hostWrite(0x24, (7 << 16) | 7);
      hardware.hostWrite(offset, value);
      if (offset !== 0x14) hardware.hostWrite(0x14, 0x0046_0001);
      await host.until(() => hardware.hostRead(0x1c) !== 0);
      expect([offset, value, hardware.hostRead(0x1c)]).toEqual([offset, value, 2]);
    }
    // With memory pages of 8 KiB, queues at 4 KiB are misplaced.
    hardware.hostWrite(0x14, 0);
    await host.until(() => hardware.hostRead(0x1c) === 0);
    hardware.hostWrite(0x24, (7 << 16) | 7);
    hardware.hostWrite(0x14, 0x0046_0081);
    await host.until(() => hardware.hostRead(0x1c) === 2);
    hardware.hostWrite(0x14, 0);
    await host.until(() => hardware.hostRead(0x1c) === 0);
    await host.enable();
    expect(hardware.hostRead(0x1c)).toBe(1);
  });
});

test('queues that cannot be reached are fatal (CSTS.CFS)', () => {
  const cases = [
    (address: bigint) => address >= 0x4000n && address < 0x5000n,
    (address: bigint) => address >= 0x5000n && address < 0x6000n,
  ];
  return Promise.all(
    cases.map(refuse => {
      const host = new RawHost();
      return host.run(async () => {
        await host.enable();
        await host.createPair();
        host.hardware.refuse = refuse;
        host.lay(1, [0x00, 1]);
        host.ring(1);
        await host.until(() => (host.hardware.hostRead(0x1c) & 2) !== 0);
        host.hardware.refuse = () => false;
        const before = host.hardware.requests.length;
        host.lay(0, [0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        host.ring(0);
        await host.scheduler.delay(100);
        expect(host.hardware.requests.length).toBe(before);
        host.hardware.hostWrite(0x14, 0);
        await host.until(() => host.hardware.hostRead(0x1c) === 0);
        await host.enable();
        expect(await host.admin([0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])).toBe(0);
      });
    }),
  );
});

test('shutdown: commands end, the media is flushed, then SHST says so (7.6.2)', () => {
  let flushes = 0;
  const media = Object.assign(new MemoryBacking(new Uint8Array(1 << 16)), {
    flush: () => {
      flushes++;
    },
  });
  const host = new RawHost({ media, latency: () => 20 });
  return host.run(async () => {
    await host.enable();
    await host.createPair();
    for (let i = 0; i < 5; i++) host.lay(1, block(0x01, i));
    host.ring(1);
    await host.scheduler.delay(30);
    host.hardware.hostWrite(0x14, 0x0046_4001);
    await host.until(() => (host.hardware.hostRead(0x1c) & 0xc) === 4);
    expect(flushes).toBe(0);
    await host.until(() => (host.hardware.hostRead(0x1c) & 0xc) === 8);
    expect(flushes).toBe(1);
    for (let i = 0; i < 5; i++) expect((await host.completion(1)).status).toBe(0);
    // Nothing is fetched before the next reset.
    const before = host.hardware.requests.length;
    host.lay(1, block(0x02, 0));
    host.ring(1);
    await host.scheduler.delay(100);
    expect(host.hardware.requests.length).toBe(before);
    host.hardware.hostWrite(0x14, 0);
    await host.until(() => host.hardware.hostRead(0x1c) === 0);
    host.memory.bytes.fill(0, 0x5000, 0x6000);
    await host.enable();
    expect(host.hardware.hostRead(0x1c)).toBe(1);
  });
});

test('the driver resets in the middle of I/O, and nothing is lost', () => {
  const dice = random(21);
  const on = new Computer({ hardware: { latency: () => 1 + dice.below(50), bufferBytes: 65_536 } });
  return on.run(async () => {
    const driver = await on.probe({ queues: 3, retries: 8 });
    const [namespace] = driver.namespaces;
    const data = dice.bytes(64 * 4096);
    const buffer = on.buffer(data);
    const writes = Array.from({ length: 64 }, (_, i) =>
      namespace?.write(8 * i, [{ base: buffer.base + BigInt(4096 * i), bytes: 4096n }]),
    );
    for (let i = 0; i < 3; i++) {
      await on.scheduler.delay(100 + dice.below(100));
      await driver.reset();
    }
    await Promise.all(writes);
    await namespace?.compare(0, [buffer]);
    expect(driver.statistics.resets).toBe(3);
    expect(driver.statistics.retries).toBeGreaterThan(0);
  });
});

test('a command that does not end is looked for, then aborted, then the controller is reset', () => {
  const on = new Computer();
  return on.run(async () => {
    const driver = await on.probe({ timeoutCycles: 5000 });
    const [namespace] = driver.namespaces;
    // The interrupt was lost: the completion is there.
    on.loseInterrupt = () => true;
    await namespace?.flush();
    expect(driver.statistics).toEqual({ lostInterrupts: 1, aborts: 0, resets: 0, retries: 0 });
    on.loseInterrupt = () => false;
    // The doorbell was lost: nothing is there to be aborted, so the controller is reset, and the command tried again.
    let lost = 0;
    on.loseDoorbell = offset => offset === 0x1008 && lost++ === 0;
    await namespace?.flush();
    expect(driver.statistics).toEqual({ lostInterrupts: 1, aborts: 1, resets: 1, retries: 1 });
    await namespace?.flush();
  });
});

test('a controller that comes up no more is told as such', () => {
  const on = new Computer();
  return on.run(async () => {
    const driver = await on.probe({ timeoutCycles: 5000 });
    on.hardware.refuse = () => true;
    await expect(driver.namespaces[0]?.flush()).rejects.toThrow('did not come up after a reset');
    on.hardware.refuse = () => false;
    await expect(driver.namespaces[0]?.flush()).rejects.toThrow('did not come up after a reset');
  });
});

test('closing shuts the controller down, and it can be probed again', () => {
  const on = new Computer();
  return on.run(async () => {
    const driver = await on.probe({ queues: 2 });
    const events: unknown[] = [];
    driver.onEvent(event => events.push(event));
    on.hardware.hostWrite(0x1008, 5000);
    await on.scheduler.delay(500);
    expect(events).toEqual([{ type: 0, information: 1, page: 1 }]);
    await driver.close();
    expect(on.hardware.hostRead(0x1c)).toBe(0);
    await expect(driver.namespaces[0]?.flush()).rejects.toThrow('was closed');
    const again = await on.probe();
    await again.namespaces[0]?.flush();
  });
});

test('what is no controller is refused', () => {
  const on = new Computer();
  return on.run(async () => {
    const nobody = { ...on.platform, readRegister: async () => 0 };
    await expect(NvmeDriver.probe(nobody)).rejects.toThrow('is no NVMe controller');
    const gone = { ...on.platform, readRegister: async () => 0xffff_ffff };
    await expect(NvmeDriver.probe(gone)).rejects.toThrow('memory pages');
  });
});
