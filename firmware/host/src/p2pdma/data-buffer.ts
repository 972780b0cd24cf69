import type { P2pBus } from './bus.ts';
import type { DmaClient } from './client.ts';
import { findMany } from './find.ts';
import type { Direction } from './host-bridges.ts';
import type { Provider } from './provider.ts';

/** RAM for buffers: what is used where no peer's memory is. */
export interface SystemMemory {
  alloc(bytes: bigint): bigint;
  free(cpu: bigint): void;
}

/** A buffer that clients share. */
export interface DataBuffer {
  /** The processor's address. */
  readonly cpu: bigint;
  readonly bytes: bigint;
  /** Whose memory it is; none for RAM. */
  readonly provider?: Provider;
  free(): void;
}

/** Memory of a provider if it has any left, else of the system: one buffer is never in both (E6). */
export function allocBuffer(bytes: bigint, provider: Provider | undefined, system: SystemMemory): DataBuffer {
  const memory = provider?.alloc(bytes);
  if (provider && memory) return { cpu: memory.cpu, bytes: memory.bytes, provider, free: () => provider.free(memory) };
  const cpu = system.alloc(bytes);
  return { cpu, bytes, free: () => system.free(cpu) };
}

/** A buffer for clients: in the nearest provider that all of them reach, else in system memory (M1-9, M1-15). */
export function bufferFor(
  bytes: bigint,
  clients: readonly DmaClient[],
  from: {
    readonly bus: P2pBus;
    readonly providers: readonly Provider[];
    readonly system: SystemMemory;
    readonly direction?: Direction;
    readonly choose?: (count: number) => number;
  },
): DataBuffer {
  return allocBuffer(bytes, findMany(from.providers, clients, from), from.system);
}
