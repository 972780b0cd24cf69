/**
 * A real ext4 file system goes from drive to drive, peer to peer, over a fabric on RTL, and has to be one there: `npx tsx firmware/test/ext4-copy.ts --mib 64 --engine
 * verilator`. Needs `mke2fs` and `e2fsck`. The tests do the same with 256 KiB (`fabric-p2p.test.ts`).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { topology } from '@hdl/pcie-rtl';
import { embedded } from '@hdl/ts-hdl';
import { verilator } from '@hdl/verilator-wrapper';
import { allocBuffer } from '../host/src/p2pdma/index.ts';
import { at } from './bench.ts';
import { checkExt4, ext4Installed, makeExt4 } from './ext4.ts';
import { FabricComputer } from './fabric-computer.ts';
import { there } from './p2pdma-bench.ts';

const block = 512;
/** Bytes that go at a time, and how many copies are under way. */
const chunk = 65_536;
const workers = 3;
const memory_bytes = 256 * 1024;

/** Reads from the first drive into the memory of the second one, which writes what is there: flow E3. */
async function copyDrive(on: FabricComputer, bytes: number): Promise<void> {
  const [from, to] = [at(on.drives, 0), at(on.drives, 1)];
  const [source, target] = [at(from.driver.namespaces, 0), at(to.driver.namespaces, 0)];
  const { computer } = on;
  let next = 0;
  const worker = async () => {
    const via = allocBuffer(BigInt(chunk), to.provider, computer.system);
    const piece = { cpu: via.cpu, bytes: BigInt(chunk) };
    for (let start = next; start < bytes; start = next) {
      next += chunk;
      const read = computer.map(computer.client(from.device), piece, 'write');
      await source.read(start / block, read.ranges);
      read.unmap();
      const written = computer.map(computer.client(to.device), piece, 'read');
      await target.write(start / block, written.ranges);
      written.unmap();
    }
    via.free();
  };
  await Promise.all(Array.from({ length: workers }, worker));
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { mib: { type: 'string', default: '64' }, engine: { type: 'string', default: 'verilator' } },
  });
  const mib = Number(values.mib);
  if (!Number.isInteger(mib) || mib < 1) throw new Error(`--mib is a whole number from 1, not ${values.mib}`);
  if (values.engine !== 'verilator' && values.engine !== 'embedded')
    throw new Error(`--engine is verilator or embedded, not ${values.engine}`);
  if (!ext4Installed) throw new Error('mke2fs and e2fsck are needed: install e2fsprogs');
  const folder = mkdtempSync(join(tmpdir(), 'ext4-'));
  try {
    const image = makeExt4(folder, mib * 1024);
    const drive = { parent: 'switch0', kind: 'nvme', queues: 4, memory_bytes } as const;
    const log = (line: string) => void process.stderr.write(`${line}\n`);
    using on = await FabricComputer.start({
      topology: topology({
        switches: [{ name: 'switch0', parent: 'root' }],
        endpoints: [
          { ...drive, name: 'nvme0' },
          { ...drive, name: 'nvme1' },
        ],
      }),
      engine: values.engine === 'embedded' ? embedded : (design, options) => verilator(design, { ...options, log }),
      capacity: image.length,
    });
    const { scheduler } = on.testbench;
    at(on.drives, 0).media.bytes.set(image);
    at(on.drives, 1).media.bytes.fill(0);
    on.countData(on.computer.buffers, ...on.drives.map(({ driver }) => there(driver.memoryBuffer).range));
    const begin = scheduler.now;
    const cpu = process.cpuUsage();
    await scheduler.run(() => copyDrive(on, image.length));
    const { user, system } = process.cpuUsage(cpu);
    const [down = 0, up = 0] = on.data().root ?? [];
    const copied = at(on.drives, 1).media.bytes;
    const { status, says } = checkExt4(folder, copied);
    const equal = Buffer.compare(image, copied) === 0;
    process.stdout.write(
      `${mib} MiB of ext4 from nvme0 to nvme1 on ${values.engine}: ${(scheduler.now - begin).toLocaleString('en-US')} cycles, ` +
        `${((user + system) / 1e6).toFixed(0)} s of CPU time\n` +
        `bytes ${equal ? 'equal' : 'DIFFER'}; data on the root link: ${down + up}; e2fsck -fn ends with ${status}\n${says}`,
    );
    return equal && status === 0 && down + up === 0 ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

process.exitCode = await main();
