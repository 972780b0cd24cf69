import type { EngineName } from '@hdl/pcie-rtl';
import type { FirmwarePort } from '../../ports.ts';
import { Turns } from '../../semaphore.ts';
import { engineRegistersOf } from './registers.ts';

/** What an engine is to do. */
export interface Run {
  /** PCIe address (DMA engines). */
  readonly address?: bigint;
  /** Byte offset in the BAR memory (local movers, and DMA engines with `memory`). */
  readonly offset?: number;
  /** Bytes, 1 .. 2^32 - 1. */
  readonly length: number;
  /** DMA engines: the local side is the BAR memory, not the media stream. */
  readonly memory?: boolean;
  /** Write DMA: the run ends only when what it wrote has arrived (C63). */
  readonly flush?: boolean;
}

/**
 * One of the endpoint's four engines, as firmware drives it: runs come one after the other, in the order in which they are asked for. Its event
 * is told by `ended`, which the interrupt handler calls.
 */
export class DmaEngine {
  private readonly port: FirmwarePort;
  private readonly registers: ReturnType<typeof engineRegistersOf>;
  private readonly turns = new Turns();
  private whenEnded: (() => void) | undefined;

  constructor(port: FirmwarePort, name: EngineName) {
    this.port = port;
    this.registers = engineRegistersOf(name);
  }

  /**
   * Runs the engine. `feed` moves the media words of the run; it is called only if the engine has accepted the run, because one that was refused
   * takes and gives none. @returns the status code of the run, 0 if all went well.
   */
  run(run: Run, feed?: () => Promise<void>): Promise<number> {
    return this.turns.run(async () => {
      const ended = new Promise<void>(resolve => {
        this.whenEnded = resolve;
      });
      await this.program(run);
      if (feed && (await this.accepted())) await feed();
      await ended;
      return this.registers.status.outcome.get(await this.status());
    });
  }

  /** The engine's event was seen, and cleared. */
  ended(): void {
    this.whenEnded?.();
    this.whenEnded = undefined;
  }

  private async program({ address, offset, length, memory, flush }: Run): Promise<void> {
    const { address_low, address_high, memory_offset, length: bytes, control } = this.registers;
    if (address !== undefined) {
      await this.port.write(address_low.offset, Number(address & 0xffff_ffffn));
      await this.port.write(address_high.offset, Number(address >> 32n));
    }
    if (offset !== undefined) await this.port.write(memory_offset.offset, offset);
    await this.port.write(bytes.offset, length);
    const started = control.memory.set(control.start.set(0, 1), memory ? 1 : 0);
    await this.port.write(control.offset, 'flush' in control ? control.flush.set(started, flush ? 1 : 0) : started);
  }

  /** A refused run still shows as busy for its first cycles, which one read may catch; a second one comes later than that. */
  private async accepted(): Promise<boolean> {
    await this.status();
    return this.registers.status.busy.get(await this.status()) !== 0;
  }

  private status(): Promise<number> {
    return this.port.read(this.registers.status.offset);
  }
}
