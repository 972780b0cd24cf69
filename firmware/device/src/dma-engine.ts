import { Engine } from '@hdl/pcie-rtl';
import type { FirmwarePort } from '../../ports.ts';
import { Turns } from '../../semaphore.ts';

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
}

/** Control register: start, and the local side is the BAR memory. */
const startBit = 1;
const memoryBit = 2;

/**
 * One of the endpoint's four engines, as firmware drives it: runs come one after the other, in the order in which they are asked for. Its event
 * is told by `ended`, which the interrupt handler calls.
 */
export class DmaEngine {
  private readonly port: FirmwarePort;
  private readonly base: number;
  private readonly turns = new Turns();
  private whenEnded: (() => void) | undefined;

  /** `base` is that of the engine's registers in `FirmwareMap`. */
  constructor(port: FirmwarePort, base: number) {
    this.port = port;
    this.base = base;
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
      return (await this.status()) >>> 1;
    });
  }

  /** The engine's event was seen, and cleared. */
  ended(): void {
    this.whenEnded?.();
    this.whenEnded = undefined;
  }

  private async program({ address, offset, length, memory }: Run): Promise<void> {
    if (address !== undefined) {
      await this.write(Engine.address_low, Number(address & 0xffff_ffffn));
      await this.write(Engine.address_high, Number(address >> 32n));
    }
    if (offset !== undefined) await this.write(Engine.offset, offset);
    await this.write(Engine.length, length);
    await this.write(Engine.control, startBit | (memory ? memoryBit : 0));
  }

  /** A refused run still shows as busy for its first cycles, which one read may catch; a second one comes later than that. */
  private async accepted(): Promise<boolean> {
    await this.status();
    return ((await this.status()) & 1) !== 0;
  }

  private status(): Promise<number> {
    return this.port.read(this.base + Engine.status);
  }

  private write(register: number, value: number): Promise<void> {
    return this.port.write(this.base + register, value);
  }
}
