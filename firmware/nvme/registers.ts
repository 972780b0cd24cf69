/** Controller registers in BAR0 (NVMe 1.4 section 3.1). */

/** Byte offsets. */
export const Register = {
  /** Controller Capabilities, 64 bits (3.1.1). */
  cap: 0x00,
  /** Version (3.1.2). */
  vs: 0x08,
  /** Interrupt Mask Set and Clear (3.1.3, 3.1.4). */
  intms: 0x0c,
  intmc: 0x10,
  /** Controller Configuration (3.1.5). */
  cc: 0x14,
  /** Controller Status (3.1.6). */
  csts: 0x1c,
  /** NVM Subsystem Reset (3.1.7): not supported, as CAP.NSSRS says. */
  nssr: 0x20,
  /** Admin Queue Attributes, Admin Submission and Completion Queue Base Address (3.1.8 to 3.1.10). */
  aqa: 0x24,
  asq: 0x28,
  acq: 0x30,
  /** Controller Memory Buffer Location and Size (3.1.11, 3.1.12). */
  cmbloc: 0x38,
  cmbsz: 0x3c,
  /** Controller Memory Buffer Memory Space Control, 64 bits, and Status (3.1.16, 3.1.17). */
  cmbmsc: 0x50,
  cmbsts: 0x58,
} as const;

/** Bits of each register that the host can write, for hardware that keeps the registers: what is not here is read-only for it. */
export const hostWritable: ReadonlyMap<number, number> = new Map([
  [Register.intms, 0xffff_ffff],
  [Register.intmc, 0xffff_ffff],
  [Register.cc, 0x00ff_fff1],
  [Register.aqa, 0x0fff_0fff],
  [Register.asq, 0xffff_f000],
  [Register.asq + 4, 0xffff_ffff],
  [Register.acq, 0xffff_f000],
  [Register.acq + 4, 0xffff_ffff],
  [Register.cmbmsc, 0xffff_f003],
  [Register.cmbmsc + 4, 0xffff_ffff],
]);

/** Where the doorbells start (3.1.24, 3.1.25). */
export const doorbellBase = 0x1000;

/** Index of a doorbell: submission queue y has 2y, completion queue y has 2y + 1; doorbell i lies i strides behind `doorbellBase`. */
export const doorbellOf = { submission: (queue: number) => 2 * queue, completion: (queue: number) => 2 * queue + 1 } as const;

/** Version 1.4.0 (3.1.2.5). */
export const version = 0x0001_0400;

/** Controller Capabilities (3.1.1). */
export interface Capabilities {
  /** MQES, as a count: entries of the largest I/O queue. */
  readonly maxEntries: number;
  /** CQR: queues must be contiguous. */
  readonly contiguousQueues: boolean;
  /** AMS: arbitration mechanisms beside round robin. */
  readonly arbitration: number;
  /** TO: longest time until CSTS.RDY follows CC.EN, in units of 500 ms. */
  readonly timeout: number;
  /** DSTRD: the stride of doorbells is 4 << DSTRD bytes. */
  readonly doorbellStride: number;
  /** CSS: command sets; bit 0 is NVM. */
  readonly commandSets: number;
  /** MPSMIN and MPSMAX: memory pages have 4096 << n bytes. */
  readonly minPage: number;
  readonly maxPage: number;
  /** CMBS: the controller memory buffer is enabled by CMBMSC. */
  readonly memoryBuffer: boolean;
}

const field = (value: bigint, high: number, low: number): number =>
  Number((value >> BigInt(low)) & ((1n << BigInt(high - low + 1)) - 1n));

export function encodeCapabilities(from: Capabilities): bigint {
  return (
    BigInt(from.maxEntries - 1) |
    (BigInt(from.contiguousQueues) << 16n) |
    (BigInt(from.arbitration) << 17n) |
    (BigInt(from.timeout) << 24n) |
    (BigInt(from.doorbellStride) << 32n) |
    (BigInt(from.commandSets) << 37n) |
    (BigInt(from.minPage) << 48n) |
    (BigInt(from.maxPage) << 52n) |
    (BigInt(from.memoryBuffer) << 57n)
  );
}

export function decodeCapabilities(value: bigint): Capabilities {
  return {
    maxEntries: field(value, 15, 0) + 1,
    contiguousQueues: field(value, 16, 16) === 1,
    arbitration: field(value, 18, 17),
    timeout: field(value, 31, 24),
    doorbellStride: field(value, 35, 32),
    commandSets: field(value, 44, 37),
    minPage: field(value, 51, 48),
    maxPage: field(value, 55, 52),
    memoryBuffer: field(value, 57, 57) === 1,
  };
}

/** Controller Configuration (3.1.5). */
export interface Configuration {
  readonly enable: boolean;
  /** CSS: command set; 0 is NVM. */
  readonly commandSet: number;
  /** MPS: memory pages have 4096 << MPS bytes. */
  readonly page: number;
  /** AMS: arbitration; 0 is round robin. */
  readonly arbitration: number;
  /** SHN: one of `ShutdownNotification`. */
  readonly shutdown: number;
  /** IOSQES and IOCQES: entries of I/O queues have 2^n bytes. */
  readonly submissionEntry: number;
  readonly completionEntry: number;
}

/** CC.SHN. */
export const ShutdownNotification = { none: 0, normal: 1, abrupt: 2 } as const;

export function encodeConfiguration(from: Configuration): number {
  return (
    Number(from.enable) |
    (from.commandSet << 4) |
    (from.page << 7) |
    (from.arbitration << 11) |
    (from.shutdown << 14) |
    (from.submissionEntry << 16) |
    (from.completionEntry << 20)
  );
}

export function decodeConfiguration(value: number): Configuration {
  return {
    enable: (value & 1) === 1,
    commandSet: (value >>> 4) & 7,
    page: (value >>> 7) & 15,
    arbitration: (value >>> 11) & 7,
    shutdown: (value >>> 14) & 3,
    submissionEntry: (value >>> 16) & 15,
    completionEntry: (value >>> 20) & 15,
  };
}

/** Controller Status (3.1.6). */
export const ControllerStatus = {
  ready: 1 << 0,
  fatal: 1 << 1,
  /** SHST. */
  shutdownOccurring: 1 << 2,
  shutdownComplete: 2 << 2,
  shutdownMask: 3 << 2,
} as const;

/** Bits of CMBLOC: where the restrictions that a controller may make are lifted (3.1.11). */
export const MemoryBufferLocation = {
  /** CDPMLS: the data pointers of a command may lie in the buffer and elsewhere. */
  mixedPointers: 1 << 5,
  /** CDPCILS: the pointers need not lie where the command lies. */
  independentPointers: 1 << 6,
  /** CDMMMS: data and metadata may lie in both. */
  mixedData: 1 << 7,
} as const;

/** Bits of CMBSZ: what the buffer may hold (3.1.12). */
export const MemoryBufferUse = {
  submissionQueues: 1 << 0,
  completionQueues: 1 << 1,
  /** PRP lists and SGL segments. */
  lists: 1 << 2,
  /** Data from controller to host, and the other way. */
  readData: 1 << 3,
  writeData: 1 << 4,
} as const;

/** Bits of CMBMSC (3.1.16). */
export const MemoryBufferControl = { registers: 1, memorySpace: 2 } as const;
