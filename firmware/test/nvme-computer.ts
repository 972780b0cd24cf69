import { MemoryBacking } from '../device/src/backing.ts';
import type { NvmeMedia } from '../device/src/nvme/hardware.ts';
import { NvmeController, type NvmeOptions } from '../device/src/nvme/index.ts';
import { HostMemoryPool } from '../host/src/host-memory-pool.ts';
import { NvmeDriver, type NvmeDriverOptions, type NvmePlatform } from '../host/src/nvme/index.ts';
import type { AddressRange } from '../host/src/pci-function.ts';
import { doublePlatform } from './double-platform.ts';
import { type DoubleOptions, Memory, NvmeDouble, softwareScheduler } from './nvme-double.ts';

export interface ComputerOptions {
  readonly capacity?: number;
  readonly media?: NvmeMedia;
  readonly hardware?: Partial<Omit<DoubleOptions, 'media' | 'reach'>>;
  readonly firmware?: NvmeOptions;
}

/** A computer with one controller, on which the driver runs. */
export class Computer {
  readonly scheduler = softwareScheduler();
  readonly memory = new Memory(0x10_0000n, 16 << 20);
  readonly pool = new HostMemoryPool({ base: this.memory.base, bytes: BigInt(this.memory.bytes.length) });
  readonly media: NvmeMedia;
  readonly hardware: NvmeDouble;
  readonly platform: NvmePlatform;
  /** Doorbell writes are lost while this says so. */
  loseDoorbell: (offset: number) => boolean = () => false;
  /** Interrupts are lost while this says so. */
  loseInterrupt: () => boolean = () => false;

  constructor(options: ComputerOptions = {}) {
    const { capacity = 1 << 20, media = new MemoryBacking(new Uint8Array(capacity)) } = options;
    this.media = media;
    this.hardware = new NvmeDouble(this.scheduler, { ...options.hardware, media, reach: [this.memory] });
    this.platform = doublePlatform(this, {
      onInterrupt: () => !this.loseInterrupt(),
      loses: offset => offset >= 0x1000 && this.loseDoorbell(offset),
    });
    NvmeController.start(this.hardware, options.firmware);
  }

  run<T>(main: () => Promise<T>): Promise<T> {
    return this.scheduler.run(main);
  }

  /** The firmware needs a moment after power up. */
  async probe(options: NvmeDriverOptions = {}): Promise<NvmeDriver> {
    await this.scheduler.delay(100);
    return NvmeDriver.probe(this.platform, { timeoutCycles: 20_000, ...options });
  }

  /** A buffer in host memory with this content. */
  buffer(data: Uint8Array, alignment = 4096): AddressRange {
    const range = this.pool.allocate(data.length, alignment);
    this.memory.write(range.base, data);
    return range;
  }

  /** What is in ranges of memory, one behind the other: host memory or BAR2. */
  content(ranges: readonly AddressRange[]): Uint8Array {
    return Buffer.concat(
      ranges.map(({ base, bytes }) => {
        const { bar2 } = this.hardware;
        return bar2?.has(base, Number(bytes)) ? bar2.read(base, Number(bytes)) : this.memory.read(base, Number(bytes));
      }),
    );
  }
}

/** A generator of random numbers that gives the same ones for a seed. */
export function random(seed: number) {
  let state = seed >>> 0 || 1;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  /** An integer from 0 to `limit` - 1. */
  const below = (limit: number): number => Math.floor(next() * limit);
  const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, () => below(256));
  return { below, bytes, pick: <T>(items: readonly T[]): T => items[below(items.length)] as T };
}
