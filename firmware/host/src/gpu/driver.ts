import {
  type Command,
  command,
  commandBytes,
  deviceInformation,
  deviceInformationBytes,
  deviceSignature,
  doorbellBase,
  fence,
  fenceBytes,
  GpuOpcode,
  GpuStatus,
  Mailbox,
  mailboxBase,
  ringDescription,
  ringDescriptionBytes,
} from '../../../gpu/protocol.ts';
import { decode, encode } from '../../../layout.ts';
import type { DevicePlatform } from '../device-platform.ts';
import { HostError } from '../host-error.ts';
import { HostMemoryPool } from '../host-memory-pool.ts';
import { ExportedBuffer, type Mapper, type SystemMemory } from '../p2pdma/index.ts';
import type { AddressRange } from '../pci-function.ts';

/** Commands of the ring. */
const entries = 64;
/** Cycles between two looks at a device that boots. */
const lookCycles = 100;

const statusTexts: { readonly [status: number]: string } = {
  [GpuStatus.invalidOpcode]: 'it knows no such command',
  [GpuStatus.outOfBounds]: 'an offset is outside its memory',
  [GpuStatus.transferError]: 'the fabric refused a request for the data',
};

/** Where a command reads or writes: memory of the GPU, or a bus address. */
export type GpuPlace = GpuBuffer | { readonly address: bigint };

/** Memory of the GPU that its driver has given out. */
export interface GpuBuffer extends AddressRange {
  /** Byte offset in the GPU's memory; `base` is its bus address. */
  readonly offset: number;
}

export interface GpuDriverOptions {
  /** For each answer; 2,000,000 by default. */
  readonly timeoutCycles?: number;
}

/** Driver of a GPU: it alone gives out the GPU's memory (M1-11), and others use a buffer where it is (M1-12). */
export class GpuDriver {
  /** The BAR of its memory. */
  readonly memoryBar: number;
  private readonly platform: DevicePlatform;
  private readonly timeoutCycles: number;
  private readonly pool: HostMemoryPool;
  private readonly memory: AddressRange;
  private readonly commands: AddressRange;
  private readonly fences: AddressRange;
  private posted = 0;
  private interrupted: (() => void) | undefined;

  private constructor(platform: DevicePlatform, memoryBar: number, memory: AddressRange, timeoutCycles: number) {
    this.platform = platform;
    this.memoryBar = memoryBar;
    this.timeoutCycles = timeoutCycles;
    this.memory = memory;
    this.pool = new HostMemoryPool(memory);
    this.commands = platform.memory.allocate(entries * commandBytes, 64);
    this.fences = platform.memory.allocate(entries * fenceBytes, 64);
  }

  /** Takes a GPU into use. @throws HostError if it is none, or its firmware does not come up. */
  static async probe(platform: DevicePlatform, { timeoutCycles = 2_000_000 }: GpuDriverOptions = {}): Promise<GpuDriver> {
    const { scheduler, name } = platform;
    const until = scheduler.now + timeoutCycles;
    while ((await platform.readRegister(mailboxBase + Mailbox.device)) >>> 0 !== deviceSignature) {
      if (scheduler.now >= until) throw new HostError(`${name} does not say that it is a GPU: does its firmware run?`);
      await scheduler.delay(lookCycles);
    }
    const words = new Uint32Array(deviceInformationBytes / 4);
    for (const i of words.keys()) words[i] = await platform.readRegister(mailboxBase + Mailbox.device + 4 * i);
    const { memoryBar, memoryOffset, memoryBytes } = decode(deviceInformation, new Uint8Array(words.buffer));
    const bar = platform.bar(memoryBar);
    if (!bar) throw new HostError(`the memory of ${name} lies in BAR${memoryBar}, which has no address`);
    const memory = { base: bar.base + BigInt(memoryOffset), bytes: BigInt(memoryBytes) };
    const driver = new GpuDriver(platform, memoryBar, memory, timeoutCycles);
    await driver.useRing();
    return driver;
  }

  /** Bytes of its memory that nobody has. */
  get available(): bigint {
    return this.pool.available;
  }

  /** Gives out memory in whole pages. @throws HostError where there is not so much. */
  allocate(bytes: number): GpuBuffer {
    const range = this.pool.allocate(Math.ceil(bytes / 4096) * 4096, 4096);
    return { ...range, offset: Number(range.base - this.memory.base) };
  }

  free(buffer: GpuBuffer): void {
    this.pool.release({ base: buffer.base, bytes: buffer.bytes });
  }

  /** Lets others use a buffer where it is; nothing is allocated for that. */
  export(buffer: GpuBuffer, mapper: Mapper, system: SystemMemory): ExportedBuffer {
    return new ExportedBuffer(mapper, { name: this.platform.name, cpu: buffer.base, bytes: buffer.bytes }, system);
  }

  /** @throws HostError if it fails. */
  async copy(source: GpuPlace, target: GpuPlace, bytes: number): Promise<void> {
    await this.run('copy', { opcode: GpuOpcode.copy, bytes, ...sourceOf(source), ...targetOf(target) });
  }

  /** @throws HostError if it fails. */
  async fill(target: GpuPlace, value: number, bytes: number): Promise<void> {
    await this.run('fill', { opcode: GpuOpcode.fill, bytes, value, ...targetOf(target) });
  }

  /** CRC-32 of bytes, as the GPU sees them. @throws HostError if it fails. */
  checksum(source: GpuPlace, bytes: number): Promise<number> {
    return this.run('checksum', { opcode: GpuOpcode.checksum, bytes, ...sourceOf(source) });
  }

  private async useRing(): Promise<void> {
    const { platform, commands, fences } = this;
    platform.memory.write(fences.base, new Uint8Array(entries * fenceBytes));
    const ring = encode(ringDescription, ringDescriptionBytes, { commands: commands.base, fences: fences.base, entries });
    const words = new Uint32Array(ring.buffer);
    for (const [i, word] of words.entries()) await platform.writeRegister(mailboxBase + Mailbox.ring + 4 * i, word);
    await platform.connect(0, () => this.interrupted?.());
  }

  /** Posts a command and waits for its fence; one at a time. @returns its result. */
  private async run(what: string, values: Partial<Command>): Promise<number> {
    const { platform, commands, fences } = this;
    const { scheduler, name, memory } = platform;
    const index = BigInt(this.posted % entries);
    memory.write(commands.base + index * BigInt(commandBytes), encode(command, commandBytes, values));
    this.posted = (this.posted + 1) >>> 0;
    const sequence = this.posted;
    const until = scheduler.now + this.timeoutCycles;
    await platform.writeRegister(doorbellBase, sequence);
    for (;;) {
      const ended = decode(fence, memory.read(fences.base + index * BigInt(fenceBytes), fenceBytes));
      if (ended.sequence === sequence) {
        if (ended.status !== GpuStatus.success)
          throw new HostError(`${name}: ${what} failed: ${statusTexts[ended.status] ?? `status ${ended.status}`}`);
        return ended.result;
      }
      if (scheduler.now >= until) throw new HostError(`${name} did not finish ${what} in ${this.timeoutCycles} cycles`);
      await this.somethingHappens();
    }
  }

  /** An interrupt, or a while. */
  private async somethingHappens(): Promise<void> {
    const interrupt = new Promise<void>(resolve => {
      this.interrupted = resolve;
    });
    await Promise.race([interrupt, this.platform.scheduler.delay(10 * lookCycles)]);
    this.interrupted = undefined;
  }
}

const sourceOf = (place: GpuPlace) =>
  'offset' in place ? { sourceIsOwn: 1, source: BigInt(place.offset) } : { source: place.address };
const targetOf = (place: GpuPlace) =>
  'offset' in place ? { targetIsOwn: 1, target: BigInt(place.offset) } : { target: place.address };
