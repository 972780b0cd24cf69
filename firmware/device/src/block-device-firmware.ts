import { engineNames } from '@hdl/pcie-rtl';
import type { FirmwareDevice, Scheduler } from '../../ports.ts';
import { type Command, decodeCommand, encodeCompletion, slotBytes } from '../../protocol.ts';
import { Turns } from '../../semaphore.ts';
import type { Backing } from './backing.ts';
import { CommandExecutor, type Engines } from './command-executor.ts';
import { DmaEngine } from './dma-engine.ts';
import { Media } from './media.ts';
import { mailboxOffset, registers } from './registers.ts';

export interface FirmwareOptions {
  /** Simulated cycles that the processor takes to look at a command, and again to complete it, beyond its register accesses. 20 by default. */
  readonly stepCycles?: number;
}

/** DW of a slot that hold the command. */
const commandDwords = 9;

/** A command that was taken out of its slot. */
interface Taken {
  readonly slot: number;
  readonly command: Command;
}

/**
 * Firmware of a block device: takes commands of `protocol.ts` from the mailbox, checks them, and drives the endpoint's engines.
 *
 *     interrupt ─► events ─┬─► doorbell: take commands ─► execute ─► engine runs, media moves ─┐
 *                          └─► engine has ended ───────────────────────────────────────────────┴─► completion entry, MSI-X
 *
 * The four engines work at the same time: commands for different ones overlap, those for the same one are done in their order. The processor does one
 * thing at a time, and each command costs it `stepCycles` when it is taken and when it is completed.
 */
export class BlockDeviceFirmware {
  private readonly device: FirmwareDevice;
  private readonly scheduler: Scheduler;
  private readonly stepCycles: number;
  private readonly engines: Engines;
  private readonly executor: CommandExecutor;
  /** The processor: whoever has the turn computes. */
  private readonly processor = new Turns();
  /** One set of doorbells at a time, so that commands stay in order. */
  private readonly doorbellTurns = new Turns();

  private constructor(device: FirmwareDevice, scheduler: Scheduler, backing: Backing, options: FirmwareOptions) {
    this.device = device;
    this.scheduler = scheduler;
    this.stepCycles = options.stepCycles ?? 20;
    this.engines = {
      writeDma: new DmaEngine(device, 'write_dma'),
      readDma: new DmaEngine(device, 'read_dma'),
      fill: new DmaEngine(device, 'fill'),
      drain: new DmaEngine(device, 'drain'),
    };
    const media = new Media(backing, device.mediaIn, device.mediaOut);
    this.executor = new CommandExecutor(device, this.engines, media, device.width / 8);
  }

  /** Boots the firmware of a device; it runs as long as the simulation does. */
  static start(
    scheduler: Scheduler,
    device: FirmwareDevice,
    backing: Backing,
    options: FirmwareOptions = {},
  ): BlockDeviceFirmware {
    const firmware = new BlockDeviceFirmware(device, scheduler, backing, options);
    scheduler.spawn(`firmware of ${device.name}`, () => firmware.serveInterrupts());
    return firmware;
  }

  private async serveInterrupts(): Promise<never> {
    const { events, event_enable } = registers;
    const { device, engines } = this;
    const whose = { write_dma: engines.writeDma, read_dma: engines.readDma, fill: engines.fill, drain: engines.drain };
    const engineEvents = engineNames.reduce((word, name) => events[name].set(word, 1), 0);
    await device.write(event_enable.offset, event_enable.doorbell.set(engineEvents, 1));
    for (;;) {
      await device.interrupt();
      const happened = await device.read(events.offset);
      // Bits above those of the engines are not enabled, and stay.
      const ended = engineNames.filter(name => events[name].get(happened) !== 0);
      await device.write(
        events.offset,
        ended.reduce((word, name) => events[name].set(word, 1), 0),
      );
      for (const name of ended) whose[name].ended();
      if (events.doorbell.get(happened)) {
        const rung = await this.doorbells();
        this.scheduler.spawn(`commands of ${device.name}`, () => this.doorbellTurns.run(() => this.serveDoorbells(rung)));
      }
    }
  }

  /** The doorbells that have an event, which is taken. */
  private async doorbells(): Promise<number[]> {
    const { doorbell_next: next } = registers;
    const rung: number[] = [];
    for (;;) {
      const word = await this.device.read(next.offset);
      if (!next.valid.get(word)) return rung;
      rung.push(next.doorbell.get(word));
    }
  }

  /** Takes the commands of the doorbells that were rung, and begins them in the order of their sequence numbers. */
  private async serveDoorbells(rung: readonly number[]): Promise<void> {
    const taken: Taken[] = [];
    for (const slot of rung) taken.push(await this.take(slot));
    // Sequence numbers wrap, so the difference of 16 bits tells which is the earlier.
    taken.sort((a, b) => ((a.command.sequence - b.command.sequence) << 16) >> 16);
    for (const each of taken) this.scheduler.spawn(`command of ${this.device.name}`, () => this.serve(each));
  }

  private take(slot: number): Promise<Taken> {
    return this.step(async () => {
      const dwords: number[] = [];
      for (let i = 0; i < commandDwords; i++) dwords.push(await this.device.read(mailboxOffset + slot * slotBytes + 4 * i));
      return { slot, command: decodeCommand(dwords) };
    });
  }

  private async serve({ slot, command }: Taken): Promise<void> {
    const status = await this.executor.execute(slot, command);
    await this.step(async () => {
      const { completionAddress, sequence, vector } = command;
      await this.device.write(registers.post_low.offset, Number(completionAddress & 0xffff_ffffn));
      await this.device.write(registers.post_high.offset, Number(completionAddress >> 32n));
      await this.device.write(registers.post_data.offset, encodeCompletion({ slot, status, sequence }));
      await this.device.write(registers.msix_trigger.offset, vector);
    });
  }

  /** What the processor does in one go: it has the turn, and it takes `stepCycles` longer than the accesses. */
  private step<T>(work: () => Promise<T>): Promise<T> {
    return this.processor.run(async () => {
      await this.scheduler.delay(this.stepCycles);
      return work();
    });
  }
}
