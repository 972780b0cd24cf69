import { doorbells, FirmwareEvent, FirmwareMap } from '@hdl/pcie-rtl';
import type { FirmwareDevice, Scheduler } from '../../ports.ts';
import { type Command, decodeCommand, encodeCompletion, slotBytes } from '../../protocol.ts';
import { Turns } from '../../semaphore.ts';
import type { Backing } from './backing.ts';
import { CommandExecutor, type Engines } from './command-executor.ts';
import { DmaEngine } from './dma-engine.ts';
import { Media } from './media.ts';

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
      writeDma: new DmaEngine(device, FirmwareMap.write_dma),
      readDma: new DmaEngine(device, FirmwareMap.read_dma),
      fill: new DmaEngine(device, FirmwareMap.fill),
      drain: new DmaEngine(device, FirmwareMap.drain),
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
    const { write_dma, read_dma, fill, drain, doorbell } = FirmwareEvent;
    const engineEvents = write_dma | read_dma | fill | drain;
    const { device, engines } = this;
    await device.write(FirmwareMap.event_enable, engineEvents | doorbell);
    for (;;) {
      await device.interrupt();
      const events = await device.read(FirmwareMap.events);
      await device.write(FirmwareMap.events, events & engineEvents);
      if (events & write_dma) engines.writeDma.ended();
      if (events & read_dma) engines.readDma.ended();
      if (events & fill) engines.fill.ended();
      if (events & drain) engines.drain.ended();
      if (events & doorbell) {
        const rung = await device.read(FirmwareMap.doorbell_pending);
        await device.write(FirmwareMap.doorbell_pending, rung);
        this.scheduler.spawn(`commands of ${device.name}`, () => this.doorbellTurns.run(() => this.serveDoorbells(rung)));
      }
    }
  }

  /** Takes the commands of the doorbells that were rung, and begins them in the order of their sequence numbers. */
  private async serveDoorbells(rung: number): Promise<void> {
    const taken: Taken[] = [];
    for (let slot = 0; slot < doorbells; slot++) if (rung & (1 << slot)) taken.push(await this.take(slot));
    // Sequence numbers wrap, so the difference of 16 bits tells which is the earlier.
    taken.sort((a, b) => ((a.command.sequence - b.command.sequence) << 16) >> 16);
    for (const each of taken) this.scheduler.spawn(`command of ${this.device.name}`, () => this.serve(each));
  }

  private take(slot: number): Promise<Taken> {
    return this.step(async () => {
      const dwords: number[] = [];
      for (let i = 0; i < commandDwords; i++) dwords.push(await this.device.read(FirmwareMap.mailbox + slot * slotBytes + 4 * i));
      return { slot, command: decodeCommand(dwords) };
    });
  }

  private async serve({ slot, command }: Taken): Promise<void> {
    const status = await this.executor.execute(slot, command);
    await this.step(async () => {
      const { completionAddress, sequence, vector } = command;
      await this.device.write(FirmwareMap.post_low, Number(completionAddress & 0xffff_ffffn));
      await this.device.write(FirmwareMap.post_high, Number(completionAddress >> 32n));
      await this.device.write(FirmwareMap.post_data, encodeCompletion({ slot, status, sequence }));
      await this.device.write(FirmwareMap.msix_trigger, vector);
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
