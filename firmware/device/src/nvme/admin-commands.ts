import { AdminOpcode, abort, allNamespaces, features, identify } from '../../../nvme/commands.ts';
import { Feature } from '../../../nvme/features.ts';
import { IdentifyStructure } from '../../../nvme/identify.ts';
import { Status } from '../../../nvme/status.ts';
import { type Command, fieldsOf } from './command.ts';
import { CommandError } from './command-error.ts';
import { activeNamespaces, controllerData, namespaceData, namespaceDescriptors } from './identify-data.ts';
import { logPage } from './log-pages.ts';
import { eventRequests } from './profile.ts';
import { createCompletion, createSubmission, deleteCompletion, deleteSubmission } from './queue-commands.ts';
import type { Session } from './session.ts';

/** What a command ends with: DW0 of its completion; nothing if it does not end now. */
export type Result = number | undefined;

type Handler = (session: Session, command: Command) => Result | Promise<Result>;

/** Commands of the admin queue (NVMe 1.4 section 5). @throws CommandError; DmaError. */
export function adminCommand(session: Session, command: Command): Result | Promise<Result> {
  const handler = handlers[command.opcode];
  if (!handler) throw new CommandError(Status.invalidOpcode, { byte: 0 });
  // Over PCIe, admin commands have no SGL (4.4).
  if (command.pointerKind !== 0) throw new CommandError(Status.invalidField, { byte: 1, bit: 6 });
  return handler(session, command);
}

const handlers: { readonly [opcode: number]: Handler } = {
  [AdminOpcode.deleteSubmissionQueue]: deleteSubmission,
  [AdminOpcode.createSubmissionQueue]: createSubmission,
  [AdminOpcode.getLogPage]: logPage,
  [AdminOpcode.deleteCompletionQueue]: deleteCompletion,
  [AdminOpcode.createCompletionQueue]: createCompletion,
  [AdminOpcode.identify]: identifyData,
  [AdminOpcode.abort]: abortCommand,
  [AdminOpcode.setFeatures]: setFeatures,
  [AdminOpcode.getFeatures]: getFeatures,
  [AdminOpcode.asynchronousEventRequest]: requestEvent,
};

async function identifyData(session: Session, command: Command): Promise<Result> {
  const { profile } = session;
  const { structure } = fieldsOf(identify, command);
  const { namespace: id } = command;
  const namespace = profile.namespaces.find(each => each.id === id);
  if (structure === IdentifyStructure.controller) return session.reply(command, controllerData(profile));
  if (structure === IdentifyStructure.namespace) {
    if (id === 0 || id > profile.namespaces.length) throw new CommandError(Status.invalidNamespace, { byte: 4 });
    return session.reply(command, namespaceData(profile, namespace));
  }
  if (structure === IdentifyStructure.activeNamespaces) {
    if (id >= allNamespaces - 1) throw new CommandError(Status.invalidNamespace, { byte: 4 });
    return session.reply(command, activeNamespaces(profile, id));
  }
  if (structure === IdentifyStructure.namespaceDescriptors) {
    if (!namespace) throw new CommandError(Status.invalidNamespace, { byte: 4 });
    return session.reply(command, namespaceDescriptors(profile, namespace));
  }
  throw new CommandError(Status.invalidField, { byte: 40 });
}

/** Bit 0 of the result says that the command was not aborted: it has ended, is unknown, or cannot be stopped any more. */
function abortCommand(session: Session, command: Command): Result {
  const { queue, identifier } = fieldsOf(abort, command);
  const target = session.submission.get(queue)?.inFlight.get(identifier);
  if (!target || target === command) return 1;
  if (session.events.cancel(target)) session.fail(target, new CommandError(Status.abortRequested));
  else if (queue === 0) return 1;
  target.aborted = true;
  return 0;
}

function setFeatures(session: Session, command: Command): Result {
  const { feature, save, value } = fieldsOf(features, command);
  if (feature === Feature.numberOfQueues && session.hasQueues) throw new CommandError(Status.sequenceError);
  const result = session.features.set(feature, command.namespace, save === 1, value);
  session.watchTemperature();
  return result;
}

function getFeatures(session: Session, command: Command): Result {
  const { feature, select, value } = fieldsOf(features, command);
  return session.features.get(feature, command.namespace, select, value);
}

function requestEvent(session: Session, command: Command): Result {
  if (session.events.waiting >= eventRequests) throw new CommandError(Status.eventRequestLimitExceeded);
  session.events.request(command);
  return undefined;
}
