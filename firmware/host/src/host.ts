import type { RootPort, Scheduler } from '../../ports.ts';
import { ConfigAccess } from './config-access.ts';
import { type EnumerateOptions, enumerate, type PciTree } from './enumerate.ts';
import { HostError } from './host-error.ts';
import { HostMemoryPool } from './host-memory-pool.ts';
import { InterruptController } from './interrupts.ts';
import { MemoryAccess } from './memory-access.ts';
import { Requester, type RequesterOptions } from './requester.ts';

/** Bytes of host memory for what devices write for the driver itself; the rest is for data. */
const controlBytes = 64n * 1024n;

export interface HostOptions extends RequesterOptions {
  /** Simulated cycles from an interrupt message at the root port to its handler. 20 by default. */
  readonly interruptCycles?: number;
}

/**
 * The computer at the root ports: its processor's accesses, its interrupt controller and its memory. It reaches the fabric only by TLPs at the
 * root port.
 */
export class Host {
  readonly requester: Requester;
  readonly config: ConfigAccess;
  readonly memory: MemoryAccess;
  readonly interrupts: InterruptController;
  /** Host memory for completion entries. */
  readonly control: HostMemoryPool;
  /** Host memory for user data. */
  readonly data: HostMemoryPool;
  readonly scheduler: Scheduler;
  private readonly root: RootPort;

  /** @throws HostError if the root port has too little memory. */
  constructor({ root, scheduler }: { readonly root: RootPort; readonly scheduler: Scheduler }, options: HostOptions = {}) {
    this.scheduler = scheduler;
    this.root = root;
    this.requester = new Requester(root, scheduler, options);
    this.config = new ConfigAccess(this.requester, root.ports);
    this.memory = new MemoryAccess(this.requester);
    this.interrupts = new InterruptController(this.requester, scheduler, options.interruptCycles ?? 20);
    const base = root.hostMemory.base;
    const bytes = BigInt(root.hostMemory.bytes);
    if (bytes <= controlBytes) throw new HostError(`the host needs more than ${controlBytes} bytes of memory, and has ${bytes}`);
    this.control = new HostMemoryPool({ base, bytes: controlBytes });
    this.data = new HostMemoryPool({ base: base + controlBytes, bytes: bytes - controlBytes });
  }

  /** The processor's view of host memory: a copy of the bytes at a bus address. */
  readMemory(address: bigint, bytes: number): Uint8Array {
    return this.root.hostMemory.read(address, bytes);
  }

  /** Stores bytes in host memory. */
  writeMemory(address: bigint, data: Uint8Array): void {
    this.root.hostMemory.write(address, data);
  }

  /** Brings up the fabric, the root port's own payload limit included. @throws HostError as `enumerate` does, and where there are several root ports. */
  async enumerate(options: EnumerateOptions = {}): Promise<PciTree> {
    if (this.root.ports > 1)
      throw new HostError(
        `there are ${this.root.ports} root ports, and this way to bring a fabric up knows one: use \`Computer.boot\``,
      );
    const tree = await enumerate(this.config, options);
    this.root.setMaxPayload(tree.maxPayload);
    return tree;
  }
}
