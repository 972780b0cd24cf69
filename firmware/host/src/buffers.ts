import { Pool } from '../../semaphore.ts';
import type { BlockDriver } from './block-driver.ts';
import type { Host } from './host.ts';
import { HostError } from './host-error.ts';
import type { AddressRange } from './pci-function.ts';

/** Buffers of one kind that are used at most; more make nothing faster. */
const mostBuffers = 8;

/** Equal buffers for chunks of data, lent one at a time in the order of asking. */
export class Buffers {
  private readonly pool: Pool<bigint>;
  private readonly giveBack: () => void;

  private constructor(area: AddressRange, chunkBytes: number, count: number, giveBack: () => void) {
    this.pool = new Pool(Array.from({ length: count }, (_, i) => area.base + BigInt(i * chunkBytes)));
    this.giveBack = giveBack;
  }

  /** Buffers in a drive's BAR memory. @throws HostError if not one fits. */
  static inDrive(drive: BlockDriver, chunkBytes: number): Buffers {
    const memory = barMemory(drive);
    const count = Math.min(mostBuffers, Math.floor(Number(memory.bytes) / chunkBytes));
    if (count < 1)
      throw new HostError(`a chunk of ${chunkBytes} bytes does not fit the ${memory.bytes} bytes of BAR memory of ${drive.name}`);
    return new Buffers(memory, chunkBytes, count, () => {});
  }

  /** Buffers in the host's data memory, which `close` gives back. @throws HostError if not one fits. */
  static inHost(host: Host, chunkBytes: number): Buffers {
    const count = Math.min(mostBuffers, Number(host.data.available / BigInt(chunkBytes)));
    if (count < 1)
      throw new HostError(`a chunk of ${chunkBytes} bytes does not fit the ${host.data.available} free bytes of host memory`);
    const area = host.data.allocate(count * chunkBytes, 4096);
    return new Buffers(area, chunkBytes, count, () => host.data.release(area));
  }

  /** Takes a buffer; waits until one is free. @returns its PCIe address. */
  acquire(): Promise<bigint> {
    return this.pool.acquire();
  }

  /** Gives a buffer back. */
  release(buffer: bigint): void {
    this.pool.release(buffer);
  }

  /** Gives the memory back; the buffers must not be used any more. */
  close(): void {
    this.giveBack();
  }
}

/** A drive's BAR memory. @throws HostError if it has none. */
export function barMemory(drive: BlockDriver): AddressRange {
  if (!drive.memory)
    throw new HostError(`${drive.name} has no BAR memory, and the flow needs it as a buffer: choose another flow`);
  return drive.memory;
}
