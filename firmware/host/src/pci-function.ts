/** The functions of a fabric as data: what the configuration space tells, and what the host assigned. */

/** Bus, device and function number. */
export interface Bdf {
  readonly bus: number;
  readonly device: number;
  readonly function: number;
}

/** As TLPs carry it (2.2.4.2). */
export const routingId = ({ bus, device, function: number }: Bdf): number => (bus << 8) | (device << 3) | number;

/** As people write it: `03:00.0`, bus and device in hexadecimal. */
export function formatBdf({ bus, device, function: number }: Bdf): string {
  return `${bus.toString(16).padStart(2, '0')}:${device.toString(16).padStart(2, '0')}.${number}`;
}

/** Vendor and device ID: `1d1d:e000`. */
export const formatIds = ({ vendorId, deviceId }: { readonly vendorId: number; readonly deviceId: number }): string =>
  [vendorId, deviceId].map(id => id.toString(16).padStart(4, '0')).join(':');

/** Bytes from a bus address on; CPU and bus addresses are the same here. */
export interface AddressRange {
  readonly base: bigint;
  readonly bytes: bigint;
}

/** A capability structure in the configuration space. */
export interface Capability {
  readonly id: number;
  /** Byte offset. */
  readonly offset: number;
}

/** A base address register as it was sized. */
export interface Bar {
  /** Number of its first register: 0 .. 5. */
  readonly index: number;
  readonly kind: 'io' | 'memory32' | 'memory64';
  readonly prefetchable: boolean;
  readonly bytes: bigint;
  /** Assigned address; none before the assignment, and for I/O, which the host does not use. */
  readonly address?: bigint;
}

/** What only a bridge has. */
export interface Bridge {
  readonly primary: number;
  readonly secondary: number;
  readonly subordinate: number;
  /** Window for non-prefetchable memory, below 4 GiB; none if it is closed. */
  readonly memory?: AddressRange;
  /** Window for 64-bit prefetchable memory; none if it is closed. */
  readonly prefetchable?: AddressRange;
  readonly children: readonly PciFunction[];
}

/** A function that was found. */
export interface PciFunction {
  readonly bdf: Bdf;
  readonly vendorId: number;
  readonly deviceId: number;
  /** Base class, sub-class and interface: 24 bits. */
  readonly classCode: number;
  readonly capabilities: readonly Capability[];
  /** Largest payload that it takes, in bytes. */
  readonly maxPayload: number;
  /** Device/port type of its PCI Express capability (7.5.3.2); none without one. */
  readonly portType?: number;
  readonly bars: readonly Bar[];
  readonly bridge?: Bridge;
}

/** Offset of a capability. @returns undefined if the function has none of this kind. */
export const capability = (of: PciFunction, id: number): number | undefined =>
  of.capabilities.find(entry => entry.id === id)?.offset;

/** The functions and all below them, each bridge before what hangs below it. */
export function* allFunctions(functions: readonly PciFunction[]): Generator<PciFunction> {
  for (const each of functions) {
    yield each;
    if (each.bridge) yield* allFunctions(each.bridge.children);
  }
}
