import { decode, encode } from '../../../layout.ts';
import { commandHeader, reply } from '../../../rdma/commands.ts';
import { decodePacket } from '../../../rdma/packet.ts';
import {
  commandBytes,
  deviceInformation,
  deviceInformationBytes,
  doorbellOf,
  Mailbox,
  replyBytes,
} from '../../../rdma/registers.ts';
import { CommandStatus } from '../../../rdma/status.ts';
import type { WireEnd } from '../../../rdma/wire.ts';
import type { HardwareEvent } from '../endpoint/hardware.ts';
import { CommandError } from './command-error.ts';
import { carryOut } from './commands.ts';
import type { RdmaHardware } from './hardware.ts';
import { type Profile, profileOf, type RdmaOptions } from './profile.ts';
import { Session } from './session.ts';
import { Signal } from './signal.ts';

/**
 * Firmware of an RDMA network card: reliable connections as InfiniBand has them.
 *
 *     doorbells ─┬─ commands ─► carryOut, one at a time ─► reply in the mailbox
 *                └─ rings, completion queues, events ─► Session
 *     wire ─► packets ─► Inbox of a queue pair's Responder, or Requester
 *
 * Left out of what the specification has: unreliable and datagram services, shared receive queues, atomics, memory windows, SEND with Invalidate, address handles and path
 * migration. A queue pair that is not connected, or not there, takes no packet: who sent it runs into its timeout.
 */
export class RdmaFirmware {
  private readonly hardware: RdmaHardware;
  private readonly wire: WireEnd;
  private readonly profile: Profile;
  private readonly commands = new Signal();
  private session: Session;
  /** Of the command that is to be carried out. */
  private sequence: number | undefined;

  private constructor(hardware: RdmaHardware, wire: WireEnd, options: RdmaOptions) {
    this.hardware = hardware;
    this.wire = wire;
    this.profile = profileOf(hardware, options);
    this.session = new Session(hardware, wire, this.profile);
  }

  /** Boots the firmware; it runs as long as the simulation does. @throws RangeError for options that no card can have. */
  static start(hardware: RdmaHardware, wire: WireEnd, options: RdmaOptions = {}): RdmaFirmware {
    const firmware = new RdmaFirmware(hardware, wire, options);
    const spawn = (what: string, task: () => Promise<never>) => hardware.scheduler.spawn(`${what} of ${hardware.name}`, task);
    spawn('RDMA firmware', () => firmware.run());
    spawn('commands', () => firmware.serveCommands());
    spawn('packets', () => firmware.receive());
    return firmware;
  }

  private async run(): Promise<never> {
    await this.present();
    for (;;) await this.handle(await this.hardware.nextEvent());
  }

  /** Shows what the device is, its signature as the last. */
  private async present(): Promise<void> {
    const bytes = encode(deviceInformation, deviceInformationBytes, this.profile.information);
    await this.store(Mailbox.device, bytes);
  }

  private async handle(event: HardwareEvent): Promise<void> {
    if (event.kind === 'function reset') return this.reset();
    if (event.kind !== 'doorbell') return;
    if (event.index !== doorbellOf.commands) return this.session.ring(event.index, event.value);
    this.sequence = event.value & 0xffff;
    this.commands.raise();
  }

  /** Hides the device until nothing of what was before runs any more: drivers wait for its signature. */
  private async reset(): Promise<void> {
    const { session } = this;
    this.sequence = undefined;
    await this.hardware.writeRegister(Mailbox.device, 0);
    this.session = new Session(this.hardware, this.wire, this.profile);
    await session.stop();
    for (let offset = 0; offset < Mailbox.device; offset += 4) await this.hardware.writeRegister(offset, 0);
    await this.present();
  }

  private async serveCommands(): Promise<never> {
    for (;;) {
      const { sequence, session } = this;
      this.sequence = undefined;
      if (sequence === undefined) {
        await this.commands.wait();
        continue;
      }
      const [status, result] = await this.execute(session, sequence);
      if (session === this.session) await this.store(Mailbox.reply, encode(reply, replyBytes, { status, sequence, result }));
    }
  }

  private async execute(session: Session, sequence: number): Promise<readonly [status: number, result: number]> {
    const command = await this.load(Mailbox.command, commandBytes);
    const header = decode(commandHeader, command);
    try {
      if (header.sequence !== sequence) throw new CommandError(CommandStatus.invalidSequence);
      return [CommandStatus.success, await carryOut(session, header.opcode, command)];
    } catch (error) {
      if (error instanceof CommandError) return [error.status, 0];
      throw error;
    }
  }

  /** Takes packets from the wire as long as the session has room for them. */
  private async receive(): Promise<never> {
    for (;;) {
      const packet = decodePacket(await this.wire.receive());
      if (packet) await this.session.take(packet);
    }
  }

  private async load(offset: number, bytes: number): Promise<Uint8Array> {
    const words = new Uint32Array(bytes / 4);
    for (let i = 0; i < words.length; i++) words[i] = await this.hardware.readRegister(offset + 4 * i);
    return new Uint8Array(words.buffer);
  }

  /** Writes shared registers, the first one as the last. */
  private async store(offset: number, bytes: Uint8Array): Promise<void> {
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    for (let i = words.length - 1; i >= 0; i--) await this.hardware.writeRegister(offset + 4 * i, words[i] ?? 0);
  }
}
