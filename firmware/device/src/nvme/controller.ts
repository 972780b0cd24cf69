import { commandBytes, completionBytes } from '../../../nvme/commands.ts';
import {
  type Configuration,
  ControllerStatus,
  decodeConfiguration,
  encodeCapabilities,
  Register,
  ShutdownNotification,
  version,
} from '../../../nvme/registers.ts';
import { BackingError } from '../backing.ts';
import { AddressSpace } from './address-space.ts';
import { CommandError } from './command-error.ts';
import type { HardwareEvent, NvmeHardware } from './hardware.ts';
import { Health } from './health.ts';
import { type NvmeOptions, type Profile, profileOf } from './profile.ts';
import { Session } from './session.ts';

/** What a function level reset clears; CMBMSC stays (7.3.2). At power up, the hardware has them at 0. */
const hostRegisters = [Register.cc, Register.aqa, Register.asq, Register.asq + 4, Register.acq, Register.acq + 4] as const;

/**
 * Firmware of an NVMe 1.4 controller: the registers and what the host does with them (NVMe 1.4 sections 3.1 and 7.6). Commands are the matter of a `Session`,
 * which begins when the host enables the controller and ends when it disables it, or resets the function.
 *
 *     CC.EN 0→1 ─► check AQA, ASQ, ACQ, CC ─► Session ─► CSTS.RDY = 1
 *     CC.EN 1→0 ─► Session ends: no more DMA ─► CSTS.RDY = 0
 *     CC.SHN    ─► commands end, media is flushed ─► CSTS.SHST = complete
 *
 * A configuration that the controller cannot have, and queues that it cannot reach, show as CSTS.CFS until the next reset.
 */
export class NvmeController {
  private readonly hardware: NvmeHardware;
  private readonly profile: Profile;
  private readonly space: AddressSpace;
  private readonly health: Health;
  private session: Session | undefined;
  /** CC.EN as it was seen last. */
  private enabled = false;
  /** CC.SHN as it was seen last. */
  private notification: number = ShutdownNotification.none;
  private status = 0;
  private interruptMask = 0;

  private constructor(hardware: NvmeHardware, options: NvmeOptions) {
    this.hardware = hardware;
    this.profile = profileOf(hardware, options);
    this.space = new AddressSpace(hardware, this.profile.bufferUses);
    this.health = new Health(this.profile.temperature);
  }

  /** Boots the firmware; it runs as long as the simulation does. @throws RangeError for options that no controller can have. */
  static start(hardware: NvmeHardware, options: NvmeOptions = {}): NvmeController {
    const controller = new NvmeController(hardware, options);
    hardware.scheduler.spawn(`NVMe firmware of ${hardware.name}`, () => controller.run());
    return controller;
  }

  private async run(): Promise<never> {
    await this.boot();
    for (;;) await this.handle(await this.hardware.nextEvent());
  }

  private async boot(): Promise<void> {
    const { hardware } = this;
    const capabilities = encodeCapabilities(this.profile.capabilities);
    this.enabled = false;
    this.notification = ShutdownNotification.none;
    // Before the capabilities, which say that there is a memory buffer.
    await this.space.control();
    await hardware.writeRegister(Register.cap, Number(capabilities & 0xffff_ffffn));
    await hardware.writeRegister(Register.cap + 4, Number(capabilities >> 32n));
    await hardware.writeRegister(Register.vs, version);
    await this.mask(0);
    await this.setStatus(0);
  }

  private async handle(event: HardwareEvent): Promise<void> {
    if (event.kind === 'doorbell') return this.session?.ring(event.index, event.value);
    if (event.kind === 'function reset') {
      await this.endSession();
      for (const offset of hostRegisters) await this.hardware.writeRegister(offset, 0);
      return this.boot();
    }
    const { offset, value } = event;
    if (offset === Register.cc) return this.configure(decodeConfiguration(value));
    if (offset === Register.intms) return this.mask(this.interruptMask | value);
    if (offset === Register.intmc) return this.mask(this.interruptMask & ~value);
    if (offset === Register.cmbmsc || offset === Register.cmbmsc + 4) return this.space.control();
  }

  private async configure(configuration: Configuration): Promise<void> {
    const { none } = ShutdownNotification;
    const before = this.notification;
    this.notification = configuration.shutdown;
    const resets = !configuration.enable && this.enabled;
    if (resets) await this.reset();
    else if (configuration.enable && !this.enabled) await this.enable(configuration);
    this.enabled = configuration.enable;
    if (resets) this.notification = none;
    else if (before === none && configuration.shutdown !== none) await this.shutDown();
    else if (before !== none && configuration.shutdown === none)
      await this.setStatus(this.status & ~ControllerStatus.shutdownMask);
  }

  private async enable(configuration: Configuration): Promise<void> {
    const session = await this.begin(configuration);
    if (!session) return this.setStatus(ControllerStatus.fatal);
    this.session = session;
    await this.setStatus(ControllerStatus.ready);
  }

  /** @returns nothing if the host asks for what the controller cannot do. */
  private async begin(configuration: Configuration): Promise<Session | undefined> {
    const { hardware, profile, space, health } = this;
    const { minPage, maxPage } = profile.capabilities;
    const { page, commandSet, arbitration } = configuration;
    if (page < minPage || page > maxPage || commandSet !== 0 || arbitration !== 0) return undefined;
    const pageBytes = 4096 << page;
    const attributes = await hardware.readRegister(Register.aqa);
    const sizes = { submission: (attributes & 0xfff) + 1, completion: ((attributes >>> 16) & 0xfff) + 1 };
    const submission = await this.address(Register.asq);
    const completion = await this.address(Register.acq);
    if (sizes.submission < 2 || sizes.completion < 2) return undefined;
    if (submission % BigInt(pageBytes) !== 0n || completion % BigInt(pageBytes) !== 0n) return undefined;
    try {
      const session: Session = new Session({
        hardware,
        profile,
        space,
        health,
        pageBytes,
        adminSubmission: {
          id: 0,
          size: sizes.submission,
          place: space.place(submission, sizes.submission * commandBytes, 'submissionQueues'),
        },
        adminCompletion: {
          id: 0,
          size: sizes.completion,
          place: space.place(completion, sizes.completion * completionBytes, 'completionQueues'),
          vector: 0,
        },
        onFatal: () => hardware.scheduler.spawn(`fatal status of ${hardware.name}`, () => this.setFatal(session)),
      });
      return session;
    } catch (error) {
      if (error instanceof CommandError) return undefined;
      throw error;
    }
  }

  /** Controller Reset (7.3.2): AQA, ASQ, ACQ and CMBMSC stay. */
  private async reset(): Promise<void> {
    await this.endSession();
    await this.hardware.writeRegister(Register.cc, 0);
    await this.mask(0);
    await this.setStatus(0);
  }

  private async endSession(): Promise<void> {
    const { session } = this;
    this.session = undefined;
    await session?.stop();
  }

  /** Shutdown (7.6.2): to go on after it, the host resets the controller. */
  private async shutDown(): Promise<void> {
    const before = this.status;
    await this.setStatus(before | ControllerStatus.shutdownOccurring);
    await this.session?.finish();
    try {
      this.hardware.media.flush?.();
    } catch (error) {
      if (!(error instanceof BackingError)) throw error;
    }
    await this.setStatus((this.status & ~ControllerStatus.shutdownMask) | ControllerStatus.shutdownComplete);
  }

  private async setFatal(session: Session): Promise<void> {
    if (this.session === session) await this.setStatus(this.status | ControllerStatus.fatal);
  }

  private async setStatus(status: number): Promise<void> {
    this.status = status;
    await this.hardware.writeRegister(Register.csts, status);
  }

  /** Pin interrupts, which this mask is for, do not exist here; the registers show what was written to them (3.1.3, 3.1.4). */
  private async mask(value: number): Promise<void> {
    this.interruptMask = value >>> 0;
    await this.hardware.writeRegister(Register.intms, this.interruptMask);
    await this.hardware.writeRegister(Register.intmc, this.interruptMask);
  }

  private async address(register: number): Promise<bigint> {
    const low = await this.hardware.readRegister(register);
    const high = await this.hardware.readRegister(register + 4);
    return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
  }
}
