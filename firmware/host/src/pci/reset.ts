import { HostError } from '../host-error.ts';
import { notReady } from './config-port.ts';
import { everyDevice, type PciDevice } from './pci-device.ts';
import { programBars, programWindows } from './program.ts';
import {
  Aer,
  acsRegister,
  BridgeRegister,
  Dpc,
  Express,
  ExtendedId,
  functionLevelReset,
  Header,
  linkActive,
  PortType,
  secondaryBusReset,
} from './registers.ts';
import { resizableBars } from './resizable-bar.ts';

/** What software waits after a reset before it asks the first time (6.6.1), in milliseconds. */
const firstRequest = 100;
/** How long a reset of the bus is held; the specification asks for 1 ms. */
const busResetHeld = 2;
/** How long transactions may be pending before a function level reset, and a function not ready after a reset. */
const pendingTimeout = 100;
const readyTimeout = 60_000;

/** Bits of a register with their value. */
interface SavedBits {
  readonly offset: number;
  readonly bits: number;
  readonly value: number;
}

/** What of a function's configuration a reset loses, beside addresses, which the core knows anyway. */
export interface SavedConfig {
  readonly device: PciDevice;
  /** Bus numbers and sizes of BARs, which come before addresses. */
  readonly first: readonly SavedBits[];
  readonly then: readonly SavedBits[];
}

/** Notes what functions are set to, bridges before what is below them. */
export async function saveConfig(devices: readonly PciDevice[]): Promise<SavedConfig[]> {
  const saved: SavedConfig[] = [];
  for (const device of everyDevice(devices)) {
    const note = async ([offset, bits]: readonly [number, number]) => ({
      offset,
      bits,
      value: (await device.read(offset)) & bits,
    });
    const sizes = (await resizableBars(device)).map(({ control }) => [control, 0x3f00] as const);
    const first = [...(device.bridge ? [[BridgeRegister.buses, 0xff_ffff] as const] : []), ...sizes];
    saved.push({ device, first: await Promise.all(first.map(note)), then: await Promise.all(settings(device).map(note)) });
  }
  return saved;
}

/** Bits that software sets: limits, enables, access control, masks; the command register last. */
function settings(device: PciDevice): (readonly [offset: number, bits: number])[] {
  const { extended, isExpress, bridge, hotPlug, portType } = device;
  const at = (id: number, ...registers: readonly (readonly [number, number])[]) => {
    const base = extended.get(id);
    return base === undefined ? [] : registers.map(([offset, bits]) => [base + offset, bits] as const);
  };
  const express = (offset: number, bits: number, is = true) => (isExpress && is ? [[device.express(offset), bits] as const] : []);
  const root = portType === PortType.rootPort;
  return [
    ...express(Express.deviceControl, 0x7fff),
    ...express(Express.deviceControl2, 0xffff),
    ...express(Express.slotControl, 0xffff, hotPlug),
    ...express(Express.rootControl, 0xffff, root),
    ...(bridge ? [[BridgeRegister.control, 0xffff_0000 & ~secondaryBusReset] as const] : []),
    ...at(ExtendedId.acs, [acsRegister, 0x7f_0000]),
    ...at(ExtendedId.dpc, [Dpc.control, 0xffff_0000]),
    ...at(ExtendedId.aer, [Aer.uncorrectableMask, -1], [Aer.uncorrectableSeverity, -1], [Aer.correctableMask, -1]),
    ...(root ? at(ExtendedId.aer, [Aer.rootCommand, 7]) : []),
    [Header.command, 0xffff],
  ];
}

/** Sets functions to what was noted: bus numbers, BARs, windows, limits, access control, enables. @throws HostError for a function that does not come back. */
export async function restoreConfig(saved: readonly SavedConfig[]): Promise<void> {
  for (const { device, first, then } of saved) {
    await untilReady(device);
    for (const { offset, bits, value } of first) await device.change(offset, bits, value);
    await programBars(device);
    if (device.bridge) await programWindows(device, device.bridge);
    for (const { offset, bits, value } of then) await device.change(offset, bits, value);
  }
}

/** Waits until a function tells its ID. @throws HostError if it is gone, or not ready in time. */
export async function untilReady(device: PciDevice): Promise<void> {
  let wait = 1;
  for (let waited = 0; ; wait *= 2) {
    const id = await device.read(Header.id);
    if (id !== notReady && (id & 0xffff) === device.vendorId && id >>> 16 === device.deviceId) return;
    if (id !== notReady)
      throw new HostError(`${device.name} did not come back from its reset: its ID reads 0x${id.toString(16)}`);
    if (waited >= readyTimeout) throw new HostError(`${device.name} was not ready ${waited} ms after its reset`);
    await device.domain.clock.sleep(wait);
    waited += wait;
  }
}

/**
 * Resets one function and no other (C84): no new requests, those under way are waited for, then the reset, 100 ms, and its configuration as before. What its memory
 * held may be lost. @throws HostError if it cannot, or does not come back.
 */
export async function functionReset(device: PciDevice): Promise<void> {
  const control = device.express(Express.deviceControl);
  if (((await device.read(device.express(Express.deviceCapabilities))) & functionLevelReset.supported) === 0)
    throw new HostError(`${device.name} has no function level reset: reset the bus above it`);
  const saved = await saveConfig([device]);
  await device.write(Header.command, 0, 0b0011);
  const { clock } = device.domain;
  for (let waited = 0; ((await device.read(control)) & functionLevelReset.pending) !== 0 && waited < pendingTimeout; waited += 10)
    await clock.sleep(10);
  await device.change(control, functionLevelReset.start, functionLevelReset.start);
  await clock.sleep(firstRequest);
  await restoreConfig(saved);
}

/**
 * Resets everything below a bridge (C85), whose own windows stay: the reset is held, then 100 ms, then each function gets its configuration back.
 * @throws HostError if something does not come back.
 */
export async function busReset(bridge: PciDevice): Promise<void> {
  const children = childrenOf(bridge);
  const saved = await saveConfig(children);
  const { clock } = bridge.domain;
  await bridge.change(BridgeRegister.control, secondaryBusReset, secondaryBusReset);
  await clock.sleep(busResetHeld);
  await bridge.change(BridgeRegister.control, secondaryBusReset, 0);
  await linkUp(bridge);
  await clock.sleep(firstRequest);
  await restoreConfig(saved);
}

function childrenOf({ name, bridge }: PciDevice): readonly PciDevice[] {
  if (!bridge) throw new HostError(`${name} is no bridge: a bus reset starts at the port above the device`);
  return bridge.children;
}

/** Waits for the link below a port, up to a second. @throws HostError if it does not come up. */
export async function linkUp(port: PciDevice): Promise<void> {
  if (!port.isDownstreamPort) return;
  const { clock } = port.domain;
  for (let waited = 0; ((await port.read(port.express(Express.linkControl))) & linkActive) === 0; waited += 10) {
    if (waited >= 1000) throw new HostError(`the link below ${port.name} did not come up in ${waited} ms`);
    await clock.sleep(10);
  }
}

/** Waits what a device needs that has just got its link. */
export const settle = (port: PciDevice): Promise<void> => port.domain.clock.sleep(firstRequest);
