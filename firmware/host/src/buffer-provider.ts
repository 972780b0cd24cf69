import { type DevicePlatform, pageBytes } from './device-platform.ts';
import { HostError } from './host-error.ts';
import { HostMemoryPool } from './host-memory-pool.ts';

/** Memory of a pool. */
export interface BufferMemory {
  /** Address that devices use. */
  readonly bus: bigint;
  readonly bytes: bigint;
}

/** Where a driver gives its device's memory to, and takes what it needs itself: a `Provider` of p2pdma is one. */
export interface BufferProvider {
  /** @throws if the memory cannot be provided. */
  addResource(bar: number, offset: bigint, bytes: bigint): void;
  publish(on: boolean): void;
  alloc(bytes: bigint): BufferMemory | undefined;
  free(memory: BufferMemory): void;
}

/** For a computer without p2pdma: a pool of the driver's own, in pages. */
export function localProvider(platform: DevicePlatform): BufferProvider {
  let pool: HostMemoryPool | undefined;
  return {
    addResource(index, offset, bytes) {
      const bar = platform.bar(index);
      if (bar) pool = new HostMemoryPool({ base: bar.base + offset, bytes });
    },
    publish() {},
    alloc(bytes) {
      try {
        const range = pool?.allocate(bytes, pageBytes);
        return range && { bus: range.base, bytes: range.bytes };
      } catch (error) {
        if (error instanceof HostError) return undefined;
        throw error;
      }
    },
    free: ({ bus, bytes }) => pool?.release({ base: bus, bytes }),
  };
}
