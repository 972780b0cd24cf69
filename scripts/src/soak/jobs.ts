import { type FirmwarePort, firmware } from './firmware.ts';

export const engines = ['write_dma', 'read_dma', 'fill', 'drain', 'atomic'] as const;
export type EngineName = (typeof engines)[number];

/** What is written to the registers of an engine. */
export interface JobRegisters {
  readonly low: number;
  readonly high: number;
  readonly offset: number;
  readonly length: number;
  /** The control register, without its start. */
  readonly control: number;
}

/** The engines as the firmware drives them: a job at a time each. An end is told by an event, and the outcome is read then. */
export class Jobs {
  private readonly port: FirmwarePort;
  private readonly running = new Map<EngineName, (outcome: number) => void>();
  /** The AtomicOp has ended, and what was there is being read: the next one may be on the same operand. */
  private reading = false;

  constructor(port: FirmwarePort) {
    this.port = port;
  }

  reset(): void {
    this.running.clear();
    this.reading = false;
  }
  get some(): boolean {
    return this.running.size > 0 || this.reading;
  }
  busy(engine: EngineName): boolean {
    return this.running.has(engine) || (engine === 'atomic' && this.reading);
  }

  /** Starts an engine that is not busy; `ended` gets the outcome. */
  start(
    engine: Exclude<EngineName, 'atomic'>,
    { low, high, offset, length, control }: JobRegisters,
    ended: (outcome: number) => void,
  ): void {
    const tell = (register: 'address_low' | 'address_high' | 'memory_offset' | 'length' | 'control', value: number) =>
      this.port.tell(0, firmware[`${engine}_${register}`].offset, value);
    this.running.set(engine, ended);
    tell('address_low', low);
    tell('address_high', high);
    tell('memory_offset', offset);
    tell('length', length);
    tell('control', control | 1);
  }

  /** Starts an AtomicOp; `ended` gets the outcome and what was there. */
  startAtomic(
    {
      low,
      high,
      control,
      operand,
      compare,
    }: Pick<JobRegisters, 'low' | 'high' | 'control'> & { readonly operand: Uint8Array; readonly compare: Uint8Array },
    ended: (outcome: number, value: Uint8Array) => void,
  ): void {
    const tell = (offset: number, value: number) => this.port.tell(0, offset, value);
    const words = (bytes: Uint8Array) => {
      const all = new Uint8Array(16);
      all.set(bytes);
      return new Uint32Array(all.buffer);
    };
    this.running.set('atomic', outcome => {
      const value = new Uint32Array(4);
      this.reading = true;
      for (let i = 0; i < 4; i++)
        this.port.ask(0, firmware.atomic_result_0.offset + 4 * i, word => {
          value[i] = word;
          if (i < 3) return;
          this.reading = false;
          ended(outcome, new Uint8Array(value.buffer));
        });
    });
    tell(firmware.atomic_address_low.offset, low);
    tell(firmware.atomic_address_high.offset, high);
    for (const [i, word] of words(operand).entries()) tell(firmware.atomic_operand_0.offset + 4 * i, word);
    for (const [i, word] of words(compare).entries()) tell(firmware.atomic_compare_0.offset + 4 * i, word);
    tell(firmware.atomic_control.offset, control | 1);
  }

  /** The firmware read these events of function 0. */
  happened(events: number): void {
    for (const engine of engines) {
      const field = firmware.events[engine];
      const ended = this.running.get(engine);
      if (!field.get(events) || !ended) continue;
      this.port.tell(0, firmware.events.offset, field.set(0, 1));
      this.port.ask(0, firmware[`${engine}_status`].offset, status => {
        this.running.delete(engine);
        ended(status >> 1);
      });
    }
  }
}
