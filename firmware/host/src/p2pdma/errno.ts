import { HostError } from '../host-error.ts';

/** Error numbers that callers of the peer-to-peer core tell apart, named as POSIX does. */
export type ErrnoCode = 'EINVAL' | 'ENOMEM' | 'ENXIO' | 'ENODEV' | 'EBUSY' | 'EREMOTEIO' | 'EOPNOTSUPP';

/** A call that the core refuses: the number for programs, the message for people. */
export class Errno extends HostError {
  readonly code: ErrnoCode;
  constructor(code: ErrnoCode, message: string) {
    super(`${message} (${code})`);
    this.code = code;
  }
}
