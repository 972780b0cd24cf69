import { CapabilityId } from '@hdl/pcie-rtl';
import { type Apertures, assignWindows, defaultApertures } from './assign-windows.ts';
import type { ConfigAccess } from './config-access.ts';
import { BridgeOffset, CommandBit, ConfigOffset, DeviceBit, ExpressOffset } from './config-registers.ts';
import { HostError } from './host-error.ts';
import { type AddressRange, allFunctions, type Bridge, capability, type PciFunction } from './pci-function.ts';
import { scan } from './scan.ts';

/** The fabric after enumeration: everything is numbered, has addresses and is switched on. */
export interface PciTree {
  /** Bus number of the root port's link. */
  readonly bus: number;
  readonly functions: readonly PciFunction[];
  /** What all functions were given, in bytes (7.5.3.4). */
  readonly maxPayload: number;
  readonly maxReadRequest: number;
}

export interface EnumerateOptions {
  readonly apertures?: Apertures;
  /** Upper limit of MPS in bytes; what all functions support bounds it further. 256 by default. */
  readonly maxPayload?: number;
  /** MRRS in bytes, 512 by default. */
  readonly maxReadRequest?: number;
}

/** What MPS and MRRS may be (7.5.3.4). */
const sizes: readonly number[] = [128, 256, 512, 1024, 2048, 4096];

/**
 * Brings up the fabric from zero, by configuration TLPs only: finds the functions and numbers the buses, assigns BARs and windows, gives all
 * the same MPS (a p2p path has no root complex that could split), and then lets all decode memory and master the bus.
 * @throws HostError if nothing answers, or for what `scan` and `assignWindows` cannot do.
 */
export async function enumerate(config: ConfigAccess, options: EnumerateOptions = {}): Promise<PciTree> {
  const { apertures = defaultApertures, maxPayload: limit = 256, maxReadRequest = 512 } = options;
  for (const [name, bytes] of [
    ['MPS', limit],
    ['MRRS', maxReadRequest],
  ] as const)
    if (!sizes.includes(bytes)) throw new HostError(`the ${name} is one of ${sizes.join(', ')} bytes, not ${bytes}`);
  const found = await scan(config);
  if (found.length === 0) throw new HostError('nothing answers at the root port: there is no device 0 at its link');
  const functions = assignWindows(found, apertures);
  const all = [...allFunctions(functions)];
  const maxPayload = Math.min(limit, ...all.map(each => each.maxPayload));
  for (const each of all) {
    await programBars(config, each);
    if (each.bridge) await programWindows(config, each, each.bridge);
    await programLimits(config, each, maxPayload, maxReadRequest);
  }
  for (const { bdf } of all) await config.write(bdf, ConfigOffset.command, CommandBit.memory | CommandBit.busMaster, 0b0011);
  return { bus: config.bus, functions, maxPayload, maxReadRequest };
}

async function programBars(config: ConfigAccess, { bdf, bars }: PciFunction): Promise<void> {
  for (const { index, kind, address } of bars) {
    if (address === undefined) continue;
    const offset = ConfigOffset.bar0 + 4 * index;
    await config.write(bdf, offset, Number(address & 0xffff_ffffn));
    if (kind === 'memory64') await config.write(bdf, offset + 4, Number(address >> 32n));
  }
}

/** A window that holds nothing: base above limit (C31). */
const closed: AddressRange = { base: 0xffff_ffff_fff0_0000n, bytes: 0n };

async function programWindows(config: ConfigAccess, { bdf }: PciFunction, bridge: Bridge): Promise<void> {
  const memory = edges(bridge.memory);
  await config.write(bdf, BridgeOffset.memory, register(memory));
  const prefetchable = edges(bridge.prefetchable);
  await config.write(bdf, BridgeOffset.prefetchable, register(prefetchable));
  await config.write(bdf, BridgeOffset.prefetchable_base_upper, Number(prefetchable.base >> 32n));
  await config.write(bdf, BridgeOffset.prefetchable_limit_upper, Number(prefetchable.limit >> 32n));
}

/** First and last byte; of a closed window the limit is 0. */
const edges = (range: AddressRange = closed) => ({
  base: range.base,
  limit: range.bytes === 0n ? 0n : range.base + range.bytes - 1n,
});

/** Address bits 31:20 of the edges in 15:4 and 31:20 (C30). */
const register = ({ base, limit }: { readonly base: bigint; readonly limit: bigint }): number =>
  Number(((limit >> 20n) & 0xfffn) << 20n) + Number(((base >> 20n) & 0xfffn) << 4n);

/** MPS and MRRS for all; tags of 8 bits for functions that can have them (C71a). */
async function programLimits(config: ConfigAccess, of: PciFunction, maxPayload: number, maxReadRequest: number): Promise<void> {
  const express = capability(of, CapabilityId.pciExpress);
  if (express === undefined) return;
  const capable = (await config.read(of.bdf, express + ExpressOffset.device_capabilities)) & DeviceBit.extendedTagCapable;
  const offset = express + ExpressOffset.device_control;
  const code = (bytes: number) => Math.log2(bytes / 128);
  const kept = (await config.read(of.bdf, offset)) & DeviceBit.others;
  const tags = capable ? DeviceBit.extendedTagEnable : 0;
  await config.write(of.bdf, offset, kept | tags | (code(maxPayload) << 5) | (code(maxReadRequest) << 12), 0b0011);
}
