import { MemoryBufferControl, MemoryBufferLocation, MemoryBufferUse, Register } from '../../../nvme/registers.ts';
import { Status } from '../../../nvme/status.ts';
import { CommandError, type Location } from './command-error.ts';
import type { MemoryBuffer, NvmeHardware, Place } from './hardware.ts';

/** What the memory buffer may be used for, each as the bit of CMBSZ that allows it. */
export type Use = keyof typeof MemoryBufferUse;

/** All uses. */
export const allUses: number = Object.values(MemoryBufferUse).reduce((all, bit) => all | bit, 0);

const unit = 4096;

/**
 * The addresses that a host gives to the controller, and the registers of the controller memory buffer (NVMe 1.4 sections 3.1.11, 3.1.12, 3.1.16, 3.1.17 and
 * 4.7). Addresses in the buffer's memory space are the buffer itself: the controller reaches them without a TLP.
 */
export class AddressSpace {
  private readonly hardware: NvmeHardware;
  private readonly uses: number;
  private readonly buffer: MemoryBuffer | undefined;
  /** Base of the memory space; none while it is off or invalid. */
  private base: bigint | undefined;

  /** `uses` are bits of CMBSZ. */
  constructor(hardware: NvmeHardware, uses: number) {
    this.hardware = hardware;
    this.uses = uses;
    this.buffer = hardware.memoryBuffer;
  }

  /** The host wrote CMBMSC, or may have: sets the memory space. CMBLOC and CMBSZ always stand in their registers, which show only while CMBMSC.CRE is 1. */
  async control(): Promise<void> {
    const { hardware, buffer } = this;
    if (!buffer) return;
    const low = await hardware.readRegister(Register.cmbmsc);
    const high = await hardware.readRegister(Register.cmbmsc + 4);
    const { mixedPointers, independentPointers, mixedData } = MemoryBufferLocation;
    const location = ((buffer.offset / unit) << 12) | buffer.bar | mixedPointers | independentPointers | mixedData;
    const size = ((buffer.bytes / unit) << 12) | this.uses;
    await hardware.writeRegister(Register.cmbloc, location >>> 0);
    await hardware.writeRegister(Register.cmbsz, size >>> 0);
    const base = (BigInt(high >>> 0) << 32n) | BigInt((low & ~0xfff) >>> 0);
    const { registers, memorySpace } = MemoryBufferControl;
    const wanted = (low & registers) !== 0 && (low & memorySpace) !== 0;
    const valid = base + BigInt(buffer.bytes) <= 1n << 64n;
    this.base = wanted && valid ? base : undefined;
    await hardware.writeRegister(Register.cmbsts, wanted && !valid ? 1 : 0);
  }

  /**
   * Where a range of addresses is. @throws CommandError Invalid Use of Controller Memory Buffer for a range that lies partly in the buffer, and for a use
   * that the buffer does not allow.
   */
  place(address: bigint, bytes: number, use: Use, location?: Location): Place {
    const { base, buffer } = this;
    if (base === undefined || !buffer) return { in: 'fabric', address };
    const offset = address - base;
    const size = BigInt(buffer.bytes);
    if (offset >= size || offset + BigInt(bytes) <= 0n) return { in: 'fabric', address };
    if (offset < 0n || offset + BigInt(bytes) > size || (this.uses & MemoryBufferUse[use]) === 0)
      throw new CommandError(Status.invalidUseOfMemoryBuffer, location);
    return { in: 'memory buffer', offset: Number(offset) };
  }
}
