import { defaultTopology } from '@hdl/pcie-rtl';
import { Testbench } from '@hdl/testbench';
import { embedded } from '@hdl/ts-hdl';
import { verilator } from '@hdl/verilator-wrapper';
import { expect, test } from 'vitest';
import { BlockDeviceFirmware, MemoryBacking } from '../device/src/index.ts';
import { allFunctions, BlockDriver, copyFile, type Flow, Host } from '../host/src/index.ts';
import { Lockstep } from './lockstep.ts';

// The first one waits for the C++ compiler.
const limit = { timeout: 300_000 };

test.each<Flow>(['peer-write', 'peer-read', 'host-memory'])(
  'both engines agree in every cycle of a %s copy',
  limit,
  async flow => {
    const bytes = 3001;
    const data = Uint8Array.from({ length: bytes }, (_, i) => (i * 7 + (i >> 8)) & 0xff);
    let lockstep: Lockstep | undefined;
    using bench = await Testbench.create({
      topology: defaultTopology(),
      engine: (design, options) => {
        lockstep = new Lockstep(embedded(design, options), verilator(design, options));
        return lockstep;
      },
    });
    const target = new MemoryBacking(new Uint8Array(8192));
    const source = new MemoryBacking(new Uint8Array(8192));
    source.write(0, data);
    await bench.scheduler.run(async () => {
      const host = new Host(bench);
      const tree = await host.enumerate();
      const endpoints = [...allFunctions(tree.functions)].filter(f => !f.bridge);
      const drives: BlockDriver[] = [];
      for (const [i, backing] of [source, target].entries()) {
        const [device, endpoint] = [bench.devices[i], endpoints[i]];
        if (!device || !endpoint) throw new Error('the default topology has two drives');
        BlockDeviceFirmware.start(bench.scheduler, device, backing);
        drives.push(await BlockDriver.probe(host, endpoint));
      }
      const [from, to] = drives;
      if (from && to) await copyFile({ source: from, target: to, length: bytes, flow, chunkBytes: 1024 });
    });
    expect(Buffer.compare(target.bytes.subarray(0, bytes), data)).toBe(0);
    expect(bench.simulation.cycle).toBeGreaterThan(3000);
    expect(lockstep?.differences()).toEqual([]);
  },
);
