import type { Scheduler } from '../../sim/testbench/src/scheduler.ts';
import { BackingError } from '../device/src/backing.ts';
import { DmaError, type MoveOutcome, type NvmeHardware, type NvmeMedia, type Place } from '../device/src/nvme/hardware.ts';
import { doorbellBase, hostWritable, MemoryBufferControl, Register } from '../nvme/registers.ts';
import { EndpointDouble, type EndpointDoubleOptions } from './endpoint-double.ts';

export { Memory, softwareScheduler } from './endpoint-double.ts';

export interface DoubleOptions extends EndpointDoubleOptions {
  readonly media: NvmeMedia;
}

/** The endpoint of a drive: what the firmware sees of it is `NvmeHardware`; what the host sees is below. */
export class NvmeDouble extends EndpointDouble implements NvmeHardware {
  readonly media: NvmeMedia;

  constructor(scheduler: Scheduler, options: DoubleOptions) {
    super(scheduler, doorbellBase, { name: 'nvme0', ...options });
    this.media = options.media;
  }

  // The host's side.

  hostRead(offset: number): number {
    const shown = this.registers.getUint32(Register.cmbmsc, true) & MemoryBufferControl.registers;
    if ((offset === Register.cmbloc || offset === Register.cmbsz) && !shown) return 0;
    return this.registers.getUint32(offset, true);
  }

  hostWrite(offset: number, value: number): void {
    if (offset >= doorbellBase) {
      const index = (offset - doorbellBase) / this.doorbellStride;
      if (!Number.isInteger(index) || index >= this.doorbells) return;
      this.raise({ kind: 'doorbell', index, value: value >>> 0 });
      return;
    }
    const mask = hostWritable.get(offset);
    if (mask === undefined) return;
    const old = this.registers.getUint32(offset, true);
    const kept = ((old & ~mask) | (value & mask)) >>> 0;
    // Interrupt mask bits are set and cleared by the firmware, from the value that was written.
    if (offset !== Register.intms && offset !== Register.intmc) this.registers.setUint32(offset, kept, true);
    this.raise({ kind: 'register', offset, value: kept });
  }

  // The firmware's side.

  async moveFromMedia(offset: number, to: Place, bytes: number): Promise<MoveOutcome> {
    return this.move(async () => this.media.read(offset, await this.memoryOf(to, bytes, 'write')));
  }

  async collect(from: Place, into: Uint8Array): Promise<void> {
    into.set(await this.memoryOf(from, into.length, 'read'));
  }

  private async move(work: () => Promise<void>): Promise<MoveOutcome> {
    try {
      await work();
      return 'success';
    } catch (error) {
      if (error instanceof DmaError) return 'fabric error';
      if (error instanceof BackingError) return 'media error';
      throw error;
    }
  }
}
