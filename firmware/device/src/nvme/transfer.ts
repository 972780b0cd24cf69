import { Status } from '../../../nvme/status.ts';
import { type Command, checkAborted } from './command.ts';
import { CommandError } from './command-error.ts';
import type { Segment } from './data-pointer.ts';
import type { MoveOutcome, NvmeHardware, Place } from './hardware.ts';
import { writesOf } from './ways.ts';

/** A piece of a command's data, from a byte of it on. */
export interface Piece {
  readonly at: number;
  readonly data: Uint8Array;
}

/**
 * Moves the data of commands, segment by segment. An aborted command stops between two of them. Data that went out has arrived wherever the completion entry could
 * overtake it (C63).
 */
export class Transfer {
  private readonly hardware: NvmeHardware;
  private readonly entryOf: (command: Command) => Place | undefined;

  /** `entryOf` says where a command's completion goes. */
  constructor(hardware: NvmeHardware, entryOf: (command: Command) => Place | undefined) {
    this.hardware = hardware;
    this.entryOf = entryOf;
  }

  /** Data of the controller to the host. @throws CommandError, DmaError. */
  async send(command: Command, segments: readonly Segment[], data: Uint8Array): Promise<void> {
    for (const { place, at, bytes, flush } of writesOf(segments, this.entryOf(command))) {
      checkAborted(command);
      await this.hardware.write(place, data.subarray(at, at + bytes), { flush });
    }
  }

  /** Data of the host to the controller. @throws CommandError, DmaError. */
  async fetch(command: Command, segments: readonly Segment[], bytes: number): Promise<Uint8Array> {
    const data = new Uint8Array(bytes);
    await each(command, segments, async (place, at, length) => data.set(await this.hardware.read(place, length), at));
    return data;
  }

  /** The drive's data from a byte offset on to the host. @throws CommandError for abort and for what failed. */
  async fromMedia(command: Command, offset: number, segments: readonly Segment[]): Promise<void> {
    for (const { place, at, bytes, flush } of writesOf(segments, this.entryOf(command))) {
      checkAborted(command);
      check(await this.hardware.moveFromMedia(offset + at, place, bytes, { flush }), Status.unrecoveredReadError);
    }
  }

  /**
   * Data of the host that is to be written, all of it: what does not come as a whole leaves the drive as it was. @returns its pieces, in order.
   * @throws CommandError for abort, DmaError.
   */
  async collect(command: Command, segments: readonly Segment[]): Promise<Piece[]> {
    const pieces: Piece[] = [];
    await each(command, segments, async (place, at, bytes) => {
      const data = new Uint8Array(bytes);
      await this.hardware.collect(place, data);
      pieces.push({ at, data });
    });
    checkAborted(command);
    return pieces;
  }
}

async function each(
  command: Command,
  segments: readonly Segment[],
  move: (place: Place, at: number, bytes: number) => Promise<void>,
): Promise<void> {
  let at = 0;
  for (const { place, bytes } of segments) {
    checkAborted(command);
    if (place) await move(place, at, bytes);
    at += bytes;
  }
}

function check(outcome: MoveOutcome, mediaStatus: number): void {
  if (outcome === 'fabric error') throw new CommandError(Status.dataTransferError);
  if (outcome === 'media error') throw new CommandError(mediaStatus);
}
