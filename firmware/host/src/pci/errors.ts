import { HostError } from '../host-error.ts';
import { routingId } from '../pci-function.ts';
import { everyDevice, type PciDevice } from './pci-device.ts';
import { Aer, BridgeRegister, Dpc, ExtendedId, forwardErrors } from './registers.ts';
import { busReset, linkUp, restoreConfig, type SavedConfig, settle } from './reset.ts';

/** Names of the uncorrectable errors by their bits (C87). */
export const uncorrectableErrors: { readonly [bit: number]: string } = {
  4: 'data link protocol error',
  5: 'surprise down',
  12: 'poisoned TLP',
  13: 'flow control protocol error',
  14: 'completion timeout',
  15: 'completer abort',
  16: 'unexpected completion',
  17: 'receiver overflow',
  18: 'malformed TLP',
  19: 'ECRC error',
  20: 'unsupported request',
  21: 'ACS violation',
  22: 'internal error',
  23: 'multicast blocked TLP',
  24: 'AtomicOp egress blocked',
  25: 'TLP prefix blocked',
  26: 'poisoned TLP egress blocked',
};
const correctableErrors: { readonly [bit: number]: string } = {
  0: 'receiver error',
  6: 'bad TLP',
  7: 'bad DLLP',
  8: 'replay number rollover',
  12: 'replay timer timeout',
  13: 'advisory non-fatal error',
};

/** What a function reported. */
export interface ErrorReport {
  readonly device: PciDevice;
  readonly severity: 'correctable' | 'non-fatal' | 'fatal';
  /** The errors by name, that which came first in front. */
  readonly errors: readonly string[];
  /** Header of the first TLP in error; none for correctable errors and those that no TLP is to blame for. */
  readonly header?: readonly number[];
}

/** A driver's part in recovery. */
export interface RecoveryHooks {
  /** Something went wrong; `frozen` says that the link is lost and nothing may be touched. */
  readonly detected?: (report: ErrorReport, frozen: boolean) => void;
  /** The device was reset and has its configuration back. */
  readonly reset?: (device: PciDevice) => void;
  /** It may go on. */
  readonly resume?: (device: PciDevice) => void;
}

/** Lets functions report errors: their own at the device, and at root ports the interrupt for all kinds. */
export async function enableErrorReporting(devices: readonly PciDevice[]): Promise<void> {
  for (const device of everyDevice(devices)) {
    if (device.isExpress) await device.change(device.express(0x08), 0xf, 0xf);
    // A bridge hands error messages up only with SERR forwarding (7.5.1.3.10).
    if (device.bridge) await device.change(BridgeRegister.control, forwardErrors, forwardErrors);
    const root = rootAer(device);
    if (root !== undefined) await device.change(root + Aer.rootCommand, 7, 7);
  }
}

/** Offset of a root port's registers for errors. */
const rootAer = (device: PciDevice): number | undefined =>
  device.portType === 4 ? device.extended.get(ExtendedId.aer) : undefined;

/**
 * What to do when a root port interrupts because of errors: finds who reported, reads what it was, clears it, and after a fatal error resets the link above the
 * source (C88, C90). @returns what was reported. @throws HostError if the root port cannot report, or a device does not come back from the reset.
 */
export async function handleErrors(root: PciDevice, hooks: RecoveryHooks = {}): Promise<ErrorReport[]> {
  const base = rootAer(root);
  if (base === undefined) throw new HostError(`${root.name} is no root port that reports errors`);
  const status = await root.read(base + Aer.rootStatus);
  const sources = await root.read(base + Aer.source);
  await root.write(base + Aer.rootStatus, status);
  const reports: ErrorReport[] = [];
  // With several errors only the first source is noted: all functions are looked at then.
  if ((status & 0b0001) !== 0) reports.push(...(await gather(root, sources & 0xffff, (status & 0b0010) !== 0, 'correctable')));
  if ((status & 0b0100) !== 0) reports.push(...(await gather(root, sources >>> 16, (status & 0b1000) !== 0, 'non-fatal')));
  for (const report of reports) await recover(report, hooks);
  return reports;
}

/** Reads what a function has noted of errors, correctable or not, and clears it. @returns nothing if there is none, or it notes none. */
export async function takeErrors(device: PciDevice, severity: ErrorReport['severity']): Promise<ErrorReport | undefined> {
  const base = device.extended.get(ExtendedId.aer);
  if (base === undefined) return undefined;
  return severity === 'correctable' ? correctable(device, base) : uncorrectable(device, base);
}

async function gather(
  root: PciDevice,
  source: number,
  several: boolean,
  severity: ErrorReport['severity'],
): Promise<ErrorReport[]> {
  const reports: ErrorReport[] = [];
  for (const device of everyDevice([root])) {
    const report = several || routingId(device.bdf) === source ? await takeErrors(device, severity) : undefined;
    if (report) reports.push(report);
  }
  return reports;
}

const bitsOf = (value: number): number[] => Array.from({ length: 32 }, (_, bit) => bit).filter(bit => (value & (1 << bit)) !== 0);

async function correctable(device: PciDevice, base: number): Promise<ErrorReport | undefined> {
  const status = (await device.read(base + Aer.correctableStatus)) & ~(await device.read(base + Aer.correctableMask));
  if (status === 0) return undefined;
  await device.write(base + Aer.correctableStatus, status);
  return { device, severity: 'correctable', errors: bitsOf(status).map(bit => correctableErrors[bit] ?? `bit ${bit}`) };
}

async function uncorrectable(device: PciDevice, base: number): Promise<ErrorReport | undefined> {
  const status = (await device.read(base + Aer.uncorrectableStatus)) & ~(await device.read(base + Aer.uncorrectableMask));
  if (status === 0) return undefined;
  const fatal = (status & (await device.read(base + Aer.uncorrectableSeverity))) !== 0;
  const first = (await device.read(base + Aer.control)) & 0x1f;
  const order = bitsOf(status).toSorted((a, b) => Number(b === first) - Number(a === first));
  const header: number[] = [];
  for (let i = 0; i < 4; i++) header.push(await device.read(base + Aer.headerLog + 4 * i));
  await device.write(base + Aer.uncorrectableStatus, status);
  return {
    device,
    severity: fatal ? 'fatal' : 'non-fatal',
    errors: order.map(bit => uncorrectableErrors[bit] ?? `bit ${bit}`),
    ...(header.some(word => word !== 0) && { header }),
  };
}

async function recover(report: ErrorReport, hooks: RecoveryHooks): Promise<void> {
  const { device, severity } = report;
  hooks.detected?.(report, severity === 'fatal');
  if (severity === 'correctable') return;
  if (severity === 'fatal') {
    const port = device.isDownstreamPort ? device : device.parent;
    if (!port) throw new HostError(`${device.name} stands on the root bus: there is no link above it to reset`);
    await busReset(port);
    for (const each of port.bridge?.children ?? []) hooks.reset?.(each);
  }
  hooks.resume?.(device);
}

/** What a port that contained an error tells. */
export interface Containment {
  readonly port: PciDevice;
  readonly reason: 'uncorrectable error at the port' | 'ERR_NONFATAL from below' | 'ERR_FATAL from below' | 'other';
  /** Requester ID of who reported. */
  readonly source: number;
}

/** Lets ports contain errors: on fatal ones, or on non-fatal ones too (C91). */
export async function enableContainment(devices: readonly PciDevice[], on: 'fatal' | 'non-fatal' = 'fatal'): Promise<void> {
  for (const device of everyDevice(devices)) {
    const base = device.extended.get(ExtendedId.dpc);
    if (base !== undefined) await device.change(base + Dpc.control, 0x3_0000, (on === 'fatal' ? 1 : 2) << 16);
  }
}

/**
 * What to do when a port has contained an error and taken its link down (C91): tells drivers, releases the port, waits for the link, and gives what is below its
 * configuration back, which `saved` has from before. @returns nothing if the port had not triggered. @throws HostError if a device does not come back.
 */
export async function handleContainment(
  port: PciDevice,
  saved: readonly SavedConfig[],
  hooks: RecoveryHooks = {},
): Promise<Containment | undefined> {
  const base = port.extended.get(ExtendedId.dpc);
  if (base === undefined) throw new HostError(`${port.name} does not contain errors`);
  const status = await port.read(base + Dpc.status);
  if ((status & 1) === 0) return undefined;
  const reasons = ['uncorrectable error at the port', 'ERR_NONFATAL from below', 'ERR_FATAL from below', 'other'] as const;
  const contained: Containment = { port, reason: reasons[((status >>> 1) & 3) as 0 | 1 | 2 | 3], source: status >>> 16 };
  const children = port.bridge?.children ?? [];
  for (const device of everyDevice(children)) hooks.detected?.({ device, severity: 'fatal', errors: [contained.reason] }, true);
  await port.write(base + Dpc.status, status & 0x9);
  await linkUp(port);
  await settle(port);
  const below = new Set(everyDevice(children));
  await restoreConfig(saved.filter(({ device }) => below.has(device)));
  for (const device of below) {
    hooks.reset?.(device);
    hooks.resume?.(device);
  }
  return contained;
}
