import { HostError } from '../host-error.ts';
import { everyDevice, type PciDevice } from './pci-device.ts';
import { PortType } from './registers.ts';

/**
 * How payload limits are set (Linux's choices). `tune_off`: as they are. `safe`: what all below one root port can take. `perf`: each function what it and the bridge
 * above can, which is only right while devices talk to the host: a peer may then get a packet that is too long for it. `peer2peer`: 128 bytes everywhere.
 */
export type PayloadPolicy = 'tune_off' | 'safe' | 'perf' | 'peer2peer';

/** What payload limits may be, in bytes (7.5.3.4). */
export const payloadSizes: readonly number[] = [128, 256, 512, 1024, 2048, 4096];

/** Sets MPS, and MRRS where the policy or the caller says so. @throws HostError for a size that there is not. */
export async function configurePayload(
  devices: readonly PciDevice[],
  policy: PayloadPolicy,
  maxReadRequest?: number,
): Promise<void> {
  if (maxReadRequest !== undefined) checkSize('MRRS', maxReadRequest);
  for (const root of devices) await below(root, policy, policy === 'safe' ? smallest(root) : 128, maxReadRequest);
}

async function below(
  device: PciDevice,
  policy: PayloadPolicy,
  common: number,
  readRequest: number | undefined,
  above?: number,
): Promise<void> {
  const own = await limit(device, policy, common, above);
  if (device.isExpress) {
    const request = readRequest ?? (policy === 'perf' && !device.bridge ? own : undefined);
    if (policy !== 'tune_off') await device.setLimits(own, request);
    else if (request !== undefined) await device.setLimits(await device.payload(), request);
  }
  for (const child of device.bridge?.children ?? []) await below(child, policy, common, readRequest, own);
}

async function limit(device: PciDevice, policy: PayloadPolicy, common: number, above: number | undefined): Promise<number> {
  if (policy === 'perf') return Math.min(device.maxPayload, above ?? device.maxPayload);
  if (policy === 'tune_off') return device.isExpress ? device.payload() : 128;
  return common;
}

/**
 * What all below a root port can take. Where a slot may get any device later, only 128 bytes are safe; a device alone below a root port is not affected, as both
 * can be set anew together.
 */
function smallest(root: PciDevice): number {
  const all = [...everyDevice([root])];
  const slots = all.filter(({ hotPlug, portType }) => hotPlug && portType !== PortType.rootPort);
  return slots.length > 0 ? 128 : Math.min(...all.filter(({ isExpress }) => isExpress).map(({ maxPayload }) => maxPayload));
}

/**
 * Sets the MPS of a device that was plugged in to that of the port above; a root port that has only this device below it is set to what the device can take.
 * @throws HostError if neither works: peers might send what the device takes for malformed.
 */
export async function matchPayload(device: PciDevice): Promise<void> {
  const port = device.parent;
  if (!device.isExpress || !port?.isExpress) return;
  const wanted = await port.payload();
  if (device.maxPayload >= wanted) return device.setLimits(wanted);
  const alone = port.portType === PortType.rootPort && !device.bridge;
  if (!alone)
    throw new HostError(
      `${device.name} takes payloads of ${device.maxPayload} bytes, and the functions around it send ${wanted}: bring the machine up with the policy peer2peer`,
    );
  await port.setLimits(device.maxPayload);
  await device.setLimits(device.maxPayload);
}

/** Two functions could send each other what the other takes for malformed (C4). */
export interface PayloadMismatch {
  readonly sender: PciDevice;
  readonly receiver: PciDevice;
  readonly bytes: number;
  readonly takes: number;
}

/** Pairs of endpoints below one root whose limits differ: the trap of `perf` (B.12). */
export async function payloadMismatches(devices: readonly PciDevice[]): Promise<PayloadMismatch[]> {
  const found: PayloadMismatch[] = [];
  for (const root of devices) {
    const ends = [...everyDevice([root])].filter(({ bridge, isExpress }) => !bridge && isExpress);
    const sized = await Promise.all(ends.map(async device => ({ device, bytes: await device.payload() })));
    for (const sender of sized)
      for (const receiver of sized)
        if (sender.bytes > receiver.bytes)
          found.push({ sender: sender.device, receiver: receiver.device, bytes: sender.bytes, takes: receiver.bytes });
  }
  return found;
}

/** @throws HostError for a size that there is not. */
export function checkSize(name: string, bytes: number): void {
  if (!payloadSizes.includes(bytes)) throw new HostError(`the ${name} is one of ${payloadSizes.join(', ')} bytes, not ${bytes}`);
}
