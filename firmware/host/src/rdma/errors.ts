import { describeCommandStatus } from '../../../rdma/status.ts';
import { HostError } from '../host-error.ts';

/** A command that the network card refused. */
export class RdmaError extends HostError {
  /** One of `CommandStatus`. */
  readonly status: number;

  constructor(what: string, status: number) {
    super(`${what} failed: ${describeCommandStatus(status)}`);
    this.status = status;
  }
}
