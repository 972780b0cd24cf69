import { Bundle, bool, type UInt, uint, unpack } from '@hdl/ts-hdl';

/** What a descriptor asks for. */
export const Opcode = {
  /** Nothing; its flags work. */
  none: 0,
  /** From the remote address to the local side. */
  read: 1,
  /** From the local side to the remote address. */
  write: 2,
} as const;

/**
 * A descriptor of a DMA channel: 32 bytes, little endian, in a ring that begins at a multiple of 64 bytes.
 *
 * | byte | bits | field | meaning |
 * |---|---|---|---|
 * | 0 | 3:0 | opcode | 0 none, 1 read, 2 write; others end with outcome 7 |
 * | 0 | 4 | media | the local side is the media stream, not the BAR memory |
 * | 0 | 5 | chain | the next descriptor belongs to the same transfer: status, read-back and interrupt are those of the last one |
 * | 0 | 6 | fence | waits until all descriptors before it are done |
 * | 0 | 7 | status | a completion entry is written; one for a failed transfer is written always |
 * | 1 | 0 | interrupt | raises the channel's interrupt |
 * | 1 | 1 | read_back | of a write: its last byte is read back before status and interrupt, so that the data has arrived (C63) |
 * | 1 | 2 | relaxed_ordering | of the data, if enabled (C99) |
 * | 1 | 3 | no_snoop | of the data, if enabled (C99) |
 * | 1 | 5:4 | at | address type (C11) |
 * | 3:2 | | | reserved, 0 |
 * | 7:4 | | length | bytes |
 * | 15:8 | | address | remote address |
 * | 19:16 | | offset | byte offset in the BAR memory, where the local side is that |
 * | 23:20 | | cookie | comes back in the completion entry |
 * | 31:24 | | | reserved, 0 |
 *
 * A completion entry has 8 bytes, in a ring of as many entries as there are descriptors, at a multiple of 8 bytes; the entry of a transfer lies at the
 * place of its last descriptor.
 *
 * | bits | field | meaning |
 * |---|---|---|
 * | 15:0 | index | of the last descriptor in its ring |
 * | 30:28 | outcome | one of `DmaOutcome`; the greatest of a chain |
 * | 31 | phase | 1 in the first round through the ring, then changing with each |
 * | 63:32 | cookie | of the last descriptor |
 */
export class Descriptor extends Bundle({
  reserved1: uint(64),
  cookie: uint(32),
  offset: uint(32),
  address: uint(64),
  length: uint(32),
  reserved0: uint(18),
  at: uint(2),
  no_snoop: bool,
  relaxed_ordering: bool,
  read_back: bool,
  interrupt: bool,
  status: bool,
  fence: bool,
  chain: bool,
  media: bool,
  opcode: uint(4),
}) {}

export const descriptorBytes = 32;

/** The descriptor whose byte 0 is in bits 7:0. */
export const descriptorOf = (bits: UInt<number>): InstanceType<typeof Descriptor> =>
  unpack(Descriptor, bits) as InstanceType<typeof Descriptor>;

/** A completion entry: first field most significant. */
export class CompletionEntry extends Bundle({
  cookie: uint(32),
  phase: bool,
  outcome: uint(3),
  reserved: uint(12),
  index: uint(16),
}) {}
