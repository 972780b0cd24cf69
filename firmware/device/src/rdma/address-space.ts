import { CommandStatus } from '../../../rdma/status.ts';
import type { Place } from '../endpoint/hardware.ts';
import { CommandError } from './command-error.ts';
import type { RdmaHardware } from './hardware.ts';

/** The bus addresses that a host gives to the card: those of the card's own memory buffer are reached without a TLP. */
export class AddressSpace {
  private readonly hardware: RdmaHardware;

  constructor(hardware: RdmaHardware) {
    this.hardware = hardware;
  }

  /**
   * Where a range of bus addresses is, as the BAR stands now. @throws CommandError for one that lies partly in the buffer, or in what the firmware keeps of the BAR
   * for itself, or ends beyond all addresses.
   */
  async place(address: bigint, bytes: bigint): Promise<Place> {
    const { memoryBuffer } = this.hardware;
    if (address + bytes > 1n << 64n) throw new CommandError(CommandStatus.invalidParameter);
    if (!memoryBuffer) return { in: 'fabric', address };
    const bar = await this.hardware.memoryAddress();
    const offset = address - bar - BigInt(memoryBuffer.offset);
    const outside = address + bytes <= bar || offset >= BigInt(memoryBuffer.bytes);
    if (outside) return { in: 'fabric', address };
    if (offset < 0n || offset + bytes > BigInt(memoryBuffer.bytes)) throw new CommandError(CommandStatus.invalidParameter);
    return { in: 'memory buffer', offset: Number(offset) };
  }
}
