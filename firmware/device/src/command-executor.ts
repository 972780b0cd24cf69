import type { FirmwarePort } from '../../ports.ts';
import { type Command, CommandStatus, encodeIdentity, identityIndex, Opcode, slotBytes } from '../../protocol.ts';
import type { DmaEngine, Run } from './dma-engine.ts';
import type { Media } from './media.ts';
import { mailboxOffset, registers } from './registers.ts';

/** The endpoint's engines. */
export interface Engines {
  readonly writeDma: DmaEngine;
  readonly readDma: DmaEngine;
  readonly fill: DmaEngine;
  readonly drain: DmaEngine;
}

/** Whether a range lies outside the BAR memory, inside, or partly so. */
type Placement = 'outside' | 'inside' | 'across';

/**
 * Checks commands and carries them out. Data whose PCIe address is in the device's own BAR memory moves inside the device, by fill and drain, and
 * no TLP leaves.
 */
export class CommandExecutor {
  private readonly port: FirmwarePort;
  private readonly engines: Engines;
  private readonly media: Media;
  /** Bytes of the data width. */
  private readonly alignment: number;

  constructor(port: FirmwarePort, engines: Engines, media: Media, alignment: number) {
    this.port = port;
    this.engines = engines;
    this.media = media;
    this.alignment = alignment;
  }

  /** Carries out the command in a slot. @returns one of `CommandStatus`. */
  async execute(slot: number, command: Command): Promise<number> {
    const { opcode } = command;
    if (opcode === Opcode.identify) return this.identify(slot);
    if (opcode !== Opcode.read && opcode !== Opcode.write && opcode !== Opcode.push) return CommandStatus.badOpcode;
    const memory = await this.memory();
    const end = command.offset + BigInt(command.length);
    const limit = opcode === Opcode.push ? memory.bytes : this.media.capacity;
    if (command.length === 0 || end > BigInt(limit)) return CommandStatus.outOfRange;
    if (this.misaligned(command.address)) return CommandStatus.misaligned;
    const place = placement(command.address, command.length, memory);
    if (place === 'across') return CommandStatus.badAddress;
    const offset = Number(command.offset);
    const inside = Number(command.address - memory.base);
    if (opcode === Opcode.push) {
      if (place === 'inside') return CommandStatus.badAddress;
      if (this.misaligned(command.offset)) return CommandStatus.misaligned;
      return this.push(offset, command);
    }
    if (opcode === Opcode.read)
      return place === 'inside' ? this.fill(offset, command.length, inside) : this.read(offset, command);
    return place === 'inside' ? this.drain(offset, command.length, inside) : this.write(offset, command);
  }

  private async identify(slot: number): Promise<number> {
    const { bytes } = await this.memory();
    const identity = encodeIdentity({
      capacity: BigInt(this.media.capacity),
      memoryBytes: bytes,
      alignment: this.alignment,
    });
    for (const [i, dword] of identity.entries())
      await this.port.write(mailboxOffset + slot * slotBytes + 4 * (identityIndex + i), dword);
    return CommandStatus.success;
  }

  private push(offset: number, command: Command): Promise<number> {
    const { address, length } = command;
    return dmaStatus(this.engines.writeDma.run({ address, offset, length, memory: true, flush: partsWays(command) }));
  }

  private read(offset: number, command: Command): Promise<number> {
    const { address, length } = command;
    return this.media.whileReading(() =>
      this.run(this.engines.writeDma, { address, length, flush: partsWays(command) }, () => this.media.read(offset, length)),
    );
  }

  private write(offset: number, { address, length }: Command): Promise<number> {
    return this.media.whileWriting(() =>
      this.run(this.engines.readDma, { address, length }, () => this.media.write(offset, length)),
    );
  }

  private fill(offset: number, length: number, inside: number): Promise<number> {
    const run = { offset: inside, length };
    return this.media.whileReading(() => this.run(this.engines.fill, run, () => this.media.read(offset, length)));
  }

  private drain(offset: number, length: number, inside: number): Promise<number> {
    const run = { offset: inside, length };
    return this.media.whileWriting(() => this.run(this.engines.drain, run, () => this.media.write(offset, length)));
  }

  /** Runs an engine whose local side is a media stream. */
  private async run(engine: DmaEngine, run: Run, move: () => Promise<boolean>): Promise<number> {
    let good = true;
    const status = await dmaStatus(
      engine.run(run, async () => {
        good = await move();
      }),
    );
    return good ? status : CommandStatus.mediaError;
  }

  private misaligned(value: bigint): boolean {
    return value % BigInt(this.alignment) !== 0n;
  }

  /** Where the host put the BAR memory. */
  private async memory(): Promise<{ readonly base: bigint; readonly bytes: number }> {
    const low = await this.port.read(registers.memory_low.offset);
    const high = await this.port.read(registers.memory_high.offset);
    const bytes = await this.port.read(registers.memory_bytes.offset);
    return { base: (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0), bytes: bytes >>> 0 };
  }
}

const dmaStatus = async (result: Promise<number>): Promise<number> =>
  (await result) === 0 ? CommandStatus.success : CommandStatus.dmaError;

/**
 * Whether the data of a command and its completion entry may part ways in the fabric, so that the entry could be seen before the data has arrived (C63). What lies in
 * one and the same MiB goes the same way: bridges have no smaller windows (C30).
 */
function partsWays({ address, length, completionAddress }: Command): boolean {
  const mebibyte = (at: bigint) => at >> 20n;
  const entry = mebibyte(completionAddress);
  return mebibyte(address) !== entry || mebibyte(address + BigInt(length) - 1n) !== entry;
}

function placement(address: bigint, length: number, memory: { readonly base: bigint; readonly bytes: number }): Placement {
  const end = address + BigInt(length);
  const memoryEnd = memory.base + BigInt(memory.bytes);
  if (end <= memory.base || address >= memoryEnd) return 'outside';
  return address >= memory.base && end <= memoryEnd ? 'inside' : 'across';
}
