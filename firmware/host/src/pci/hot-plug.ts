import { HostError } from '../host-error.ts';
import { matchPayload } from './payload.ts';
import { everyDevice, type PciDevice } from './pci-device.ts';
import { program } from './program.ts';
import { Express, linkActive } from './registers.ts';
import { linkUp, settle } from './reset.ts';
import { assignBelow } from './resources.ts';
import { type ScanOptions, scanBelow } from './scan.ts';

const presence = 1 << 22;
const changed = (1 << 19) | (1 << 24);

/** A slot's state. */
export interface SlotState {
  readonly present: boolean;
  readonly link: boolean;
  /** Something changed since this was asked last. */
  readonly changed: boolean;
}

/** What is in a slot; notes of changes are cleared. */
export async function slotState(port: PciDevice): Promise<SlotState> {
  const offset = port.express(Express.slotControl);
  const slot = await port.read(offset);
  if ((slot & changed) !== 0) await port.write(offset, slot & changed, 0b1100);
  const link = ((await port.read(port.express(Express.linkControl))) & linkActive) !== 0;
  return { present: (slot & presence) !== 0, link, changed: (slot & changed) !== 0 };
}

/**
 * A device was plugged in: waits for its link and 100 ms, finds its functions with the bus numbers that the slot kept, gives them addresses in the windows that the
 * slot kept and the payload limit of the port, and switches them on.
 * @returns the functions. @throws HostError if the slot has a device already, the link does not come up, or what the slot kept is too small: nothing is added then.
 */
export async function hotAdd(port: PciDevice, options: ScanOptions = {}): Promise<readonly PciDevice[]> {
  const { bridge } = port;
  if (!bridge) throw new HostError(`${port.name} is no bridge: nothing can be plugged in below it`);
  if (bridge.children.length > 0) throw new HostError(`${port.name} has ${bridge.children[0]?.name} below it: remove that first`);
  await linkUp(port);
  await settle(port);
  bridge.children.push(...(await scanBelow(port, options)));
  try {
    assignBelow(port);
    for (const device of everyDevice(bridge.children)) await matchPayload(device);
  } catch (error) {
    bridge.children.length = 0;
    throw error;
  }
  await program(everyDevice(bridge.children));
  return bridge.children;
}

/**
 * A device was pulled out, or is about to be: its functions, the lowest first, are told to `gone`, and the slot is empty; bus numbers and windows stay for the next.
 * @returns the functions that were there.
 */
export async function hotRemove(
  port: PciDevice,
  gone: (device: PciDevice) => void | Promise<void> = () => {},
): Promise<readonly PciDevice[]> {
  const { bridge } = port;
  if (!bridge) throw new HostError(`${port.name} is no bridge: nothing can be removed below it`);
  const removed = [...everyDevice(bridge.children)];
  for (const device of removed.toReversed()) await gone(device);
  bridge.children.length = 0;
  return removed;
}
