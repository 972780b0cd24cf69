import {
  commandBytes,
  completionBytes,
  createCompletionQueue,
  createSubmissionQueue,
  deleteQueue,
} from '../../../nvme/commands.ts';
import { decodeConfiguration, Register } from '../../../nvme/registers.ts';
import { Status } from '../../../nvme/status.ts';
import { type Command, fieldsOf } from './command.ts';
import { CommandError } from './command-error.ts';
import { CompletionQueue, SubmissionQueue } from './queues.ts';
import type { Session } from './session.ts';

/** Creation and deletion of I/O queues (NVMe 1.4 sections 5.3 to 5.6). */

/** Powers of two that CC.IOSQES and CC.IOCQES must have. */
const entrySizes = { submission: Math.log2(commandBytes), completion: Math.log2(completionBytes) } as const;

const invalidQueue = (byte = 40): CommandError => new CommandError(Status.invalidQueueIdentifier, { byte });

export async function createCompletion(session: Session, command: Command): Promise<number> {
  const fields = fieldsOf(createCompletionQueue, command);
  const { queue: id, vector } = fields;
  await checkEntrySize(session, 'completion');
  if (!inRange(session, id) || session.completion.has(id)) throw invalidQueue();
  const size = checkShape(session, command, fields);
  if (vector >= session.hardware.vectors) throw new CommandError(Status.invalidInterruptVector, { byte: 46 });
  const place = session.space.place(command.prp1, size * completionBytes, 'completionQueues', { byte: 24 });
  const queue = new CompletionQueue(session.hardware, { id, place, size, vector: fields.interrupts ? vector : undefined });
  session.completion.set(id, queue);
  return 0;
}

export async function createSubmission(session: Session, command: Command): Promise<number> {
  const fields = fieldsOf(createSubmissionQueue, command);
  const { queue: id } = fields;
  await checkEntrySize(session, 'submission');
  if (!inRange(session, id) || session.submission.has(id)) throw invalidQueue();
  if (!inRange(session, fields.completionQueue)) throw invalidQueue(46);
  const completion = session.completion.get(fields.completionQueue);
  if (!completion) throw new CommandError(Status.completionQueueInvalid, { byte: 46 });
  const size = checkShape(session, command, fields);
  const place = session.space.place(command.prp1, size * commandBytes, 'submissionQueues', { byte: 24 });
  session.submission.set(id, new SubmissionQueue({ id, place, size }, completion));
  return 0;
}

/** The commands that were fetched end first; what the completion queue has no room for is lost. */
export async function deleteSubmission(session: Session, command: Command): Promise<number> {
  const { queue: id } = fieldsOf(deleteQueue, command);
  const queue = session.submission.get(id);
  if (id === 0 || !queue || queue.deleting) throw invalidQueue();
  queue.deleting = true;
  await session.drained(queue);
  await session.post(queue.completion);
  queue.completion.forget(queue);
  session.submission.delete(id);
  return 0;
}

export async function deleteCompletion(session: Session, command: Command): Promise<number> {
  const { queue: id } = fieldsOf(deleteQueue, command);
  const queue = session.completion.get(id);
  if (id === 0 || !queue) throw invalidQueue();
  if ([...session.submission.values()].some(each => each.completion === queue))
    throw new CommandError(Status.invalidQueueDeletion, { byte: 40 });
  session.completion.delete(id);
  await queue.stop();
  return 0;
}

const inRange = ({ profile }: Session, id: number): boolean => id >= 1 && id <= profile.queues;

/** Size, contiguity and place of a queue. @returns its entries. */
function checkShape(session: Session, command: Command, fields: { readonly size: number; readonly contiguous: number }): number {
  const { maxEntries } = session.profile.capabilities;
  if (fields.size === 0 || fields.size >= maxEntries) throw new CommandError(Status.invalidQueueSize, { byte: 42 });
  if (!fields.contiguous) throw new CommandError(Status.invalidField, { byte: 44, bit: 0 });
  if (command.prp1 % BigInt(session.pageBytes) !== 0n) throw new CommandError(Status.prpOffsetInvalid, { byte: 24 });
  return fields.size + 1;
}

/** The host may set the sizes of entries any time before it creates queues (3.1.5). */
async function checkEntrySize(session: Session, kind: 'submission' | 'completion'): Promise<void> {
  const configuration = decodeConfiguration(await session.hardware.readRegister(Register.cc));
  const bits = kind === 'submission' ? configuration.submissionEntry : configuration.completionEntry;
  if (bits !== entrySizes[kind]) throw new CommandError(Status.invalidQueueSize);
}
