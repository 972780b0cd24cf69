import { encode } from '../../../layout.ts';
import {
  identifyBytes,
  identifyController,
  identifyNamespace,
  OptionalNvm,
  SglSupport,
  VolatileCache,
} from '../../../nvme/identify.ts';
import { version } from '../../../nvme/registers.ts';
import type { TargetNamespace } from './namespace.ts';
import { commandCapsuleBytes, responseCapsuleBytes } from './protocol.ts';

/** SGLS: keyed descriptors, and offsets into the capsule (NVMe 1.4 figure 247). */
const keyedSgl = { keyed: 1 << 2, inCapsuleOffset: 1 << 20 } as const;

/** What Identify Controller says beside that for fabrics (NVMe over Fabrics 1.1 section 4.1), in units of 16 bytes. */
const capsules = { command: 1792, response: 1796, attributes: 1802, descriptors: 1803 } as const;

/** Identify Controller of a target. */
export function controllerData(of: {
  readonly controller: number;
  readonly subsystem: string;
  readonly namespaces: readonly TargetNamespace[];
  /** Bytes of data that a command capsule may carry. */
  readonly inCapsuleBytes: number;
  readonly maxCommands: number;
}): Uint8Array {
  const data = encode(identifyController, identifyBytes, {
    serial: 'p2p-target',
    model: 'P2P PCIe NVMe-oF target',
    firmware: '1.0',
    controller: of.controller,
    version,
    type: 1,
    maxTransfer: 8,
    maxCommands: of.maxCommands,
    submissionEntry: 0x66,
    completionEntry: 0x44,
    namespaces: of.namespaces.length,
    optionalNvm: OptionalNvm.writeZeroes,
    volatileCache: VolatileCache.present,
    sgl: SglSupport.supported | keyedSgl.keyed | keyedSgl.inCapsuleOffset,
    subsystem: of.subsystem,
  });
  const view = new DataView(data.buffer);
  view.setUint32(capsules.command, (commandCapsuleBytes + of.inCapsuleBytes) / 16, true);
  view.setUint32(capsules.response, responseCapsuleBytes / 16, true);
  view.setUint8(capsules.descriptors, 1);
  return data;
}

/** Identify Namespace; all zeros for one that is not active. */
export function namespaceData(namespace: TargetNamespace | undefined): Uint8Array {
  if (!namespace) return new Uint8Array(identifyBytes);
  const { blocks, blockBytes } = namespace.device;
  const size = BigInt(blocks);
  return encode(identifyNamespace, identifyBytes, {
    size,
    capacity: size,
    utilization: size,
    blockShift: Math.log2(blockBytes),
  });
}

/** Identifiers of the namespaces above one, in rising order. */
export function activeNamespaces(namespaces: readonly TargetNamespace[], above: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(identifyBytes));
  const ids = namespaces.map(({ id }) => id).filter(id => id > above);
  for (const [i, id] of ids
    .sort((a, b) => a - b)
    .slice(0, identifyBytes / 4)
    .entries())
    view.setUint32(4 * i, id, true);
  return new Uint8Array(view.buffer);
}

/** Bytes of data in a capsule, from what Identify Controller says. */
export function inCapsuleBytesOf(identify: Uint8Array): number {
  const view = new DataView(identify.buffer, identify.byteOffset);
  return view.getUint32(capsules.command, true) * 16 - commandCapsuleBytes;
}
