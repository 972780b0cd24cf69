import { defaultTopology, LinkModel } from '@hdl/pcie-rtl';
import { Testbench } from '@hdl/testbench';
import { expect, test } from 'vitest';
import { DmaEngine } from '../device/src/dma-engine.ts';
import { BlockDeviceFirmware, MemoryBacking } from '../device/src/index.ts';
import { registers } from '../device/src/registers.ts';
import { allFunctions, BlockDriver, Host } from '../host/src/index.ts';
import { at, randomBytes } from './bench.ts';

const bytes = 2048;

test('C63: data to a busy peer, then the entry to the host: without read-back the entry is seen before the data has arrived, with it never', async () => {
  // A narrow link to the second drive, which the third one keeps busy: data for it waits in the switch, and nothing else has to.
  const slow = () => new LinkModel({ width: 256, clock_mhz: 250, generation: 1, lanes: 1, max_payload: 256, latency_ns: 100 });
  using testbench = await Testbench.create({
    topology: defaultTopology(),
    between: link => (link === 'drive1' ? slow() : undefined),
  });
  const { scheduler } = testbench;
  const [drive, other] = [at(testbench.devices, 0), at(testbench.devices, 2)];
  const host = new Host(testbench, { timeoutCycles: 100_000 });
  await scheduler.run(async () => {
    const tree = await host.enumerate();
    const endpoints = [...allFunctions(tree.functions)].filter(each => !each.bridge);
    const base = at(endpoints, 1).bars.find(bar => bar.index === 2)?.address ?? 0n;
    const entry = host.data.range.base;
    const writesOf = async (device: typeof drive) => {
      const engine = new DmaEngine(device, 'write_dma');
      await device.write(registers.event_enable.offset, registers.event_enable.write_dma.set(0, 1));
      const ended = async () => {
        await device.interrupt();
        await device.write(registers.events.offset, registers.events.write_dma.set(0, 1));
        engine.ended();
      };
      return { engine, ended };
    };
    const [writes, traffic] = [await writesOf(drive), await writesOf(other)];
    /** Lets the third drive write to the second one, and ends when the way there is full. */
    const load = async () => {
      const done = traffic.engine.run({ address: base + 16_384n, offset: 0, length: 4 * bytes, memory: true });
      await scheduler.delay(1000);
      return { end: () => Promise.all([done, traffic.ended()]) };
    };
    /** The end of what was written, as the host reads it from the peer. */
    const arrived = async (data: Uint8Array) => {
      const found = await host.memory.read(base + BigInt(bytes - 64), 64);
      return Buffer.compare(found, data.subarray(bytes - 64)) === 0;
    };

    for (const [round, flush] of [false, true].entries()) {
      const busy = await load();
      const data = randomBytes(bytes, round + 1);
      const outcome = writes.engine.run({ address: base, length: bytes, flush }, () => drive.mediaIn.write(data));
      await writes.ended();
      expect(await outcome).toBe(0);
      await drive.write(registers.post_low.offset, Number(entry & 0xffff_ffffn));
      await drive.write(registers.post_high.offset, Number(entry >> 32n));
      await drive.write(registers.post_data.offset, round + 1);
      while (host.readMemory(entry, 4)[0] !== round + 1) await scheduler.delay(10);
      expect(await arrived(data), flush ? 'the data was there before the entry' : 'the race that read-back is for').toBe(flush);
      await busy.end();
    }

    // A block device does it by itself.
    const media = new MemoryBacking(randomBytes(bytes, 4));
    BlockDeviceFirmware.start(scheduler, drive, media);
    const driver = await BlockDriver.probe(host, at(endpoints, 0), { name: 'drive0' });
    await load();
    await driver.read(0, bytes, base);
    expect(await arrived(media.bytes)).toBe(true);
  });
});
