import type { AddressRange } from '../pci-function.ts';
import type { BridgeState, PciDevice } from './pci-device.ts';
import { BridgeRegister, Command, Header } from './registers.ts';

/** Writes the addresses of a function's BARs, while it decodes nothing. */
export async function programBars(device: PciDevice): Promise<void> {
  await device.change(Header.command, Command.io | Command.memory, 0);
  for (const { index, kind, address = 0n } of device.bars) {
    const offset = Header.bar0 + 4 * index;
    await device.write(offset, Number(address & 0xffff_ffffn));
    if (kind === 'memory64') await device.write(offset + 4, Number(address >> 32n));
  }
}

/** Writes a bridge's windows: bus addresses; a window that holds nothing has its base above its limit (C31). */
export async function programWindows(device: PciDevice, { windows, can }: BridgeState): Promise<void> {
  const memory = edges(windows.memory, 20n);
  await device.write(BridgeRegister.memory, half(memory));
  if (can.prefetchable !== 0) {
    const prefetchable = edges(windows.prefetchable, 20n);
    // The limit is opened last and closed first, so that no address is decoded that is in no window.
    await device.write(BridgeRegister.prefetchableLimitUpper, 0);
    await device.write(BridgeRegister.prefetchable, half(prefetchable));
    if (can.prefetchable === 64) {
      await device.write(BridgeRegister.prefetchableBaseUpper, Number(prefetchable.base >> 32n));
      await device.write(BridgeRegister.prefetchableLimitUpper, Number(prefetchable.limit >> 32n));
    }
  }
  if (can.io) {
    const io = edges(windows.io, 12n);
    await device.write(
      BridgeRegister.io,
      Number(((io.limit >> 12n) & 0xfn) << 12n) | Number(((io.base >> 12n) & 0xfn) << 4n),
      0b0011,
    );
    await device.write(
      BridgeRegister.ioUpper,
      Number((io.limit >> 16n) & 0xffffn) * 0x1_0000 + Number((io.base >> 16n) & 0xffffn),
    );
  }
}

/** First and last byte; of a closed window the base is one granule above the limit. */
function edges(range: AddressRange | undefined, granule: bigint): { readonly base: bigint; readonly limit: bigint } {
  if (!range || range.bytes === 0n) return { base: 0xffff_ffff_ffff_ffffn & -(1n << granule), limit: 0n };
  return { base: range.base, limit: range.base + range.bytes - 1n };
}

/** Address bits 31:20 of the edges in 15:4 and 31:20 (C30). */
const half = ({ base, limit }: { readonly base: bigint; readonly limit: bigint }): number =>
  Number(((limit >> 20n) & 0xfffn) << 20n) + Number(((base >> 20n) & 0xfffn) << 4n);

/** Lets a function decode what it was given, and master the bus. */
export async function enable(device: PciDevice): Promise<void> {
  const io =
    device.bars.some(({ kind, address }) => kind === 'io' && address !== undefined) || device.bridge?.windows.io !== undefined;
  const memory = device.bridge !== undefined || device.bars.some(({ kind, address }) => kind !== 'io' && address !== undefined);
  const bits = (io ? Command.io : 0) | (memory ? Command.memory : 0) | Command.busMaster | Command.serr;
  await device.change(Header.command, Command.io | Command.memory | Command.busMaster | Command.serr, bits);
}

/** Programs and enables functions, bridges before what is below them. */
export async function program(devices: Iterable<PciDevice>): Promise<void> {
  const all = [...devices];
  for (const device of all) {
    await programBars(device);
    if (device.bridge) await programWindows(device, device.bridge);
  }
  for (const device of all) await enable(device);
}
