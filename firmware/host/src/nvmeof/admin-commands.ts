import { decode } from '../../../layout.ts';
import { AdminOpcode, commonCommand, features, identify } from '../../../nvme/commands.ts';
import { Feature } from '../../../nvme/features.ts';
import { IdentifyStructure } from '../../../nvme/identify.ts';
import { Status } from '../../../nvme/status.ts';
import { TargetError } from './command-error.ts';
import type { TargetController } from './controller.ts';
import { activeNamespaces, controllerData, namespaceData } from './identify.ts';
import { keepAliveOpcode } from './protocol.ts';

/** What an admin command gives: a result, data for the host, or nothing until something happens. */
export type AdminResult = { readonly result?: bigint; readonly data?: Uint8Array } | 'later';

/** Limits that Identify tells. */
export interface AdminLimits {
  readonly inCapsuleBytes: number;
  readonly maxCommands: number;
}

/** Carries out an admin command. @throws TargetError for what there is not. */
export function adminCommand(controller: TargetController, command: Uint8Array, limits: AdminLimits): AdminResult {
  const { opcode, namespace } = decode(commonCommand, command);
  switch (opcode) {
    case AdminOpcode.identify:
      return { data: identifyData(controller, decode(identify, command).structure, namespace, limits) };
    case AdminOpcode.setFeatures:
    case AdminOpcode.getFeatures:
      return { result: feature(controller, decode(features, command).feature) };
    // Nothing is aborted: commands end soon by themselves.
    case AdminOpcode.abort:
      return { result: 1n };
    case AdminOpcode.asynchronousEventRequest:
      return 'later';
    case keepAliveOpcode:
      return {};
    default:
      throw new TargetError(Status.invalidOpcode, `there is no admin command 0x${opcode.toString(16)}`);
  }
}

function identifyData(controller: TargetController, structure: number, namespace: number, limits: AdminLimits): Uint8Array {
  const { id, subsystem, namespaces } = controller;
  if (structure === IdentifyStructure.controller) return controllerData({ controller: id, subsystem, namespaces, ...limits });
  if (structure === IdentifyStructure.activeNamespaces) return activeNamespaces(namespaces, namespace);
  if (structure === IdentifyStructure.namespace) return namespaceData(namespaces.find(each => each.id === namespace));
  throw new TargetError(Status.invalidField, `there is no Identify structure ${structure}`);
}

/** The number of queues is the one feature: as many as there are, whatever is asked for. */
function feature({ queues }: TargetController, number: number): bigint {
  if (number === Feature.numberOfQueues) return BigInt((queues - 1) | ((queues - 1) << 16));
  if (number === Feature.asynchronousEventConfiguration) return 0n;
  throw new TargetError(Status.invalidField, `there is no feature ${number}`);
}
