import { ascii, bits, raw, u8, u16, u32, u64 } from '../../../layout.ts';

/** What goes between a host and a storage target over a network (NVMe over Fabrics 1.1); commands and status codes are those of NVMe otherwise. */

/** Opcode of all commands that only exist on fabrics (3). */
export const fabricsOpcode = 0x7f;

/** What such a command does: byte 4 of it. */
export const FabricsCommand = { propertySet: 0x00, connect: 0x01, propertyGet: 0x04, disconnect: 0x08 } as const;

/** Opcode of Keep Alive (NVMe 1.4 section 5.17). */
export const keepAliveOpcode = 0x18;

/** Bytes of a command capsule without data, and of a response capsule (2.1, 2.2). */
export const commandCapsuleBytes = 64;
export const responseCapsuleBytes = 16;

/** What all commands have; the data pointer is always one SGL descriptor (2.3). */
export const fabricsCommand = { opcode: u8(0), identifier: u16(2), type: u8(4) } as const;

/** Connect (3.3): which queue of which controller. `queueSize` counts from 0. */
export const connectCommand = {
  format: u16(40),
  queue: u16(42),
  queueSize: u16(44),
  attributes: u8(46),
  keepAlive: u32(48),
} as const;

/** What Connect carries (3.3). */
export const connectDataBytes = 1024;
export const connectData = {
  hostId: raw(0, 16),
  controller: u16(16),
  subsystem: ascii(256, 256, '\0'),
  host: ascii(512, 256, '\0'),
} as const;

/** Asks the subsystem for a new controller. */
export const anyController = 0xffff;

/** Property Get and Set (3.4, 3.5). `size` is 0 for 4 bytes and 1 for 8. */
export const propertyCommand = { size: bits(40, 2, 0), offset: u32(44), value: u64(48) } as const;

/** A response (2.2): the result is 8 bytes for properties, 4 otherwise. */
export const response = {
  result: u64(0),
  submissionHead: u16(8),
  identifier: u16(12),
  statusCode: bits(12, 24, 17),
  statusType: bits(12, 27, 25),
  doNotRetry: bits(12, 31, 31),
} as const;

/** Where a command's data lies: 16 bytes at 24 (2.3.1, 4.2 of the RDMA binding). */
export const pointerOffset = 24;

/** In the capsule, `offset` bytes behind its command: type 0, subtype 1. */
export const inCapsuleDescriptor = { offset: u64(0), length: u32(8), subtype: bits(12, 27, 24), type: bits(12, 31, 28) } as const;
/** In the host's memory, which RDMA reaches by a key: type 4. */
export const keyedDescriptor = {
  address: u64(0),
  length: bits(8, 23, 0),
  key: u32(11),
  subtype: bits(12, 27, 24),
  type: bits(12, 31, 28),
} as const;
export const DescriptorKind = { inCapsule: 0x01, keyed: 0x40, keyedInvalidate: 0x4f } as const;

/** Status codes of fabrics (NVMe 1.4 figure 129), beside those of NVMe. */
export const FabricsStatus = {
  incompatibleFormat: 0x180,
  controllerBusy: 0x181,
  connectInvalidParameters: 0x182,
  connectInvalidHost: 0x184,
} as const;

const texts: { readonly [status: number]: string } = {
  [FabricsStatus.incompatibleFormat]: 'connect: incompatible format',
  [FabricsStatus.controllerBusy]: 'connect: the controller has this queue already, or has no more',
  [FabricsStatus.connectInvalidParameters]: 'connect: no such subsystem, controller or queue',
  [FabricsStatus.connectInvalidHost]: 'connect: the subsystem does not admit this host',
};

/** A status of fabrics for people; none for those of NVMe. */
export const describeFabricsStatus = (status: number): string | undefined => texts[status];
