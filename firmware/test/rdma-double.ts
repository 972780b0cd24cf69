import type { Scheduler } from '../../sim/testbench/src/scheduler.ts';
import type { Place } from '../device/src/endpoint/hardware.ts';
import type { RdmaHardware } from '../device/src/rdma/index.ts';
import { doorbellBase, mailboxBase } from '../rdma/registers.ts';
import { EndpointDouble, type EndpointDoubleOptions } from './endpoint-double.ts';

const mailboxBytes = 0x400;
/** Bytes of a chunk, as the endpoint has them. */
const chunkBytes = 4096;

/** The endpoint of a network card: what the firmware sees of it is `RdmaHardware`; what the host sees is below. */
export class RdmaDouble extends EndpointDouble implements RdmaHardware {
  constructor(scheduler: Scheduler, options: EndpointDoubleOptions) {
    super(scheduler, mailboxBytes, { name: 'nic0', doorbells: 64, ...options });
  }

  // The host's side: byte offsets in BAR0.

  hostRead(offset: number): number {
    const inside = offset >= mailboxBase && offset < mailboxBase + mailboxBytes;
    return inside ? this.registers.getUint32(offset - mailboxBase, true) : 0;
  }

  hostWrite(offset: number, value: number): void {
    if (offset >= mailboxBase && offset < mailboxBase + mailboxBytes) this.registers.setUint32(offset - mailboxBase, value, true);
    const index = (offset - doorbellBase) / this.doorbellStride;
    if (Number.isInteger(index) && index >= 0 && index < this.doorbells)
      this.raise({ kind: 'doorbell', index, value: value >>> 0 });
  }

  // The firmware's side.

  async take(place: Place, bytes: number, target: (at: number, data: Uint8Array) => void): Promise<void> {
    const data = await this.read(place, bytes);
    for (let at = 0; at < bytes; at += chunkBytes) target(at, data.subarray(at, at + chunkBytes));
  }

  async give(place: Place, bytes: number, source: (at: number, bytes: number) => Uint8Array): Promise<void> {
    const memory = await this.memoryOf(place, bytes, 'write');
    for (let at = 0; at < bytes; at += chunkBytes) memory.set(source(at, Math.min(chunkBytes, bytes - at)), at);
  }

  async memoryAddress(): Promise<bigint> {
    return this.bar2?.base ?? 0n;
  }
}
