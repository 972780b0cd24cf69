import { decode } from '../../../layout.ts';
import {
  CommandOpcode,
  createCompletionQueue,
  createQueuePair,
  handleCommand,
  modifyQueuePair,
  QueuePairState,
  registerMemory,
  setEventQueue,
} from '../../../rdma/commands.ts';
import { CommandStatus, WorkStatus } from '../../../rdma/status.ts';
import { completionBytes, eventBytes, largestEntryBytes } from '../../../rdma/work.ts';
import { CommandError } from './command-error.ts';
import type { CompletionQueue } from './completion-queue.ts';
import type { QueuePair } from './queue-pair.ts';
import type { Session } from './session.ts';
import type { WorkRingParams } from './work-ring.ts';

/** Carries out a command. @returns the handle of what was made, or what was asked for. @throws CommandError. */
export type Handler = (session: Session, command: Uint8Array) => Promise<number>;

const handlers: { readonly [opcode: number]: Handler } = {
  [CommandOpcode.setEventQueue]: useEvents,
  [CommandOpcode.allocateDomain]: allocateDomain,
  [CommandOpcode.freeDomain]: freeDomain,
  [CommandOpcode.registerMemory]: register,
  [CommandOpcode.deregisterMemory]: deregister,
  [CommandOpcode.createCompletionQueue]: makeCompletionQueue,
  [CommandOpcode.destroyCompletionQueue]: destroyCompletionQueue,
  [CommandOpcode.createQueuePair]: makeQueuePair,
  [CommandOpcode.modifyQueuePair]: modify,
  [CommandOpcode.queryQueuePair]: query,
  [CommandOpcode.destroyQueuePair]: destroyQueuePair,
};

/** @throws CommandError for what no command is, too. */
export async function carryOut(session: Session, opcode: number, command: Uint8Array): Promise<number> {
  const handler = handlers[opcode];
  if (!handler) throw new CommandError(CommandStatus.invalidOpcode);
  return handler(session, command);
}

/** @throws CommandError with a status if a condition does not hold. */
function must(condition: boolean, status: number = CommandStatus.invalidParameter): asserts condition {
  if (!condition) throw new CommandError(status);
}

const powerOfTwo = (value: number): boolean => value > 0 && (value & (value - 1)) === 0;

/** The first number below a limit that is not in use. */
function free(limit: number, used: (number: number) => boolean): number {
  for (let number = 0; number < limit; number++) if (!used(number)) return number;
  throw new CommandError(CommandStatus.noResources);
}

async function useEvents(session: Session, command: Uint8Array): Promise<number> {
  const { address, entries, vector } = decode(setEventQueue, command);
  if (entries === 0) {
    session.events.use(undefined);
    return 0;
  }
  checkRing(session, address, entries);
  must(vector < session.hardware.vectors);
  const place = await session.space.place(address, BigInt(entries * eventBytes));
  session.events.use({ place, entries, vector });
  return 0;
}

async function allocateDomain({ domains, profile }: Session): Promise<number> {
  const number = free(profile.information.protectionDomains, each => domains.has(each));
  domains.add(number);
  return number;
}

async function freeDomain(session: Session, command: Uint8Array): Promise<number> {
  const { handle } = decode(handleCommand, command);
  must(session.domains.has(handle), CommandStatus.invalidHandle);
  const used = [...session.queuePairs.values()].some(({ params }) => params.domain === handle);
  must(!used && !session.regions.uses(handle), CommandStatus.busy);
  session.domains.delete(handle);
  return 0;
}

async function register(session: Session, command: Uint8Array): Promise<number> {
  const wanted = decode(registerMemory, command);
  must(session.domains.has(wanted.domain), CommandStatus.invalidHandle);
  return session.regions.register(wanted);
}

async function deregister(session: Session, command: Uint8Array): Promise<number> {
  await session.regions.deregister(decode(handleCommand, command).handle);
  return 0;
}

async function makeCompletionQueue(session: Session, command: Uint8Array): Promise<number> {
  const { address, entries, vector, interrupts } = decode(createCompletionQueue, command);
  checkRing(session, address, entries);
  must(!interrupts || vector < session.hardware.vectors);
  const place = await session.space.place(address, BigInt(entries * completionBytes));
  const number = free(session.profile.information.completionQueues, each => session.completionQueues.has(each));
  session.makeCompletionQueue({ number, place, entries, vector: interrupts ? vector : undefined });
  return number;
}

async function destroyCompletionQueue(session: Session, command: Uint8Array): Promise<number> {
  const { handle } = decode(handleCommand, command);
  const queue = completionQueue(session, handle);
  const used = [...session.queuePairs.values()].some(
    ({ params }) => params.sendCompletions === queue || params.receiveCompletions === queue,
  );
  must(!used, CommandStatus.busy);
  await queue.stop();
  session.completionQueues.delete(handle);
  return 0;
}

async function makeQueuePair(session: Session, command: Uint8Array): Promise<number> {
  const wanted = decode(createQueuePair, command);
  const { domain, sendRing, receiveRing, sendEntries, receiveEntries, sendEntryBytes, receiveEntryBytes } = wanted;
  must(session.domains.has(domain), CommandStatus.invalidHandle);
  const sendCompletions = completionQueue(session, wanted.sendCompletions);
  const receiveCompletions = completionQueue(session, wanted.receiveCompletions);
  const sends = await ring(session, sendRing, sendEntries, sendEntryBytes, 64);
  const receives = await ring(session, receiveRing, receiveEntries, receiveEntryBytes, 32);
  const place = free(session.profile.information.queuePairs, each => session.queuePairs.has(each));
  const number = session.numberFor(place);
  session.makeQueuePair(place, { number, domain, sendCompletions, receiveCompletions, sends, receives });
  return number;
}

async function modify(session: Session, command: Uint8Array): Promise<number> {
  const wanted = decode(modifyQueuePair, command);
  const pair = queuePair(session, wanted.handle);
  const { reset, init, readyToReceive, readyToSend, error } = QueuePairState;
  const { reads } = session.profile.information;
  const from = (state: number) => must(pair.state === state, CommandStatus.invalidState);
  if (wanted.state === reset) await pair.reset();
  else if (wanted.state === error) {
    must(pair.state !== reset, CommandStatus.invalidState);
    pair.fail(undefined);
  } else if (wanted.state === init) {
    from(reset);
    pair.permissions = { remoteRead: wanted.remoteRead === 1, remoteWrite: wanted.remoteWrite === 1 };
    pair.state = init;
  } else if (wanted.state === readyToReceive) {
    from(init);
    const { mtu, remote, receivePsn, remoteReads, receiverTimer } = wanted;
    must(mtu >= 8 && mtu <= 12 && remote < 2 ** 24 && receivePsn < 2 ** 24 && remoteReads <= reads && receiverTimer < 32);
    pair.readyToReceive({ ...pair.permissions, mtu: 2 ** mtu, remote, psn: receivePsn, reads: remoteReads, receiverTimer });
  } else {
    must(wanted.state === readyToSend);
    from(readyToReceive);
    const { sendPsn, timeout, retries, receiverRetries } = wanted;
    must(sendPsn < 2 ** 24 && timeout > 0 && retries < 8 && receiverRetries < 8 && wanted.reads > 0 && wanted.reads <= reads);
    pair.readyToSend({ psn: sendPsn, timeout, retries, receiverRetries, reads: wanted.reads });
  }
  return pair.state;
}

async function query(session: Session, command: Uint8Array): Promise<number> {
  return queuePair(session, decode(handleCommand, command).handle).state;
}

async function destroyQueuePair(session: Session, command: Uint8Array): Promise<number> {
  const pair = queuePair(session, decode(handleCommand, command).handle);
  await pair.reset();
  session.queuePairs.delete(pair.number & 0xff);
  return WorkStatus.success;
}

function completionQueue(session: Session, handle: number): CompletionQueue {
  const queue = session.completionQueues.get(handle);
  must(queue !== undefined, CommandStatus.invalidHandle);
  return queue;
}

function queuePair(session: Session, handle: number): QueuePair {
  const pair = session.queuePair(handle);
  must(pair !== undefined, CommandStatus.invalidHandle);
  return pair;
}

function checkRing({ profile }: Session, address: bigint, entries: number): void {
  must(address % 64n === 0n && powerOfTwo(entries) && entries <= profile.information.entries);
}

async function ring(
  session: Session,
  address: bigint,
  entries: number,
  entryBytes: number,
  least: number,
): Promise<WorkRingParams> {
  checkRing(session, address, entries);
  must(powerOfTwo(entryBytes) && entryBytes >= least && entryBytes <= largestEntryBytes);
  return { place: await session.space.place(address, BigInt(entries * entryBytes)), entries, entryBytes };
}
