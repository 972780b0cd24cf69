import { encode } from '../../../layout.ts';
import {
  DescriptorKind,
  identifyBytes,
  identifyController,
  identifyNamespace,
  LogPageAttribute,
  OptionalNvm,
  SglSupport,
  VolatileCache,
} from '../../../nvme/identify.ts';
import { version } from '../../../nvme/registers.ts';
import {
  abortLimit,
  errorEntries,
  eventRequests,
  firmwareRevision,
  type Namespace,
  type Profile,
  temperatureLimits,
} from './profile.ts';

/** The data structures that Identify returns (NVMe 1.4 section 5.15.2). */

/** Of the controller. */
export function controllerData(profile: Profile): Uint8Array {
  const { namespaces, vendor, serial, model, maxTransfer } = profile;
  return encode(identifyController, identifyBytes, {
    vendor,
    subsystemVendor: vendor,
    serial,
    model,
    firmware: firmwareRevision,
    arbitrationBurst: 3,
    maxTransfer,
    version,
    type: 1,
    abortLimit: abortLimit - 1,
    eventRequestLimit: eventRequests - 1,
    // One slot, which cannot be written.
    firmwareUpdates: 0b11,
    logPageAttributes: LogPageAttribute.commandEffects | LogPageAttribute.extendedData,
    errorEntries: errorEntries - 1,
    warningTemperature: temperatureLimits.warning,
    criticalTemperature: temperatureLimits.critical,
    totalCapacity: namespaces.reduce((sum, { blocks, blockBytes }) => sum + BigInt(blocks * blockBytes), 0n),
    submissionEntry: 0x66,
    completionEntry: 0x44,
    namespaces: namespaces.length,
    optionalNvm: OptionalNvm.compare | OptionalNvm.datasetManagement | OptionalNvm.writeZeroes | OptionalNvm.saveAndSelect,
    volatileCache: VolatileCache.present | VolatileCache.flushAll,
    sgl: SglSupport.supported | SglSupport.bitBucket,
    subsystem: `nqn.2026-01.io.p2p-pcie:${serial}`,
    maxPower: 2500,
  });
}

/** Of a namespace; one that is not active has all zeros. */
export function namespaceData(profile: Profile, namespace: Namespace | undefined): Uint8Array {
  if (!namespace) return new Uint8Array(identifyBytes);
  const { blocks, blockBytes } = namespace;
  return encode(identifyNamespace, identifyBytes, {
    size: BigInt(blocks),
    capacity: BigInt(blocks),
    utilization: BigInt(blocks),
    // Deallocated blocks read zeros, and Write Zeroes may deallocate.
    deallocated: 0b01001,
    bytesUsed: BigInt(blocks * blockBytes),
    guid: globalId(profile, namespace),
    eui64: extendedId(profile, namespace),
    blockShift: Math.log2(blockBytes),
  });
}

/** Identifiers of the namespaces above one, in rising order. */
export function activeNamespaces(profile: Profile, above: number): Uint8Array {
  const list = new Uint8Array(identifyBytes);
  const view = new DataView(list.buffer);
  const ids = profile.namespaces.map(({ id }) => id).filter(id => id > above);
  for (const [i, id] of ids.slice(0, identifyBytes / 4).entries()) view.setUint32(4 * i, id, true);
  return list;
}

/** How the world tells a namespace from all others. */
export function namespaceDescriptors(profile: Profile, namespace: Namespace): Uint8Array {
  const list = new Uint8Array(identifyBytes);
  const eui64 = extendedId(profile, namespace);
  const guid = globalId(profile, namespace);
  list.set([DescriptorKind.eui64, eui64.length, 0, 0, ...eui64, DescriptorKind.guid, guid.length, 0, 0, ...guid]);
  return list;
}

/** EUI-64 of a serial number: a locally administered one, from a hash. */
function extendedId({ serial }: Profile, { id }: Namespace): Uint8Array {
  let hash = 0x811c_9dc5;
  for (const character of serial) hash = Math.imul(hash ^ character.charCodeAt(0), 0x0100_0193) >>> 0;
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x0250_3250);
  view.setUint32(4, (hash + id) >>> 0);
  return bytes;
}

const globalId = (profile: Profile, namespace: Namespace): Uint8Array =>
  Uint8Array.of(...extendedId(profile, namespace), 0x50, 0x32, 0x50, 0, 0, 0, 0, namespace.id & 0xff);
