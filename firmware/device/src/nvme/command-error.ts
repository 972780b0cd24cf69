import { describeStatus } from '../../../nvme/status.ts';

/** A part of a command: a byte of its 64, and a bit in it. */
export interface Location {
  readonly byte: number;
  readonly bit?: number;
}

/** Ends a command with a status other than success. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  /** One of `Status`. */
  readonly status: number;
  /** The part of the command that is wrong; none if there is no one part. */
  readonly location: Location | undefined;

  constructor(status: number, location?: Location) {
    super(describeStatus(status));
    this.status = status;
    this.location = location;
  }
}
