/**
 * The block device protocol between the host's driver and the device's firmware: the one definition that both use.
 *
 * A command is 64 bytes in a slot of the endpoint's mailbox; doorbell i says that slot i holds a new one. The device answers with one DW, the
 * completion entry, written to the address that the command names, and then an MSI-X interrupt. A slot is free again when its entry has come.
 *
 * | DW | command |
 * |---|---|
 * | 0 | opcode in 7:0, sequence number in 31:16 |
 * | 1 | bytes to move |
 * | 2, 3 | byte offset on the media (READ, WRITE) or in the device's own BAR memory (PUSH) |
 * | 4, 5 | PCIe address of the other side |
 * | 6, 7 | address of the completion entry |
 * | 8 | MSI-X vector |
 * | 10 .. 15 | written by the device: what IDENTIFY found |
 */

/** Bytes of a command slot. */
export const slotBytes = 64;
/** DW of a command slot. */
export const slotDwords: number = slotBytes / 4;

/** What a command asks for. */
export const Opcode = {
  /** Writes an `Identity` into the slot. */
  identify: 0x01,
  /** Media to the PCIe address. */
  read: 0x02,
  /** From the PCIe address to the media. */
  write: 0x03,
  /** From the device's own BAR memory to the PCIe address of a peer. */
  push: 0x04,
} as const;

/** How a command ended. */
export const CommandStatus = {
  success: 0,
  badOpcode: 1,
  /** Length 0, or bytes beyond the media's capacity or the BAR memory. */
  outOfRange: 2,
  /** The PCIe address, or the BAR memory offset of a PUSH, is no multiple of the device's `alignment`. */
  misaligned: 3,
  /** The PCIe addresses lie partly inside the device's own BAR memory, or a PUSH goes there. */
  badAddress: 4,
  /** The fabric answered with an error, or bus mastering is off. What a WRITE left on the media, or a READ or PUSH at the address, is not to be used. */
  dmaError: 5,
  /** The media could not be read or written. */
  mediaError: 6,
} as const;

const statusText: { readonly [status: number]: string } = {
  [CommandStatus.success]: 'success',
  [CommandStatus.badOpcode]: 'unknown opcode',
  [CommandStatus.outOfRange]: 'length 0, or beyond the end of the media or of the BAR memory',
  [CommandStatus.misaligned]: 'address is not a multiple of the data width',
  [CommandStatus.badAddress]: "address range conflicts with the device's own BAR memory",
  [CommandStatus.dmaError]: 'DMA error: the fabric refused the request, or bus mastering is off',
  [CommandStatus.mediaError]: 'media error: the backing store could not be read or written',
};

/** A status for people. */
export const describeStatus = (status: number): string => statusText[status] ?? `unknown status ${status}`;

/** A command, as both sides see it. */
export interface Command {
  /** One of `Opcode`, or whatever stands in the slot. */
  readonly opcode: number;
  /** Comes back in the completion entry, so that an old entry is not taken for a new one: 1 .. 65,535. */
  readonly sequence: number;
  /** Bytes: 1 .. 2^32 - 1. */
  readonly length: number;
  /** Byte offset on the media, or in the BAR memory for PUSH. */
  readonly offset: bigint;
  /** PCIe byte address of the other side. */
  readonly address: bigint;
  /** Where the completion entry is written; a multiple of 4. */
  readonly completionAddress: bigint;
  /** MSI-X vector to trigger when the entry is on its way. */
  readonly vector: number;
}

/** The answer to IDENTIFY. */
export interface Identity {
  /** Bytes of the media. */
  readonly capacity: bigint;
  /** Bytes of BAR memory behind BAR2. */
  readonly memoryBytes: number;
  /** What PCIe addresses and BAR memory offsets must be multiples of, in bytes. */
  readonly alignment: number;
}

/** The DW of the completion entry. */
export interface CompletionEntry {
  readonly slot: number;
  readonly status: number;
  readonly sequence: number;
}

const low = (value: bigint): number => Number(value & 0xffff_ffffn);
const high = (value: bigint): number => Number((value >> 32n) & 0xffff_ffffn);
const joined = (lowWord: number, highWord: number): bigint => (BigInt(highWord >>> 0) << 32n) | BigInt(lowWord >>> 0);

/** The 16 DW of a command slot. @throws RangeError for a field that does not fit. */
export function encodeCommand(command: Command): Uint32Array {
  const limits = { opcode: 0xff, sequence: 0xffff, length: 0xffff_ffff, vector: 0xffff_ffff } as const;
  for (const [name, limit] of Object.entries(limits) as [keyof typeof limits, number][])
    if (!Number.isInteger(command[name]) || command[name] < 0 || command[name] > limit)
      throw new RangeError(`the command field ${name} cannot be ${command[name]}: an integer from 0 to ${limit}`);
  for (const name of ['offset', 'address', 'completionAddress'] as const)
    if (command[name] < 0n || command[name] >> 64n !== 0n)
      throw new RangeError(`the command field ${name} cannot be ${command[name]}: it has 64 bits`);
  const dwords = new Uint32Array(slotDwords);
  dwords.set([
    command.opcode | (command.sequence << 16),
    command.length,
    low(command.offset),
    high(command.offset),
    low(command.address),
    high(command.address),
    low(command.completionAddress),
    high(command.completionAddress),
    command.vector,
  ]);
  return dwords;
}

/** The command in the DW of a slot; any content gives a command, which may make no sense. */
export function decodeCommand(dwords: ArrayLike<number>): Command {
  const dword = (index: number): number => (dwords[index] ?? 0) >>> 0;
  return {
    opcode: dword(0) & 0xff,
    sequence: dword(0) >>> 16,
    length: dword(1),
    offset: joined(dword(2), dword(3)),
    address: joined(dword(4), dword(5)),
    completionAddress: joined(dword(6), dword(7)),
    vector: dword(8),
  };
}

/** DW of a slot where an `Identity` starts, and how many it has. */
export const identityIndex = 10;
export const identityDwords = 4;

/** The DW of an identity, from `identityIndex` upward. */
export function encodeIdentity(identity: Identity): Uint32Array {
  return Uint32Array.of(low(identity.capacity), high(identity.capacity), identity.memoryBytes, identity.alignment);
}

/** The identity in these DW. */
export function decodeIdentity(dwords: ArrayLike<number>): Identity {
  const [capacityLow = 0, capacityHigh = 0, memoryBytes = 0, alignment = 0] = Array.from(dwords);
  return { capacity: joined(capacityLow, capacityHigh), memoryBytes: memoryBytes >>> 0, alignment: alignment >>> 0 };
}

/** The DW of a completion entry: slot in 7:0, status in 15:8, sequence number in 31:16. */
export function encodeCompletion({ slot, status, sequence }: CompletionEntry): number {
  return ((slot & 0xff) | ((status & 0xff) << 8) | ((sequence & 0xffff) << 16)) >>> 0;
}

/** The completion entry in a DW. */
export function decodeCompletion(dword: number): CompletionEntry {
  return { slot: dword & 0xff, status: (dword >>> 8) & 0xff, sequence: (dword >>> 16) & 0xffff };
}
