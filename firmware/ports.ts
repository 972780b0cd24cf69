import type { Packet } from '@hdl/pcie-rtl';

/**
 * All that host and firmware know of the world that they run in; a `Testbench` gives it. The host has a root port and its memory, firmware its
 * endpoint's register port, interrupt and media streams. Nothing here looks into the hardware.
 */

/** Simulated time. */
export interface Scheduler {
  /** Cycles since the start. */
  readonly now: number;
  /** Waits for simulated cycles. */
  delay(cycles: number): Promise<void>;
  /** Starts a task that runs beside its caller. An error in it ends the simulation with that error. */
  spawn(name: string, task: () => Promise<unknown>): void;
}

/** The host's memory as its processor sees it. Addresses are bus addresses. */
export interface HostMemory {
  readonly base: bigint;
  readonly bytes: number;
  /** A copy of the bytes at an address. */
  read(address: bigint, bytes: number): Uint8Array;
  write(address: bigint, data: Uint8Array): void;
}

/** What lies below a root port: ranges of bus addresses, and bus numbers from `first` to `last`. */
export interface BelowRoot {
  readonly windows: readonly { readonly base: bigint; readonly bytes: bigint }[];
  readonly buses: { readonly first: number; readonly last: number };
}

/** The root complex. Memory requests for host memory do not come up to it. */
export interface RootPort {
  readonly hostMemory: HostMemory;
  /** Its root ports. */
  readonly ports: number;
  /** Says what lies below one of them: packets leave by the one that has their bus or address, and by the first one if none has. */
  describe(port: number, below: BelowRoot): void;
  /** Resolves when the packet is on its way; packets leave in the order of the calls. */
  send(packet: Packet): Promise<void>;
  /** The next packet that comes up. */
  receive(): Promise<Packet>;
  /** Sets the port's own payload limit, in bytes. */
  setMaxPayload(bytes: number): void;
}

/** What firmware sees of its endpoint: the registers of `FirmwareMap`. */
export interface FirmwarePort {
  /** Reads a register; accesses are done in the order of the calls. */
  read(offset: number): Promise<number>;
  /** Writes a register. */
  write(offset: number, value: number): Promise<void>;
}

/** The media stream towards the endpoint. */
export interface MediaIn {
  /** Sends bytes; the last word is filled up with zeros. Resolves when there is room for more. */
  write(bytes: Uint8Array): Promise<void>;
}

/** The media stream from the endpoint. */
export interface MediaOut {
  /** Takes the next `bytes` bytes in whole words, and drops the rest of the last one. */
  read(bytes: number): Promise<Uint8Array>;
}

/** An endpoint, as its own processor sees it. */
export interface FirmwareDevice extends FirmwarePort {
  readonly name: string;
  /** Bits of the data width. */
  readonly width: number;
  readonly mediaIn: MediaIn;
  readonly mediaOut: MediaOut;
  /** Resolves when the interrupt is 1; at once if it is. */
  interrupt(): Promise<void>;
}
