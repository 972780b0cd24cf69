import { HostError } from '../host-error.ts';
import { type AcsOptions, type AcsSetting, configureAcs } from './acs.ts';
import type { Domain } from './config-port.ts';
import { checkSize, configurePayload, type PayloadPolicy } from './payload.ts';
import { everyDevice, type PciDevice } from './pci-device.ts';
import { program } from './program.ts';
import { resizeBar } from './resizable-bar.ts';
import { type AssignOptions, assignResources, type DomainApertures } from './resources.ts';
import { type ScanOptions, scanDomain } from './scan.ts';

/** A domain with the room that it has. */
export interface DomainSetup {
  readonly domain: Domain;
  readonly apertures: DomainApertures;
}

export interface BringUpOptions extends ScanOptions, AssignOptions {
  /** `peer2peer` without. */
  readonly payload?: PayloadPolicy;
  /** MRRS in bytes; as the functions have it without. */
  readonly maxReadRequest?: number;
  readonly acs?: AcsOptions;
}

/** A domain that is up. */
export interface DomainState extends DomainSetup {
  readonly devices: PciDevice[];
}

/** A machine with its domains. */
export class Machine {
  readonly domains: readonly DomainState[];
  /** What access control was set to. */
  readonly acs: readonly AcsSetting[];
  private readonly options: BringUpOptions;

  private constructor(domains: readonly DomainState[], acs: readonly AcsSetting[], options: BringUpOptions) {
    this.domains = domains;
    this.acs = acs;
    this.options = options;
  }

  /**
   * Brings domains up from zero: finds functions and numbers buses, assigns and programs BARs and windows, sets payload limits and access control, and lets all
   * decode and master the bus. @throws HostError for two domains with one number, and for what finding and assigning cannot do.
   */
  static async bringUp(setups: readonly DomainSetup[], options: BringUpOptions = {}): Promise<Machine> {
    if (options.maxReadRequest !== undefined) checkSize('MRRS', options.maxReadRequest);
    const domains: DomainState[] = [];
    for (const setup of setups) {
      const { number } = setup.domain;
      if (domains.some(({ domain }) => domain.number === number))
        throw new HostError(`there are two domains ${number}: give each a number of its own`);
      const devices = await scanDomain(setup.domain, options);
      assignResources(devices, setup.apertures, options);
      await configurePayload(devices, options.payload ?? 'peer2peer', options.maxReadRequest);
      await program(everyDevice(devices));
      domains.push({ ...setup, devices });
    }
    const all = domains.flatMap(({ devices }) => [...everyDevice(devices)]);
    return new Machine(domains, await configureAcs(all, options.acs), options);
  }

  /** All functions, domain by domain. */
  get devices(): readonly PciDevice[] {
    return this.domains.flatMap(({ devices }) => [...everyDevice(devices)]);
  }

  /** A function by its name, like `0000:03:00.0`. @throws HostError if there is none. */
  device(name: string): PciDevice {
    const found = this.devices.find(each => each.name === name);
    if (!found) throw new HostError(`there is no function ${name}: there are ${this.devices.map(each => each.name).join(', ')}`);
    return found;
  }

  /** Gives a BAR another size, and everything in its domain new addresses. @throws HostError if it cannot have that, or it does not fit: it keeps its size then. */
  async resize(device: PciDevice, index: number, bytes: bigint): Promise<void> {
    const state = this.domains.find(({ devices }) => [...everyDevice(devices)].includes(device));
    const bar = device.bars.find(each => each.index === index);
    if (!state || !bar) throw new HostError(`${device.name} has no BAR${index} here`);
    const before = bar.bytes;
    await resizeBar(device, index, bytes);
    let failure: unknown;
    try {
      assignResources(state.devices, state.apertures, this.options);
    } catch (error) {
      failure = error;
      await resizeBar(device, index, before);
      assignResources(state.devices, state.apertures, this.options);
    }
    await program(everyDevice(state.devices));
    if (failure) throw failure;
  }
}
