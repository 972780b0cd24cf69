import { MemoryBufferControl, MemoryBufferUse, Register } from '../../../nvme/registers.ts';
import { type BufferMemory, type BufferProvider, localProvider } from '../buffer-provider.ts';
import type { AddressRange } from '../pci-function.ts';
import { type NvmePlatform, pageBytes } from './platform.ts';

/** How often, and after how many cycles again, the driver looks whether CMBSZ shows. */
const mostLooks = 100;
const lookCycles = 50;

/** The controller memory buffer as the host found it (NVMe 1.4 section 4.7). */
export class ControllerMemory {
  /** Bus addresses. */
  readonly range: AddressRange;
  /** What it may be used for: bits of CMBSZ. */
  readonly uses: number;
  private readonly provider: BufferProvider;

  private constructor(range: AddressRange, uses: number, provider: BufferProvider) {
    this.range = range;
    this.uses = uses;
    this.provider = provider;
  }

  /**
   * Looks for the buffer, as an operating system does: shows its registers, clips it to the BAR, tells the controller where it is, and gives it to the
   * provider, which others may use if data may go both ways. @returns nothing if there is none, or the provider does not take it.
   */
  static async find(
    platform: NvmePlatform,
    supported: boolean,
    provider: BufferProvider = localProvider(platform),
  ): Promise<ControllerMemory | undefined> {
    if (!supported) return undefined;
    const { registers, memorySpace } = MemoryBufferControl;
    await platform.writeRegister(Register.cmbmsc, registers);
    const size = await shownSize(platform);
    if (size >>> 12 === 0) return undefined;
    const location = await platform.readRegister(Register.cmbloc);
    const unit = 4096n << (4n * BigInt((size >>> 8) & 15));
    const offset = BigInt(location >>> 12) * unit;
    const index = location & 7;
    const bar = platform.bar(index);
    if (!bar || offset >= bar.bytes) return undefined;
    const wanted = BigInt(size >>> 12) * unit;
    const bytes = offset + wanted > bar.bytes ? bar.bytes - offset : wanted;
    const base = bar.base + offset;
    if (base % BigInt(pageBytes) !== 0n) return undefined;
    await platform.writeRegister(Register.cmbmsc + 4, Number(base >> 32n));
    await platform.writeRegister(Register.cmbmsc, Number(base & 0xffff_f000n) | registers | memorySpace);
    if ((await platform.readRegister(Register.cmbsts)) !== 0) return undefined;
    try {
      provider.addResource(index, offset, bytes);
    } catch {
      await platform.writeRegister(Register.cmbmsc, 0);
      await platform.writeRegister(Register.cmbmsc + 4, 0);
      return undefined;
    }
    const uses = size & 0x1f;
    const data = MemoryBufferUse.readData | MemoryBufferUse.writeData;
    if ((uses & data) === data) provider.publish(true);
    return new ControllerMemory({ base, bytes }, uses, provider);
  }

  may(use: keyof typeof MemoryBufferUse): boolean {
    return (this.uses & MemoryBufferUse[use]) !== 0;
  }

  /** Takes memory. @returns nothing if there is not so much in one piece. */
  allocate(bytes: number): BufferMemory | undefined {
    return this.provider.alloc(BigInt(bytes));
  }

  release(memory: BufferMemory): void {
    this.provider.free(memory);
  }
}

/** CMBSZ. A controller whose registers are the matter of firmware needs a moment until they show. */
async function shownSize(platform: NvmePlatform): Promise<number> {
  for (let look = 0; look < mostLooks; look++) {
    const size = await platform.readRegister(Register.cmbsz);
    if (size !== 0) return size;
    await platform.scheduler.delay(lookCycles);
  }
  return 0;
}
