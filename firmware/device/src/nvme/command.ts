import { decode, type Layout, type Values } from '../../../layout.ts';
import { commonCommand } from '../../../nvme/commands.ts';
import { Status } from '../../../nvme/status.ts';
import { CommandError } from './command-error.ts';

/** A command that was fetched: what all commands have, decoded, and its 64 bytes for the rest. */
export interface Command extends Values<typeof commonCommand> {
  readonly bytes: Uint8Array;
  /** Identifier of the submission queue. */
  readonly queue: number;
  /** The host wants it aborted: what has not begun yet does not begin. */
  aborted: boolean;
}

/** Any 64 bytes give a command, which may make no sense. */
export const commandFrom = (bytes: Uint8Array, queue: number): Command => ({
  ...decode(commonCommand, bytes),
  bytes,
  queue,
  aborted: false,
});

/** What a kind of command says beside that. */
export const fieldsOf = <L extends Layout>(layout: L, command: Command): Values<L> => decode(layout, command.bytes);

/** @throws CommandError if the host wants the command aborted. */
export function checkAborted(command: Command): void {
  if (command.aborted) throw new CommandError(Status.abortRequested);
}
