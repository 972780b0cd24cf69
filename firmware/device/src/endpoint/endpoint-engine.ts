import type { FirmwarePort } from '../../../ports.ts';
import { Turns } from '../../../semaphore.ts';
import { registers as map } from '../registers.ts';

/** What an engine of the endpoint is to move. */
export interface EngineJob {
  /** PCIe address; none for fill and drain. */
  readonly address?: bigint;
  /** Byte offset in the BAR memory; none for what is no part of the job. */
  readonly offset?: number;
  /** At least 1. */
  readonly bytes: number;
  /** Of the write DMA: the job ends only when what it wrote has arrived (C63). */
  readonly flush?: boolean;
}

/** Offsets of an engine's registers on the firmware port. */
export interface EngineRegisters {
  readonly address_low: number;
  readonly address_high: number;
  readonly memory_offset: number;
  readonly length: number;
  readonly control: number;
  readonly status: number;
}

/** A job that runs. */
export interface RunningJob {
  /** The engine has said that it ended. */
  readonly ended: boolean;
  readonly whenEnded: Promise<void>;
}

const start = 1;
/** Of `write_dma_control`, beside the start. */
const flushing = map.write_dma_control.flush.set(0, 1);

/** One of the endpoint's engines with a media stream at its local side. Jobs come one after the other, in the order of asking. */
export class EndpointEngine {
  private readonly port: FirmwarePort;
  private readonly registers: EngineRegisters;
  private readonly turns = new Turns();
  private finish: (() => void) | undefined;

  constructor(port: FirmwarePort, registers: EngineRegisters) {
    this.port = port;
    this.registers = registers;
  }

  /** The engine's event was seen, and cleared. */
  ended(): void {
    this.finish?.();
    this.finish = undefined;
  }

  /** Runs a job; `feed` gives or takes its media words. @returns the outcome: 0 if all went well, 7 if the engine refused it, wholly or from some word on. */
  run({ address, offset, bytes, flush }: EngineJob, feed: (job: RunningJob) => Promise<void>): Promise<number> {
    const { port, registers } = this;
    return this.turns.run(async () => {
      let over = false;
      const whenEnded = new Promise<void>(resolve => {
        this.finish = () => {
          over = true;
          resolve();
        };
      });
      if (address !== undefined) {
        await port.write(registers.address_low, Number(address & 0xffff_ffffn));
        await port.write(registers.address_high, Number(address >> 32n));
      }
      if (offset !== undefined) await port.write(registers.memory_offset, offset);
      await port.write(registers.length, bytes);
      await port.write(registers.control, flush ? start | flushing : start);
      await feed({
        get ended() {
          return over;
        },
        whenEnded,
      });
      await whenEnded;
      return (await port.read(registers.status)) >>> 1;
    });
  }
}
