import type { DmaClient } from '../host/src/p2pdma/client.ts';
import { type DmaOps, identityDma } from '../host/src/p2pdma/dma-ops.ts';
import { Errno, type ErrnoCode } from '../host/src/p2pdma/errno.ts';
import { PhysicalMemory } from '../host/src/p2pdma/pagemap.ts';
import { type BarRange, Provider } from '../host/src/p2pdma/provider.ts';
import type { HostBridge, PciNode } from '../host/src/p2pdma/tree.ts';

export const KiB = 1024n;
export const MiB = 1024n * KiB;
export const plain: HostBridge = { name: 'plain', vendor: 0x1234, device: 1, identifies: true };
export const listed: HostBridge = { name: 'listed', vendor: 0x8086, device: 0x2030, identifies: true };

/** The switch of the standard topology T1: a NIC, two drives, a GPU and a memory card below one switch; `acs` by device is that of its port. */
export function t1(host: HostBridge = plain, acs: { readonly [device: string]: number } = {}) {
  const root: PciNode = { name: 'root0', kind: 'root port', host };
  const upstream: PciNode = { name: 'upstream', kind: 'upstream port', host, up: root };
  const below = (name: string): PciNode => {
    const control = acs[name];
    const port: PciNode = {
      name: `port of ${name}`,
      kind: 'downstream port',
      host,
      up: upstream,
      ...(control === undefined ? {} : { acs: control }),
    };
    return { name, kind: 'endpoint', host, up: port };
  };
  return { nic: below('nic'), nvme0: below('nvme0'), nvme1: below('nvme1'), gpu: below('gpu'), card: below('card') };
}

/** The standard topology T2: two root ports with a device each. */
export function t2(hostA: HostBridge = plain, hostB: HostBridge = hostA) {
  const below = (name: string, host: HostBridge): PciNode => ({
    name,
    kind: 'endpoint',
    host,
    up: { name: `root port of ${name}`, kind: 'root port', host },
  });
  return { a: below('a', hostA), b: below('b', hostB) };
}

/** A function as client. */
export const client = (pci: PciNode, dma: DmaOps = identityDma): DmaClient => ({ name: pci.name, pci, dma });

export const ram = { base: 0n, bytes: 64n * MiB };
export const newMemory = () => new PhysicalMemory([ram]);
export const barAt = (cpu: bigint, bytes: bigint, busOffset = 0n, index = 2): BarRange => ({
  index,
  kind: 'memory',
  cpu,
  bytes,
  busOffset,
});

/** A provider with all of BAR 2 in its pool; BAR 4 is I/O. */
export function provider(memory: PhysicalMemory, device: PciNode, cpu: bigint, bytes: bigint, busOffset = 0n): Provider {
  const made = new Provider({
    device,
    memory,
    bars: [barAt(cpu, bytes, busOffset), { ...barAt(0n, 256n), index: 4, kind: 'io' }],
  });
  made.addResource(2);
  return made;
}

/** The error number of a call, or none. */
export const code = (call: () => unknown): ErrnoCode | 'none' => {
  try {
    call();
    return 'none';
  } catch (error) {
    if (error instanceof Errno) return error.code;
    throw error;
  }
};

/** As `code`, for calls that wait. */
export const codeOf = (call: Promise<unknown>): Promise<ErrnoCode | 'none'> =>
  call.then(
    () => 'none',
    error => {
      if (error instanceof Errno) return error.code;
      throw error;
    },
  );

/** The value, which has to be there. */
export function there<T>(value: T | undefined): T {
  if (value === undefined) throw new RangeError('it is not there');
  return value;
}

/** Whether a promise is settled after everything that can go on has gone on. */
export async function settled(promise: Promise<unknown>): Promise<boolean> {
  let done = false;
  const note = () => {
    done = true;
  };
  promise.then(note, note);
  await new Promise(resolve => setImmediate(resolve));
  return done;
}

/** RAM that counts what it gave out. */
export function systemMemory() {
  const live = new Set<bigint>();
  let next = 0x10_0000n;
  return {
    live,
    alloc: (bytes: bigint) => {
      const cpu = next;
      next += ((bytes + 4095n) / 4096n) * 4096n;
      live.add(cpu);
      return cpu;
    },
    free: (cpu: bigint) => void live.delete(cpu),
  };
}
