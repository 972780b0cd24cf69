import { firmwareMailboxOffset, firmwareMap } from '@hdl/pcie-rtl';
import { accessors } from '@hdl/ts-hdl';
import type { FirmwareDevice, Scheduler } from '../../../ports.ts';
import { EndpointEngine, type EngineRegisters } from './endpoint-engine.ts';
import { EndpointStreams, type StreamEngines } from './endpoint-streams.ts';
import {
  type DeviceHardware,
  DmaError,
  type HardwareEvent,
  type MemoryBuffer,
  type Place,
  type WriteOptions,
} from './hardware.ts';

/** What the firmware must know of how its endpoint was built. */
export interface EndpointDescription {
  readonly vectors: number;
  readonly doorbells: { readonly count: number; readonly stride: number };
  /** The registers that host and firmware share: their bytes, and the ranges whose writes are told, in the order of their bits. */
  readonly mailbox: {
    readonly bytes: number;
    readonly events?: readonly { readonly offset: number; readonly bytes: number }[];
  };
  readonly memoryBuffer?: MemoryBuffer;
  /** Byte offset of a word of the BAR memory that nobody else uses. */
  readonly spare: number;
}

const map = accessors(firmwareMap({ memory_bytes: 0, doorbells: { count: 1, stride: 4 }, vectors: 1 }));

const engineRegisters = (name: 'write_dma' | 'read_dma' | 'fill' | 'drain'): EngineRegisters => ({
  address_low: map[`${name}_address_low`].offset,
  address_high: map[`${name}_address_high`].offset,
  memory_offset: map[`${name}_memory_offset`].offset,
  length: map[`${name}_length`].offset,
  control: map[`${name}_control`].offset,
  status: map[`${name}_status`].offset,
});

/** Outcome of a job that went well. */
const success = 0;

/** An endpoint of the fabric, whose function 0 is the device: what its firmware sees by the firmware port and the media streams. */
export class FirmwareEndpoint implements DeviceHardware {
  readonly name: string;
  readonly scheduler: Scheduler;
  readonly vectors: number;
  readonly doorbells: number;
  readonly doorbellStride: number;
  readonly memoryBuffer?: MemoryBuffer;
  private readonly device: FirmwareDevice;
  private readonly description: EndpointDescription;
  private readonly engines: StreamEngines;
  private readonly streams: EndpointStreams;
  private readonly mailbox: number;
  private readonly events: HardwareEvent[] = [];
  private waiter: ((event: HardwareEvent) => void) | undefined;

  protected constructor(scheduler: Scheduler, device: FirmwareDevice, description: EndpointDescription) {
    this.name = device.name;
    this.scheduler = scheduler;
    this.device = device;
    this.description = description;
    this.vectors = description.vectors;
    this.doorbells = description.doorbells.count;
    this.doorbellStride = description.doorbells.stride;
    if (description.memoryBuffer) this.memoryBuffer = description.memoryBuffer;
    this.mailbox = firmwareMailboxOffset(description.mailbox.bytes);
    this.engines = {
      writeDma: new EndpointEngine(device, engineRegisters('write_dma')),
      readDma: new EndpointEngine(device, engineRegisters('read_dma')),
      fill: new EndpointEngine(device, engineRegisters('fill')),
      drain: new EndpointEngine(device, engineRegisters('drain')),
    };
    this.streams = new EndpointStreams(device, scheduler, this.engines, description.spare);
  }

  /** Prepares an endpoint after power up, when its shared registers may hold anything: they are 0 then, and its events are told. */
  static async boot(scheduler: Scheduler, device: FirmwareDevice, description: EndpointDescription): Promise<FirmwareEndpoint> {
    const hardware = new FirmwareEndpoint(scheduler, device, description);
    await hardware.prepare();
    return hardware;
  }

  protected async prepare(): Promise<void> {
    const { device, description, scheduler } = this;
    for (let offset = 0; offset < description.mailbox.bytes; offset += 4) await this.writeRegister(offset, 0);
    const { doorbell, write_dma, read_dma, fill, drain, function_reset, mailbox } = map.event_enable;
    const enabled = [doorbell, write_dma, read_dma, fill, drain, function_reset, mailbox];
    await device.write(
      map.event_enable.offset,
      enabled.reduce((word, field) => field.set(word, 1), 0),
    );
    scheduler.spawn(`interrupts of ${device.name}`, () => this.serveInterrupts());
  }

  readRegister(offset: number): Promise<number> {
    return this.device.read(this.mailbox + offset);
  }

  writeRegister(offset: number, value: number): Promise<void> {
    return this.device.write(this.mailbox + offset, value >>> 0);
  }

  nextEvent(): Promise<HardwareEvent> {
    const event = this.events.shift();
    return event
      ? Promise.resolve(event)
      : new Promise(resolve => {
          this.waiter = resolve;
        });
  }

  /** What the firmware itself reads and writes goes before bulk data that waits for its turn. */
  async read(place: Place, bytes: number): Promise<Uint8Array> {
    const result = new Uint8Array(bytes);
    await this.fetch(place, bytes, (at, data) => result.set(data, at), { urgent: true });
    return result;
  }

  write(place: Place, data: Uint8Array, options: WriteOptions = {}): Promise<void> {
    return this.store(place, data.length, (at, bytes) => data.subarray(at, at + bytes), { ...options, urgent: true });
  }

  /** Reads bulk data in chunks, which `target` takes as they come. @throws DmaError if the fabric refuses it; some chunks may have come by then. */
  take(place: Place, bytes: number, target: (at: number, data: Uint8Array) => void): Promise<void> {
    return this.fetch(place, bytes, target, { urgent: false });
  }

  /** Writes bulk data in chunks, which `source` gives. @throws DmaError as `write`. */
  give(
    place: Place,
    bytes: number,
    source: (at: number, bytes: number) => Uint8Array,
    options: WriteOptions = {},
  ): Promise<void> {
    return this.store(place, bytes, source, { ...options, urgent: false });
  }

  /** The address that the host gave the start of the BAR memory. */
  async memoryAddress(): Promise<bigint> {
    const low = await this.device.read(map.memory_low.offset);
    const high = await this.device.read(map.memory_high.offset);
    return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
  }

  interrupt(vector: number): Promise<void> {
    return this.device.write(map.msix_trigger.offset, vector);
  }

  private async fetch(
    place: Place,
    bytes: number,
    target: (at: number, data: Uint8Array) => void,
    options: { readonly urgent: boolean },
  ): Promise<void> {
    const [engine, job] =
      place.in === 'fabric'
        ? (['readDma', { address: place.address, bytes }] as const)
        : (['drain', { offset: this.offsetOf(place.offset), bytes }] as const);
    const outcome = await this.streams.take(engine, job, target, options);
    if (outcome !== success) throw new DmaError(`${this.name} could not read ${bytes} bytes ${where(place)}`);
  }

  private async store(
    place: Place,
    bytes: number,
    source: (at: number, bytes: number) => Uint8Array,
    options: WriteOptions & { readonly urgent: boolean },
  ): Promise<void> {
    const { flush = false } = options;
    const [engine, job] =
      place.in === 'fabric'
        ? (['writeDma', { address: place.address, bytes, flush }] as const)
        : (['fill', { offset: this.offsetOf(place.offset), bytes }] as const);
    const outcome = await this.streams.give(engine, job, source, options);
    if (outcome !== success) throw new DmaError(`${this.name} could not write ${bytes} bytes ${where(place)}`);
  }

  private offsetOf(offset: number): number {
    return (this.memoryBuffer?.offset ?? 0) + offset;
  }

  private async serveInterrupts(): Promise<never> {
    const { device, engines } = this;
    for (;;) {
      await device.interrupt();
      const events = await device.read(map.events.offset);
      const happened = (field: { get(word: number): number }) => field.get(events) === 1;
      await device.write(map.events.offset, events);
      if (happened(map.events.write_dma)) engines.writeDma.ended();
      if (happened(map.events.read_dma)) engines.readDma.ended();
      if (happened(map.events.fill)) engines.fill.ended();
      if (happened(map.events.drain)) engines.drain.ended();
      if (happened(map.events.function_reset)) this.raise({ kind: 'function reset' });
      if (happened(map.events.mailbox)) await this.takeRegisters();
      if (happened(map.events.doorbell)) await this.takeDoorbells();
    }
  }

  /** The registers in the ranges that were written, in the order in which they are told. */
  protected inOrder(offsets: readonly number[]): readonly number[] {
    return offsets;
  }

  private async takeRegisters(): Promise<void> {
    const { device, description } = this;
    const written = await device.read(map.mailbox_written.offset);
    await device.write(map.mailbox_written.offset, written);
    const ranges = (description.mailbox.events ?? []).filter((_, i) => (written >>> i) & 1);
    const offsets = ranges.flatMap(({ offset, bytes }) => Array.from({ length: bytes / 4 }, (_, i) => offset + 4 * i));
    for (const offset of this.inOrder(offsets)) this.raise({ kind: 'register', offset, value: await this.readRegister(offset) });
  }

  private async takeDoorbells(): Promise<void> {
    const { device } = this;
    for (;;) {
      const next = await device.read(map.doorbell_next.offset);
      if (map.doorbell_next.valid.get(next) === 0) return;
      const value = await device.read(map.doorbell_value.offset);
      this.raise({ kind: 'doorbell', index: map.doorbell_next.doorbell.get(next), value });
    }
  }

  private raise(event: HardwareEvent): void {
    const { waiter } = this;
    this.waiter = undefined;
    if (waiter) waiter(event);
    else this.events.push(event);
  }
}

const where = (place: Place): string =>
  place.in === 'fabric' ? `at 0x${place.address.toString(16)}` : `in its memory buffer at ${place.offset}`;
