import { describeCommandStatus, describeWorkStatus, WorkStatus } from '../../../rdma/status.ts';
import { DmaError } from '../endpoint/hardware.ts';

/** Ends a command with a status other than success. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  /** One of `CommandStatus`. */
  readonly status: number;

  constructor(status: number) {
    super(describeCommandStatus(status));
    this.status = status;
  }
}

/** Ends a work request with a status other than success. */
export class WorkError extends Error {
  override readonly name = 'WorkError';
  /** One of `WorkStatus`. */
  readonly status: number;

  constructor(status: number) {
    super(describeWorkStatus(status));
    this.status = status;
  }
}

/** The status that a work request ends with after an error. @throws what is no error of a work request. */
export function workStatusOf(error: unknown): number {
  if (error instanceof WorkError) return error.status;
  if (error instanceof DmaError) return WorkStatus.localOperation;
  throw error;
}
