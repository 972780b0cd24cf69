import { firmwareMailboxOffset, firmwareMap } from '@hdl/pcie-rtl';
import { accessors } from '@hdl/ts-hdl';
import { Register } from '../../../nvme/registers.ts';
import type { FirmwareDevice, Scheduler } from '../../../ports.ts';
import { BackingError } from '../backing.ts';
import { EndpointEngine, type EngineRegisters } from './endpoint-engine.ts';
import { EndpointStreams, type StreamEngines } from './endpoint-streams.ts';
import {
  DmaError,
  type HardwareEvent,
  type MemoryBuffer,
  type MoveOutcome,
  type NvmeHardware,
  type NvmeMedia,
  type Place,
} from './hardware.ts';

/** What the firmware must know of how its endpoint was built. */
export interface EndpointDescription {
  readonly vectors: number;
  readonly doorbells: { readonly count: number; readonly stride: number };
  /** The registers that host and firmware share, from BAR0's start on: their bytes, and the ranges whose writes are told, in the order of their bits. */
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

/** An endpoint of the fabric, whose function 0 is the controller: what its firmware sees by the firmware port and the media streams. */
export class EndpointHardware implements NvmeHardware {
  readonly name: string;
  readonly scheduler: Scheduler;
  readonly media: NvmeMedia;
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

  private constructor(scheduler: Scheduler, device: FirmwareDevice, media: NvmeMedia, description: EndpointDescription) {
    this.name = device.name;
    this.scheduler = scheduler;
    this.device = device;
    this.media = media;
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
  static async start(
    scheduler: Scheduler,
    device: FirmwareDevice,
    media: NvmeMedia,
    description: EndpointDescription,
  ): Promise<EndpointHardware> {
    const hardware = new EndpointHardware(scheduler, device, media, description);
    for (let offset = 0; offset < description.mailbox.bytes; offset += 4) await hardware.writeRegister(offset, 0);
    const { doorbell, write_dma, read_dma, fill, drain, function_reset, mailbox } = map.event_enable;
    const enabled = [doorbell, write_dma, read_dma, fill, drain, function_reset, mailbox];
    await device.write(
      map.event_enable.offset,
      enabled.reduce((word, field) => field.set(word, 1), 0),
    );
    scheduler.spawn(`interrupts of ${device.name}`, () => hardware.serveInterrupts());
    return hardware;
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

  async read(place: Place, bytes: number): Promise<Uint8Array> {
    const result = new Uint8Array(bytes);
    const [engine, job] = this.source(place, bytes);
    const outcome = await this.streams.take(engine, job, (at, data) => result.set(data, at));
    if (outcome !== success) throw new DmaError(`${this.name} could not read ${bytes} bytes ${where(place)}`);
    return result;
  }

  async write(place: Place, data: Uint8Array): Promise<void> {
    const [engine, job] = this.target(place, data.length);
    const outcome = await this.streams.give(engine, job, (at, bytes) => data.subarray(at, at + bytes));
    if (outcome !== success) throw new DmaError(`${this.name} could not write ${data.length} bytes ${where(place)}`);
  }

  /** An engine waits for every word, so zeros stand for what the drive cannot read. */
  async moveFromMedia(offset: number, to: Place, bytes: number): Promise<MoveOutcome> {
    const [engine, job] = this.target(to, bytes);
    let good = true;
    const outcome = await this.streams.give(engine, job, (at, length) => {
      const data = new Uint8Array(length);
      good = succeeds(() => this.media.read(offset + at, data)) && good;
      return data;
    });
    return outcomeOf(outcome, good);
  }

  async moveToMedia(from: Place, offset: number, bytes: number): Promise<MoveOutcome> {
    const [engine, job] = this.source(from, bytes);
    let good = true;
    const outcome = await this.streams.take(engine, job, (at, data) => {
      good = good && succeeds(() => this.media.write(offset + at, data));
    });
    return outcomeOf(outcome, good);
  }

  interrupt(vector: number): Promise<void> {
    return this.device.write(map.msix_trigger.offset, vector);
  }

  private source(place: Place, bytes: number) {
    return place.in === 'fabric'
      ? (['readDma', { address: place.address, bytes }] as const)
      : (['drain', { offset: this.offsetOf(place.offset), bytes }] as const);
  }

  private target(place: Place, bytes: number) {
    return place.in === 'fabric'
      ? (['writeDma', { address: place.address, bytes }] as const)
      : (['fill', { offset: this.offsetOf(place.offset), bytes }] as const);
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

  /** Tells of the registers in the ranges that were written: CC as the last, because what stands in the others is meant for it. */
  private async takeRegisters(): Promise<void> {
    const { device, description } = this;
    const written = await device.read(map.mailbox_written.offset);
    await device.write(map.mailbox_written.offset, written);
    const ranges = (description.mailbox.events ?? []).filter((_, i) => (written >>> i) & 1);
    const offsets = ranges.flatMap(({ offset, bytes }) => Array.from({ length: bytes / 4 }, (_, i) => offset + 4 * i));
    for (const offset of offsets.sort((a, b) => Number(a === Register.cc) - Number(b === Register.cc)))
      this.raise({ kind: 'register', offset, value: await this.readRegister(offset) });
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

function outcomeOf(outcome: number, mediaGood: boolean): MoveOutcome {
  if (outcome !== success) return 'fabric error';
  return mediaGood ? 'success' : 'media error';
}

/** Whether the drive did it. Errors that are not the drive's are thrown on. */
function succeeds(access: () => void): boolean {
  try {
    access();
    return true;
  } catch (error) {
    if (error instanceof BackingError) return false;
    throw error;
  }
}
