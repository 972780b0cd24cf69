import { describeWorkStatus } from '../status.ts';

/** An operation of the remote end that did not end well. */
export class RemoteError extends Error {
  override readonly name = 'RemoteError';
  /** One of `WorkStatus`. */
  readonly status: number;

  constructor(what: string, status: number) {
    super(`${what} failed: ${describeWorkStatus(status)}`);
    this.status = status;
  }
}
