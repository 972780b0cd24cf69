import { decode, encode, type Layout, type Values } from '../../../layout.ts';
import { commandHeader, reply } from '../../../rdma/commands.ts';
import { commandBytes, doorbellBase, doorbellOf, Mailbox, mailboxBase } from '../../../rdma/registers.ts';
import { CommandStatus } from '../../../rdma/status.ts';
import { Turns } from '../../../semaphore.ts';
import type { DevicePlatform } from '../device-platform.ts';
import { HostError } from '../host-error.ts';
import { RdmaError } from './errors.ts';

/** Cycles between two looks at the reply. */
const pollCycles = 100;
const replyAt = mailboxBase + Mailbox.reply;

/** Commands to the card by its mailbox, one at a time. */
export class CommandChannel {
  private readonly platform: DevicePlatform;
  private readonly timeoutCycles: number;
  private readonly turns = new Turns();
  /** Of the last command. */
  private sequence: number;

  private constructor(platform: DevicePlatform, timeoutCycles: number, sequence: number) {
    this.platform = platform;
    this.timeoutCycles = timeoutCycles;
    this.sequence = sequence;
  }

  /** Goes on where a driver before it stopped. @throws HostError if the card does not answer. */
  static async open(platform: DevicePlatform, timeoutCycles: number): Promise<CommandChannel> {
    return new CommandChannel(platform, timeoutCycles, (await replyOf(platform)).sequence);
  }

  /** @returns the result. @throws RdmaError if the card refuses; HostError if it does not answer, and for values that no command has. */
  run<L extends Layout>(what: string, opcode: number, layout: L, values: Partial<Values<L>>): Promise<number> {
    return this.turns.run(async () => {
      const { platform } = this;
      this.sequence = (this.sequence + 1) & 0xffff;
      const command = commandOf(what, layout, values);
      command.set(encode(commandHeader, 4, { opcode, sequence: this.sequence }));
      const words = new Uint32Array(command.buffer);
      for (const [i, word] of words.entries()) await platform.writeRegister(mailboxBase + Mailbox.command + 4 * i, word);
      await platform.writeRegister(doorbellBase + 4 * doorbellOf.commands, this.sequence);
      await this.answered(what);
      const { status } = await replyOf(platform);
      if (status !== CommandStatus.success) throw new RdmaError(`${platform.name}: ${what}`, status);
      return (await platform.readRegister(replyAt + 4)) >>> 0;
    });
  }

  private async answered(what: string): Promise<void> {
    const { scheduler, name } = this.platform;
    const until = scheduler.now + this.timeoutCycles;
    while ((await replyOf(this.platform)).sequence !== this.sequence) {
      if (scheduler.now >= until)
        throw new HostError(`${name} did not answer ${what} in ${this.timeoutCycles} cycles: does its firmware run?`);
      await scheduler.delay(pollCycles);
    }
  }
}

function commandOf<L extends Layout>(what: string, layout: L, values: Partial<Values<L>>): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(encode(layout, commandBytes, values));
  } catch (error) {
    if (error instanceof RangeError) throw new HostError(`${what}: ${error.message}`, { cause: error });
    throw error;
  }
}

/** The reply's first DW. @throws HostError if the card is gone. */
async function replyOf(platform: DevicePlatform): Promise<{ readonly status: number; readonly sequence: number }> {
  const word = (await platform.readRegister(replyAt)) >>> 0;
  if (word === 0xffff_ffff) throw new HostError(`${platform.name} is gone: its registers read as all ones`);
  const { status, sequence } = decode(
    { status: reply.status, sequence: reply.sequence },
    new Uint8Array(Uint32Array.of(word).buffer),
  );
  return { status, sequence };
}
