import { CapabilityId } from '@hdl/pcie-rtl';
import type { ConfigAccess } from './config-access.ts';
import { HostError } from './host-error.ts';
import { interruptAddress } from './interrupts.ts';
import type { MemoryAccess } from './memory-access.ts';
import { capability, formatBdf, type PciFunction } from './pci-function.ts';

/** MSI-X enable and function mask of message control, in the capability's first DW (7.7.2). */
const enableBit = 2 ** 31;
const functionMaskBit = 2 ** 30;

/** Bytes of a table entry. */
const entryBytes = 16n;

/** The MSI-X table of a function (7.7.2). */
export class MsixSetup {
  /** Vectors of the table. */
  readonly vectors: number;
  private readonly config: ConfigAccess;
  private readonly memory: MemoryAccess;
  private readonly device: PciFunction;
  private readonly capability: number;
  private readonly table: bigint;

  private constructor(from: MsixParts) {
    this.config = from.config;
    this.memory = from.memory;
    this.device = from.device;
    this.capability = from.offset;
    this.vectors = from.vectors;
    this.table = from.table;
  }

  /** Finds the table. @throws HostError if the function has no MSI-X, or its table lies in a BAR without address. */
  static async find(config: ConfigAccess, memory: MemoryAccess, device: PciFunction): Promise<MsixSetup> {
    const offset = capability(device, CapabilityId.msix);
    if (offset === undefined) throw new HostError(`${formatBdf(device.bdf)} has no MSI-X capability`);
    const vectors = (((await config.read(device.bdf, offset)) >>> 16) & 0x7ff) + 1;
    const place = await config.read(device.bdf, offset + 4);
    const bar = device.bars.find(each => each.index === (place & 7));
    if (bar?.address === undefined)
      throw new HostError(`the MSI-X table of ${formatBdf(device.bdf)} lies in BAR${place & 7}, which has no address`);
    return new MsixSetup({ config, memory, device, offset, vectors, table: bar.address + BigInt((place & ~7) >>> 0) });
  }

  /** Points a vector at the host's interrupt controller and unmasks it. @throws HostError for a vector beyond the table. */
  async program(vector: number, data: number): Promise<void> {
    if (!Number.isInteger(vector) || vector < 0 || vector >= this.vectors)
      throw new HostError(`${formatBdf(this.device.bdf)} has ${this.vectors} MSI-X vectors, and no vector ${vector}`);
    const entry = Uint32Array.of(Number(interruptAddress & 0xffff_ffffn), Number(interruptAddress >> 32n), data, 0);
    await this.memory.write(this.table + BigInt(vector) * entryBytes, new Uint8Array(entry.buffer));
  }

  /** Lets the function send messages. */
  async enable(): Promise<void> {
    const control = await this.config.read(this.device.bdf, this.capability);
    const value = ((control & ~functionMaskBit) | enableBit) >>> 0;
    await this.config.write(this.device.bdf, this.capability, value, 0b1100);
  }
}

interface MsixParts {
  readonly config: ConfigAccess;
  readonly memory: MemoryAccess;
  readonly device: PciFunction;
  /** Byte offset of the capability. */
  readonly offset: number;
  readonly vectors: number;
  /** Address of the table. */
  readonly table: bigint;
}
