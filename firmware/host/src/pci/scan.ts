import { HostError } from '../host-error.ts';
import { type Bdf, formatBdf } from '../pci-function.ts';
import { allOnes, type Domain, notReady } from './config-port.ts';
import { type BarState, type BridgeState, PciDevice } from './pci-device.ts';
import { acsRegister, BridgeRegister, CapabilityId, Command, Express, ExtendedId, Header, PortType } from './registers.ts';

export interface ScanOptions {
  /** Bus numbers that a slot keeps for what is plugged in later; 8 by default. */
  readonly hotPlugBuses?: number;
  /** How long a function may not be ready, in milliseconds; 60,000 by default. */
  readonly readyTimeout?: number;
}

/**
 * Finds all functions of a domain and numbers its buses, depth first: a bridge gets the next number for its secondary bus, and its subordinate bus is the last one
 * that was given out below it, or kept for what is plugged in later (C20 .. C27). BARs are sized, and have no addresses yet.
 * @throws HostError when bus numbers run out, for a function that does not get ready, or a configuration space that makes no sense.
 */
export async function scanDomain(domain: Domain, options: ScanOptions = {}): Promise<PciDevice[]> {
  return new Scanner(domain, options, domain.bus, domain.lastBus ?? 255).bus(domain.bus, undefined, domain.starts === 'link');
}

/** Finds what is below a port whose bus numbers are given already: what was plugged in. @throws as `scanDomain`. */
export async function scanBelow(port: PciDevice, options: ScanOptions = {}): Promise<PciDevice[]> {
  const { bridge } = port;
  if (!bridge) throw new HostError(`${port.name} is no bridge: nothing can be below it`);
  const scanner = new Scanner(port.domain, { ...options, hotPlugBuses: 0 }, bridge.secondary, bridge.subordinate);
  return scanner.bus(bridge.secondary, port, port.isDownstreamPort);
}

class Scanner {
  private readonly domain: Domain;
  private readonly hotPlugBuses: number;
  private readonly readyTimeout: number;
  /** The last bus number that was given out, and the last there is. */
  private last: number;
  private readonly limit: number;

  constructor(domain: Domain, { hotPlugBuses = 8, readyTimeout = 60_000 }: ScanOptions, first: number, limit: number) {
    this.domain = domain;
    this.hotPlugBuses = hotPlugBuses;
    this.readyTimeout = readyTimeout;
    this.last = first;
    this.limit = limit;
  }

  /** The functions of a bus. At the lower end of a link there is only device 0 (C23). */
  async bus(bus: number, above: PciDevice | undefined, link: boolean): Promise<PciDevice[]> {
    const found: PciDevice[] = [];
    for (let device = 0; device < (link ? 1 : 32); device++) found.push(...(await this.device(bus, device, above)));
    for (const each of found) if (each.bridge) await this.below(each, each.bridge);
    return found;
  }

  private async device(bus: number, device: number, above: PciDevice | undefined): Promise<PciDevice[]> {
    const first = await this.function({ bus, device, function: 0 }, above);
    if (!first) return [];
    const found = [first];
    if (above?.isDownstreamPort && (await this.forwardsAri(above, first))) {
      for (let next = await nextAri(first); next !== 0; ) {
        const each = await this.function({ bus, device: next >> 3, function: next & 7 }, above);
        if (!each) throw new HostError(`${first.name} names function ${next} in its ARI list, and there is none`);
        found.push(each);
        const after = await nextAri(each);
        if (after !== 0 && after <= next)
          throw new HostError(`the ARI list of ${first.name} goes from function ${next} back to ${after}`);
        next = after;
      }
      return found;
    }
    const several = ((await first.read(Header.type)) & 0x80_0000) !== 0;
    for (let number = 1; several && number < 8; number++) {
      const each = await this.function({ bus, device, function: number }, above);
      if (each) found.push(each);
    }
    return found;
  }

  /** Lets a port pass device numbers as part of the function number, if both ends can (C27). */
  private async forwardsAri(port: PciDevice, first: PciDevice): Promise<boolean> {
    const can = first.extended.has(ExtendedId.ari) && ((await port.read(port.express(Express.deviceCapabilities2))) & 0x20) !== 0;
    await port.change(port.express(Express.deviceControl2), 0x20, can ? 0x20 : 0);
    return can;
  }

  /** The ID of a function, once it is ready; none if there is no function. */
  private async id(bdf: Bdf): Promise<number | undefined> {
    let wait = 1;
    for (let waited = 0; ; wait *= 2) {
      const id = await this.domain.config.read(bdf, Header.id);
      if (id === allOnes || (id & 0xffff) === 0xffff) return undefined;
      if (id !== notReady) return id;
      if (waited >= this.readyTimeout)
        throw new HostError(
          `the function ${formatBdf(bdf)} was not ready ${waited} ms after its reset: it answers each request with retry`,
        );
      await this.domain.clock.sleep(wait);
      waited += wait;
    }
  }

  private async function(bdf: Bdf, parent: PciDevice | undefined): Promise<PciDevice | undefined> {
    const { domain } = this;
    const id = await this.id(bdf);
    if (id === undefined) return undefined;
    const read = (offset: number) => domain.config.read(bdf, offset);
    // Nothing is decoded while BARs hold sizes. This also lets the function capture its bus and device number (C24).
    await domain.config.write(bdf, Header.command, 0, 0b0011);
    const type = ((await read(Header.type)) >>> 16) & 0x7f;
    if (type > 1) throw new HostError(`${formatBdf(bdf)} has header type ${type}; there are only 0 (endpoint) and 1 (bridge)`);
    const capabilities = await this.capabilities(bdf);
    const express = capabilities.get(CapabilityId.express);
    const at = async (offset: number) => (express === undefined ? 0 : read(express + offset));
    const extended = express === undefined ? new Map<number, number>() : await this.extended(bdf);
    const device = new PciDevice({
      domain,
      bdf,
      vendorId: id & 0xffff,
      deviceId: id >>> 16,
      classCode: (await read(Header.classCode)) >>> 8,
      capabilities,
      extended,
      portType: express === undefined ? undefined : ((await at(Express.capabilities)) >>> 20) & 0xf,
      maxPayload: 128 << ((await at(Express.deviceCapabilities)) & 7),
      hotPlug: type === 1 && ((await at(Express.slotCapabilities)) & 0x40) !== 0,
      parent,
    });
    const acs = extended.get(ExtendedId.acs);
    if (acs !== undefined) device.firmwareAcs = (await read(acs + acsRegister)) >>> 16;
    device.bars = await sizeBars(device, type === 1 ? 2 : 6);
    if (type === 1) device.bridge = await bridgeOf(device);
    return device;
  }

  private async below(device: PciDevice, bridge: BridgeState): Promise<void> {
    const secondary = ++this.last;
    if (secondary > this.limit)
      throw new HostError(
        `no bus number up to ${this.limit} is left for the bridge ${device.name}: leave bridges out or keep fewer for slots`,
      );
    bridge.secondary = secondary;
    const number = (subordinate: number) =>
      device.write(BridgeRegister.buses, device.bdf.bus | (secondary << 8) | (subordinate << 16), 0b0111);
    await number(this.limit);
    if (device.portType === PortType.rootPort) await showRetries(device);
    bridge.children.push(...(await this.bus(secondary, device, device.isDownstreamPort)));
    if (device.hotPlug) this.last = Math.min(this.limit, Math.max(this.last, secondary + this.hotPlugBuses));
    bridge.subordinate = this.last;
    await number(bridge.subordinate);
  }

  private async capabilities(bdf: Bdf): Promise<Map<number, number>> {
    const { config } = this.domain;
    const found = new Map<number, number>();
    if (((await config.read(bdf, Header.command)) & Command.capabilityList) === 0) return found;
    const seen = new Set<number>();
    for (let offset = (await config.read(bdf, Header.capabilities)) & 0xfc; offset !== 0; ) {
      if (seen.has(offset))
        throw new HostError(`the capability list of ${formatBdf(bdf)} comes back to 0x${offset.toString(16)} and has no end`);
      seen.add(offset);
      const entry = await config.read(bdf, offset);
      if (!found.has(entry & 0xff)) found.set(entry & 0xff, offset);
      offset = (entry >>> 8) & 0xfc;
    }
    return found;
  }

  private async extended(bdf: Bdf): Promise<Map<number, number>> {
    const found = new Map<number, number>();
    const seen = new Set<number>();
    for (let offset = 0x100; offset !== 0; ) {
      if (seen.has(offset))
        throw new HostError(`the list of extended capabilities of ${formatBdf(bdf)} comes back to 0x${offset.toString(16)}`);
      seen.add(offset);
      const entry = await this.domain.config.read(bdf, offset);
      if (entry === 0 || entry === allOnes) break;
      if (!found.has(entry & 0xffff)) found.set(entry & 0xffff, offset);
      offset = (entry >>> 20) & 0xffc;
    }
    return found;
  }
}

/** The next function number of an ARI list; 0 at its end. */
async function nextAri(device: PciDevice): Promise<number> {
  const offset = device.extended.get(ExtendedId.ari);
  return offset === undefined ? 0 : ((await device.read(offset + 4)) >>> 8) & 0xff;
}

/** Lets a root port tell software that a function is not ready, if it can. */
async function showRetries(port: PciDevice): Promise<void> {
  const offset = port.express(Express.rootControl);
  if (((await port.read(offset)) & 0x1_0000) !== 0) await port.change(offset, 0x10, 0x10);
}

/** What a bridge's windows can do: registers that are not there read 0 whatever is written (C30). */
async function bridgeOf(device: PciDevice): Promise<BridgeState> {
  const writable = async (offset: number, bits: number) => {
    await device.write(offset, bits);
    const read = await device.read(offset);
    await device.write(offset, 0);
    return read;
  };
  const io = await writable(BridgeRegister.io, 0xf0f0);
  const prefetchable = await writable(BridgeRegister.prefetchable, 0xfff0_fff0);
  const wide = (prefetchable & 0xf) === 1;
  return {
    secondary: 0,
    subordinate: 0,
    can: { io: (io & 0xf0f0) !== 0, prefetchable: (prefetchable & 0xfff0_fff0) === 0 ? 0 : wide ? 64 : 32 },
    windows: {},
    children: [],
  };
}

/** Sizes the BARs; their registers are 0 afterwards. */
export async function sizeBars(device: PciDevice, registers: number): Promise<BarState[]> {
  const found: BarState[] = [];
  const sizeMask = async (index: number) => {
    const offset = Header.bar0 + 4 * index;
    await device.write(offset, allOnes);
    const mask = await device.read(offset);
    await device.write(offset, 0);
    return mask;
  };
  for (let index = 0; index < registers; index++) {
    const low = await sizeMask(index);
    if (low === 0) continue;
    const io = (low & 1) !== 0;
    const wide = !io && (low & 0b110) === 0b100;
    if (wide && index + 1 >= registers) throw new HostError(`BAR${index} of ${device.name} has 64 bits, but it is the last one`);
    const high = wide ? await sizeMask(index + 1) : allOnes;
    const ones = (BigInt(high) << 32n) | BigInt(io ? (low | 0xffff_0000) >>> 0 : low);
    // The address bits below the size read 0, so the lowest that reads 1 is the size.
    const address = ones & ~(io ? 0b11n : 0b1111n);
    if (address === 0n) throw new HostError(`BAR${index} of ${device.name} is there but has no size`);
    found.push({
      index,
      kind: io ? 'io' : wide ? 'memory64' : 'memory32',
      prefetchable: !io && (low & 0b1000) !== 0,
      bytes: address & -address,
    });
    if (wide) index++;
  }
  return found;
}
