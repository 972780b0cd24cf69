/** How work requests and commands end. */

/** Status of a work completion: the numbers of `ibv_wc_status`. */
export const WorkStatus = {
  success: 0,
  localLength: 1,
  localOperation: 2,
  localProtection: 4,
  flushed: 5,
  badResponse: 7,
  remoteInvalidRequest: 9,
  remoteAccess: 10,
  remoteOperation: 11,
  retriesExceeded: 12,
  receiverRetriesExceeded: 13,
} as const;

const workText: { readonly [status: number]: string } = {
  [WorkStatus.success]: 'success',
  [WorkStatus.localLength]: 'local length error: the message is longer than what was posted for it, or than the device can',
  [WorkStatus.localOperation]:
    'local operation error: the work request makes no sense, or the fabric refused a request for its data',
  [WorkStatus.localProtection]: 'local protection error: a key, its bounds or its permissions do not allow the access',
  [WorkStatus.flushed]: 'flushed: the queue pair went to the error state before',
  [WorkStatus.badResponse]: 'bad response: the other side answered what was not asked for',
  [WorkStatus.remoteInvalidRequest]:
    'remote invalid request: the other side has no such operation, or too little room for the message',
  [WorkStatus.remoteAccess]: 'remote access error: the key, its bounds or its permissions do not allow the access',
  [WorkStatus.remoteOperation]: 'remote operation error: the other side could not carry it out',
  [WorkStatus.retriesExceeded]: 'retries exceeded: the other side does not answer',
  [WorkStatus.receiverRetriesExceeded]: 'receiver not ready: the other side posted no receive',
};

/** A status of a work completion for people. */
export const describeWorkStatus = (status: number): string => workText[status] ?? `status ${status}`;

/** How a command of the driver ended. */
export const CommandStatus = {
  success: 0,
  invalidOpcode: 1,
  /** The sequence number of the command is not the one that the doorbell told. */
  invalidSequence: 2,
  invalidParameter: 3,
  invalidHandle: 4,
  /** The device has no more of these. */
  noResources: 5,
  /** Others still use it. */
  busy: 6,
  /** Memory that the command names could not be read. */
  unreachable: 7,
  invalidState: 8,
} as const;

const commandText: { readonly [status: number]: string } = {
  [CommandStatus.success]: 'success',
  [CommandStatus.invalidOpcode]: 'invalid opcode',
  [CommandStatus.invalidSequence]: 'invalid sequence number',
  [CommandStatus.invalidParameter]: 'invalid parameter',
  [CommandStatus.invalidHandle]: 'there is no such object',
  [CommandStatus.noResources]: 'the device has no more of these',
  [CommandStatus.busy]: 'others still use it',
  [CommandStatus.unreachable]: 'the fabric refused the memory that the command names',
  [CommandStatus.invalidState]: 'the queue pair is in another state',
};

/** A status of a command for people. */
export const describeCommandStatus = (status: number): string => commandText[status] ?? `status ${status}`;
