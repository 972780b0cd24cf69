import { CapabilityId, PortType } from '@hdl/pcie-rtl';
import type { ConfigAccess } from './config-access.ts';
import { allOnes } from './config-access.ts';
import { BridgeOffset, ConfigOffset, capabilityListBit, ExpressOffset } from './config-registers.ts';
import { HostError } from './host-error.ts';
import { type Bar, type Bdf, type Capability, formatBdf, type PciFunction } from './pci-function.ts';

/** Bus numbers of a segment. */
const lastBus = 255;

/**
 * Finds all functions below the root port and numbers the buses, depth first: a bridge gets the next number for its secondary bus, and its
 * subordinate bus is the last one that was given out below it (C20 .. C23). BARs are sized, not yet assigned.
 * @throws HostError when bus numbers run out, or for a configuration space that makes no sense.
 */
export async function scan(config: ConfigAccess): Promise<PciFunction[]> {
  return new Scanner(config).bus(config.bus, true);
}

class Scanner {
  private readonly config: ConfigAccess;
  /** The last bus number that was given out. */
  private last: number;

  constructor(config: ConfigAccess) {
    this.config = config;
    this.last = config.bus;
  }

  /** The functions of a bus. At the lower end of a link there is only device 0 (C23); the bus inside a switch has as many as ports. */
  async bus(bus: number, link: boolean): Promise<PciFunction[]> {
    const found: PciFunction[] = [];
    for (let device = 0; device < (link ? 1 : 32); device++) found.push(...(await this.device(bus, device)));
    return found;
  }

  private async device(bus: number, device: number): Promise<PciFunction[]> {
    const first = { bus, device, function: 0 };
    if (!(await this.exists(first))) return [];
    const multiple = (((await this.config.read(first, ConfigOffset.header)) >>> 16) & 0x80) !== 0;
    const found = [await this.function(first)];
    for (let number = 1; multiple && number < 8; number++) {
      const bdf = { bus, device, function: number };
      if (await this.exists(bdf)) found.push(await this.function(bdf));
    }
    return found;
  }

  private async exists(bdf: Bdf): Promise<boolean> {
    return ((await this.config.read(bdf, ConfigOffset.id)) & 0xffff) !== 0xffff;
  }

  private async function(bdf: Bdf): Promise<PciFunction> {
    const { config } = this;
    // Nothing is decoded while BARs hold sizes. This also lets the function capture its bus and device number (C24).
    await config.write(bdf, ConfigOffset.command, 0, 0b0011);
    const id = await config.read(bdf, ConfigOffset.id);
    const classCode = (await config.read(bdf, ConfigOffset.class_code)) >>> 8;
    const type = ((await config.read(bdf, ConfigOffset.header)) >>> 16) & 0x7f;
    if (type > 1) throw new HostError(`${formatBdf(bdf)} has header type ${type}; there are only 0 (endpoint) and 1 (bridge)`);
    const capabilities = await this.capabilities(bdf);
    const express = capabilities.find(entry => entry.id === CapabilityId.pciExpress);
    const found: PciFunction = {
      bdf,
      vendorId: id & 0xffff,
      deviceId: id >>> 16,
      classCode,
      capabilities,
      ...(await this.express(bdf, express)),
      bars: await this.bars(bdf, type === 1 ? 2 : 6),
    };
    return type === 1 ? this.bridge(found) : found;
  }

  private async express(bdf: Bdf, express: Capability | undefined): Promise<{ maxPayload: number; portType?: number }> {
    if (!express) return { maxPayload: 128 };
    const portType = ((await this.config.read(bdf, express.offset + ExpressOffset.capabilities)) >>> 20) & 0xf;
    const supported = (await this.config.read(bdf, express.offset + ExpressOffset.device_capabilities)) & 7;
    return { maxPayload: 128 << supported, portType };
  }

  private async bridge(found: PciFunction): Promise<PciFunction> {
    const { bdf, portType } = found;
    const primary = bdf.bus;
    const secondary = ++this.last;
    if (secondary > lastBus) throw new HostError(`no bus number is left for the bridge ${formatBdf(bdf)}: a segment has 256`);
    const number = (subordinate: number) =>
      this.config.write(bdf, BridgeOffset.buses, primary | (secondary << 8) | (subordinate << 16), 0b0111);
    await number(lastBus);
    const children = await this.bus(secondary, portType !== PortType.switchUpstream);
    const subordinate = this.last;
    await number(subordinate);
    return { ...found, bridge: { primary, secondary, subordinate, children } };
  }

  private async capabilities(bdf: Bdf): Promise<Capability[]> {
    const found: Capability[] = [];
    if (((await this.config.read(bdf, ConfigOffset.command)) & capabilityListBit) === 0) return found;
    let offset = (await this.config.read(bdf, ConfigOffset.capabilities)) & 0xfc;
    while (offset !== 0) {
      if (found.some(entry => entry.offset === offset))
        throw new HostError(`the capability list of ${formatBdf(bdf)} comes back to 0x${offset.toString(16)} and has no end`);
      const entry = await this.config.read(bdf, offset);
      found.push({ id: entry & 0xff, offset });
      offset = (entry >>> 8) & 0xfc;
    }
    return found;
  }

  private async bars(bdf: Bdf, registers: number): Promise<Bar[]> {
    const found: Bar[] = [];
    for (let index = 0; index < registers; index++) {
      const low = await this.sizeMask(bdf, index);
      if (low === 0) continue;
      const io = (low & 1) !== 0;
      const wide = !io && (low & 0b110) === 0b100;
      if (wide && index + 1 >= registers)
        throw new HostError(`BAR${index} of ${formatBdf(bdf)} has 64 bits, but it is the last one`);
      const high = wide ? await this.sizeMask(bdf, index + 1) : allOnes;
      const ones = (BigInt(high) << 32n) | BigInt(io ? (low | 0xffff_0000) >>> 0 : low);
      // The address bits below the size read 0, so the lowest that reads 1 is the size.
      const address = ones & ~(io ? 0b11n : 0b1111n);
      const bytes = address & -address;
      found.push({ index, kind: io ? 'io' : wide ? 'memory64' : 'memory32', prefetchable: !io && (low & 0b1000) !== 0, bytes });
      if (wide) index++;
    }
    return found;
  }

  /** What a BAR register reads after all ones were written; the register is 0 again then. */
  private async sizeMask(bdf: Bdf, index: number): Promise<number> {
    const offset = ConfigOffset.bar0 + 4 * index;
    await this.config.write(bdf, offset, allOnes);
    const mask = await this.config.read(bdf, offset);
    await this.config.write(bdf, offset, 0);
    return mask;
  }
}
