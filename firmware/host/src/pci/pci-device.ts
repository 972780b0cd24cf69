import { HostError } from '../host-error.ts';
import { type AddressRange, type Bdf, formatBdf } from '../pci-function.ts';
import type { Domain } from './config-port.ts';
import { CapabilityId, Express, PortType } from './registers.ts';

/** A base address register. */
export interface BarState {
  /** Number of its first register. */
  readonly index: number;
  readonly kind: 'io' | 'memory32' | 'memory64';
  readonly prefetchable: boolean;
  bytes: bigint;
  /** Bus address; none if it has none. */
  address?: bigint;
}

/** The address spaces that bridges have windows for. */
export type Space = 'io' | 'memory' | 'prefetchable';

/** What only a bridge has. */
export interface BridgeState {
  secondary: number;
  subordinate: number;
  /** What its windows can do: I/O at all, prefetchable memory with 64 bits or 32 or not at all. */
  readonly can: { readonly io: boolean; readonly prefetchable: 64 | 32 | 0 };
  /** Open windows. */
  readonly windows: { [space in Space]?: AddressRange };
  readonly children: PciDevice[];
}

/** A function that was found in configuration space. */
export class PciDevice {
  readonly domain: Domain;
  readonly bdf: Bdf;
  readonly vendorId: number;
  readonly deviceId: number;
  readonly classCode: number;
  /** Offsets of capabilities and extended capabilities by ID. */
  readonly capabilities: ReadonlyMap<number, number>;
  readonly extended: ReadonlyMap<number, number>;
  /** None without the PCI Express capability. */
  readonly portType: number | undefined;
  /** Largest payload that it can take, in bytes. */
  readonly maxPayload: number;
  /** A port with a slot where devices come and go. */
  readonly hotPlug: boolean;
  readonly parent: PciDevice | undefined;
  bars: BarState[] = [];
  bridge?: BridgeState;
  /** ACS control as the firmware left it; none without the capability. */
  firmwareAcs?: number;

  constructor(
    of: Pick<
      PciDevice,
      | 'domain'
      | 'bdf'
      | 'vendorId'
      | 'deviceId'
      | 'classCode'
      | 'capabilities'
      | 'extended'
      | 'portType'
      | 'maxPayload'
      | 'hotPlug'
      | 'parent'
    >,
  ) {
    this.domain = of.domain;
    this.bdf = of.bdf;
    this.vendorId = of.vendorId;
    this.deviceId = of.deviceId;
    this.classCode = of.classCode;
    this.capabilities = of.capabilities;
    this.extended = of.extended;
    this.portType = of.portType;
    this.maxPayload = of.maxPayload;
    this.hotPlug = of.hotPlug;
    this.parent = of.parent;
  }

  /** `0000:03:00.0`. */
  get name(): string {
    return `${this.domain.number.toString(16).padStart(4, '0')}:${formatBdf(this.bdf)}`;
  }
  /** It has a link below it. */
  get isDownstreamPort(): boolean {
    return this.portType === PortType.rootPort || this.portType === PortType.downstream;
  }

  read(offset: number): Promise<number> {
    return this.domain.config.read(this.bdf, offset);
  }
  write(offset: number, value: number, mask = 0xf): Promise<void> {
    return this.domain.config.write(this.bdf, offset, value >>> 0, mask);
  }
  /** Changes bits of a register and leaves others; bytes that hold none of the bits are not written. */
  async change(offset: number, bits: number, value: number): Promise<void> {
    const mask = [0, 1, 2, 3].reduce((sum, byte) => sum | (((bits >>> (8 * byte)) & 0xff) !== 0 ? 1 << byte : 0), 0);
    await this.write(offset, ((await this.read(offset)) & ~bits) | (value & bits), mask);
  }

  /** Offset of a register in the PCI Express capability. @throws HostError without the capability. */
  express(offset: number): number {
    const base = this.capabilities.get(CapabilityId.express);
    if (base === undefined) throw new HostError(`${this.name} has no PCI Express capability`);
    return base + offset;
  }
  get isExpress(): boolean {
    return this.capabilities.has(CapabilityId.express);
  }

  /** MPS that it is set to, in bytes. */
  async payload(): Promise<number> {
    return 128 << (((await this.read(this.express(Express.deviceControl))) >>> 5) & 7);
  }
  /** Sets MPS and, if it is given, MRRS, in bytes. */
  async setLimits(payload: number, readRequest?: number): Promise<void> {
    const code = (bytes: number) => Math.log2(bytes / 128);
    const bits = 0x00e0 | (readRequest === undefined ? 0 : 0x7000);
    await this.change(this.express(Express.deviceControl), bits, (code(payload) << 5) | (code(readRequest ?? 128) << 12));
  }

  /** The address of a BAR for the processor. */
  cpuAddress({ address }: BarState): bigint | undefined {
    return address === undefined ? undefined : address + (this.domain.cpuOffset ?? 0n);
  }
}

/** The functions and all below them, each bridge before what hangs below it. */
export function* everyDevice(devices: readonly PciDevice[]): Generator<PciDevice> {
  for (const each of devices) {
    yield each;
    if (each.bridge) yield* everyDevice(each.bridge.children);
  }
}

/** The bridges above, the nearest first. */
export function bridgesAbove(device: PciDevice): PciDevice[] {
  const above: PciDevice[] = [];
  for (let bridge = device.parent; bridge; bridge = bridge.parent) above.push(bridge);
  return above;
}
