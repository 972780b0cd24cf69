import { Scheduler } from '../../sim/testbench/src/scheduler.ts';
import {
  type DeviceHardware,
  DmaError,
  type HardwareEvent,
  type MemoryBuffer,
  type Place,
} from '../device/src/endpoint/hardware.ts';

/** A computer without a fabric: a host's memory and an endpoint's hardware in one, for tests of firmware and driver that need no RTL. */

/** Time goes on only when nobody has anything to do. */
export function softwareScheduler(): Scheduler {
  let cycle = 0;
  return new Scheduler({
    get cycle() {
      return cycle;
    },
    advance(cycles) {
      cycle += cycles;
      return false;
    },
  });
}

/** Memory at bus addresses. */
export class Memory {
  readonly base: bigint;
  readonly bytes: Uint8Array;

  constructor(base: bigint, bytes: number) {
    this.base = base;
    this.bytes = new Uint8Array(bytes);
  }

  has(address: bigint, bytes: number): boolean {
    return address >= this.base && address + BigInt(bytes) <= this.base + BigInt(this.bytes.length);
  }

  at(address: bigint, bytes: number): Uint8Array {
    if (!this.has(address, bytes)) throw new RangeError(`${bytes} bytes at 0x${address.toString(16)} are not in this memory`);
    const offset = Number(address - this.base);
    return this.bytes.subarray(offset, offset + bytes);
  }

  read(address: bigint, bytes: number): Uint8Array {
    return this.at(address, bytes).slice();
  }

  write(address: bigint, data: Uint8Array): void {
    this.at(address, data.length).set(data);
  }
}

export interface EndpointDoubleOptions {
  readonly name?: string;
  /** Bytes of the memory buffer, in BAR2 at offset 4096; none by default. */
  readonly bufferBytes?: number;
  readonly vectors?: number;
  readonly doorbells?: number;
  readonly doorbellStride?: number;
  /** Cycles of a DMA request; by default one. A test may make them random, so that requests overtake each other. */
  readonly latency?: () => number;
  /** Memories that the endpoint reaches, host memory among them. */
  readonly reach: readonly Memory[];
}

/** The endpoint: what the firmware sees of it is `DeviceHardware`; what the host sees is the matter of the device. */
export class EndpointDouble implements DeviceHardware {
  readonly name: string;
  readonly scheduler: Scheduler;
  readonly vectors: number;
  readonly doorbells: number;
  readonly doorbellStride: number;
  readonly memoryBuffer?: MemoryBuffer;
  /** BAR2: 4096 bytes that are not the buffer's, then the buffer. */
  readonly bar2: Memory | undefined;
  /** Requests that left for the fabric. */
  readonly requests: { readonly kind: 'read' | 'write'; readonly address: bigint; readonly bytes: number }[] = [];
  /** Requests to these addresses are refused. */
  refuse: (address: bigint, kind: 'read' | 'write') => boolean = () => false;
  /** Called for each MSI-X message. */
  onInterrupt: (vector: number) => void = () => {};
  protected readonly registers: DataView;
  private readonly reach: readonly Memory[];
  private readonly latency: () => number;
  private readonly events: HardwareEvent[] = [];
  private waiter: ((event: HardwareEvent) => void) | undefined;

  /** `registerBytes` are shared by host and firmware. */
  constructor(scheduler: Scheduler, registerBytes: number, options: EndpointDoubleOptions & { readonly name: string }) {
    this.scheduler = scheduler;
    this.registers = new DataView(new ArrayBuffer(registerBytes));
    this.name = options.name;
    this.vectors = options.vectors ?? 8;
    this.doorbells = options.doorbells ?? 32;
    this.doorbellStride = options.doorbellStride ?? 4;
    this.latency = options.latency ?? (() => 1);
    this.reach = options.reach;
    const bytes = options.bufferBytes ?? 0;
    if (bytes > 0) {
      this.memoryBuffer = { bar: 2, offset: 4096, bytes };
      this.bar2 = new Memory(0x40_0000_0000n, 4096 + bytes);
    }
  }

  /** A function level reset. */
  resetFunction(): void {
    this.raise({ kind: 'function reset' });
  }

  async readRegister(offset: number): Promise<number> {
    return this.registers.getUint32(offset, true);
  }

  async writeRegister(offset: number, value: number): Promise<void> {
    this.registers.setUint32(offset, value, true);
  }

  nextEvent(): Promise<HardwareEvent> {
    const event = this.events.shift();
    return event
      ? Promise.resolve(event)
      : new Promise(resolve => {
          this.waiter = resolve;
        });
  }

  async read(place: Place, bytes: number): Promise<Uint8Array> {
    return (await this.memoryOf(place, bytes, 'read')).slice();
  }

  async write(place: Place, data: Uint8Array): Promise<void> {
    (await this.memoryOf(place, data.length, 'write')).set(data);
  }

  async interrupt(vector: number): Promise<void> {
    this.onInterrupt(vector);
  }

  protected async memoryOf(place: Place, bytes: number, kind: 'read' | 'write'): Promise<Uint8Array> {
    if (place.in === 'memory buffer') {
      if (!this.bar2 || !this.memoryBuffer) throw new Error('there is no memory buffer');
      return this.bar2.at(this.bar2.base + BigInt(this.memoryBuffer.offset + place.offset), bytes);
    }
    this.requests.push({ kind, address: place.address, bytes });
    await this.scheduler.delay(this.latency());
    const memory = this.reach.find(each => each.has(place.address, bytes));
    if (!memory || this.refuse(place.address, kind)) throw new DmaError(`${kind} at 0x${place.address.toString(16)} was refused`);
    return memory.at(place.address, bytes);
  }

  /** Tells the firmware. */
  protected raise(event: HardwareEvent): void {
    const waiter = this.waiter;
    this.waiter = undefined;
    if (waiter) waiter(event);
    else this.events.push(event);
  }
}
