import type { DevicePlatform } from '../host/src/device-platform.ts';
import type { HostMemoryPool } from '../host/src/host-memory-pool.ts';
import type { EndpointDouble, Memory } from './endpoint-double.ts';

/** A computer whose device is software, with registers that the host reaches. */
export interface DoubleComputer {
  readonly hardware: EndpointDouble & {
    hostRead(offset: number): number;
    hostWrite(offset: number, value: number): void;
  };
  readonly memory: Memory;
  readonly pool: HostMemoryPool;
}

export interface DoublePlatformOptions {
  /** Told of each interrupt; false loses it. */
  readonly onInterrupt?: (vector: number) => boolean;
  /** Whether the write of a register is lost. */
  readonly loses?: (offset: number) => boolean;
}

/** What a driver sees of a computer: registers 2 cycles away, interrupts 3. */
export function doublePlatform({ hardware, memory, pool }: DoubleComputer, options: DoublePlatformOptions = {}): DevicePlatform {
  const { scheduler } = hardware;
  const handlers = new Map<number, () => void>();
  hardware.onInterrupt = vector => {
    const passes = options.onInterrupt?.(vector) ?? true;
    const handler = handlers.get(vector);
    if (!handler || !passes) return;
    scheduler.spawn('interrupt handler', async () => {
      await scheduler.delay(3);
      handler();
    });
  };
  return {
    name: hardware.name,
    scheduler,
    vectors: hardware.vectors,
    memory: {
      allocate: (bytes, alignment) => pool.allocate(bytes, alignment),
      release: range => pool.release(range),
      read: (address, bytes) => memory.read(address, bytes),
      write: (address, data) => memory.write(address, data),
    },
    async readRegister(offset) {
      await scheduler.delay(2);
      return hardware.hostRead(offset);
    },
    async writeRegister(offset, value) {
      if (options.loses?.(offset) !== true) hardware.hostWrite(offset, value);
    },
    async connect(vector, handler) {
      handlers.set(vector, handler);
    },
    bar: index =>
      index === 2 && hardware.bar2 ? { base: hardware.bar2.base, bytes: BigInt(hardware.bar2.bytes.length) } : undefined,
    async writeBar(address, data) {
      await scheduler.delay(2);
      hardware.bar2?.write(address, data);
    },
  };
}
