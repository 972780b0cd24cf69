import { crc32 } from 'node:zlib';
import {
  type Command,
  command,
  commandBytes,
  deviceInformation,
  deviceInformationBytes,
  deviceSignature,
  fence,
  fenceBytes,
  GpuOpcode,
  GpuStatus,
  Mailbox,
  ringDescription,
  ringDescriptionBytes,
} from '../../../gpu/protocol.ts';
import { decode, encode } from '../../../layout.ts';
import {
  type DeviceHardware,
  DmaError,
  type HardwareEvent,
  type MemoryBuffer,
  type Place,
  placeAt,
} from '../endpoint/hardware.ts';

/** Bytes that are moved at a time. */
const chunkBytes = 4096;

/**
 * Firmware of a GPU as its peers see it: memory in a BAR, and an engine that copies, fills and sums. It computes in its own memory without a TLP; commands and
 * fences are in memory of the driver's choice. Left out: programs, page tables of its own, several rings. A function reset forgets the ring.
 */
export class GpuFirmware {
  private readonly hardware: DeviceHardware;
  private readonly memory: MemoryBuffer;
  /** Commands that are carried out. */
  private done = 0;

  private constructor(hardware: DeviceHardware, memory: MemoryBuffer) {
    this.hardware = hardware;
    this.memory = memory;
  }

  /** Boots the firmware; it runs as long as the simulation does. @throws RangeError for a device without memory for peers. */
  static start(hardware: DeviceHardware): GpuFirmware {
    const { memoryBuffer } = hardware;
    if (!memoryBuffer) throw new RangeError(`${hardware.name} has no memory in a BAR, and a GPU has`);
    const firmware = new GpuFirmware(hardware, memoryBuffer);
    hardware.scheduler.spawn(`GPU firmware of ${hardware.name}`, () => firmware.run());
    return firmware;
  }

  private async run(): Promise<never> {
    await this.present();
    for (;;) await this.handle(await this.hardware.nextEvent());
  }

  private async present(): Promise<void> {
    const { bar, offset, bytes } = this.memory;
    const information = { signature: deviceSignature, memoryBar: bar, memoryOffset: offset, memoryBytes: bytes };
    const words = new Uint32Array(encode(deviceInformation, deviceInformationBytes, information).buffer);
    for (const [i, word] of [...words.entries()].toReversed()) await this.hardware.writeRegister(Mailbox.device + 4 * i, word);
  }

  private async handle(event: HardwareEvent): Promise<void> {
    if (event.kind === 'function reset') {
      this.done = 0;
      await this.present();
    } else if (event.kind === 'doorbell' && event.index === 0) {
      while (this.done !== event.value) await this.next();
    }
  }

  /** Fetches a command, carries it out, and tells. */
  private async next(): Promise<void> {
    const { hardware } = this;
    const words = new Uint32Array(ringDescriptionBytes / 4);
    for (const i of words.keys()) words[i] = await hardware.readRegister(Mailbox.ring + 4 * i);
    const { commands, fences, entries } = decode(ringDescription, new Uint8Array(words.buffer));
    const index = this.done % entries;
    this.done = (this.done + 1) >>> 0;
    const at = (base: bigint, size: number): Place => ({ in: 'fabric', address: base + BigInt(index * size) });
    const bytes = await hardware.read(at(commands, commandBytes), commandBytes);
    const ended = await this.carryOut(decode(command, bytes));
    await hardware.write(at(fences, fenceBytes), encode(fence, fenceBytes, { ...ended, sequence: this.done }));
    await hardware.interrupt(0);
  }

  private async carryOut(of: Command): Promise<{ readonly status: number; readonly result: number }> {
    const failed = (status: number) => ({ status, result: 0 });
    const { opcode, bytes, value } = of;
    const own = (isOwn: number, at: bigint): boolean => isOwn === 0 || at + BigInt(bytes) <= BigInt(this.memory.bytes);
    if (!own(of.sourceIsOwn, of.source) || !own(of.targetIsOwn, of.target)) return failed(GpuStatus.outOfBounds);
    const source = placeOf(of.sourceIsOwn, of.source);
    const target = placeOf(of.targetIsOwn, of.target);
    try {
      switch (opcode) {
        case GpuOpcode.copy:
          await this.each(bytes, async (at, count, last) => {
            const data = await this.hardware.read(placeAt(source, at), count);
            await this.hardware.write(placeAt(target, at), data, { flush: last && target.in === 'fabric' });
          });
          return { status: GpuStatus.success, result: 0 };
        case GpuOpcode.fill:
          await this.each(bytes, (at, count, last) =>
            this.hardware.write(placeAt(target, at), new Uint8Array(count).fill(value), {
              flush: last && target.in === 'fabric',
            }),
          );
          return { status: GpuStatus.success, result: 0 };
        case GpuOpcode.checksum: {
          let sum = 0;
          await this.each(bytes, async (at, count) => {
            sum = crc32(await this.hardware.read(placeAt(source, at), count), sum);
          });
          return { status: GpuStatus.success, result: sum };
        }
        default:
          return failed(GpuStatus.invalidOpcode);
      }
    } catch (error) {
      if (error instanceof DmaError) return failed(GpuStatus.transferError);
      throw error;
    }
  }

  private async each(bytes: number, work: (at: number, count: number, last: boolean) => Promise<void>): Promise<void> {
    for (let at = 0; at < bytes; at += chunkBytes) {
      const count = Math.min(chunkBytes, bytes - at);
      await work(at, count, at + count === bytes);
    }
  }
}

const placeOf = (isOwn: number, at: bigint): Place =>
  isOwn === 0 ? { in: 'fabric', address: at } : { in: 'memory buffer', offset: Number(at) };
