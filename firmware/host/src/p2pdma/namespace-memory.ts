import type { P2pBus } from './bus.ts';
import type { DmaClient } from './client.ts';
import { allocBuffer, type DataBuffer, type SystemMemory } from './data-buffer.ts';
import { Errno } from './errno.ts';
import { findMany } from './find.ts';
import type { Provider } from './provider.ts';
import type { ProviderRegistry } from './registry.ts';

/** A block device behind a storage target's namespace. */
export interface BlockDevice {
  readonly client: DmaClient;
  /** It is a device with a queue that takes peers' memory; files and others are not. */
  readonly peers: boolean;
}

/** What a storage target's memory for peers is made of. */
export interface NamespaceMachine {
  readonly registry: ProviderRegistry;
  readonly bus: P2pBus;
  readonly system: SystemMemory;
  readonly choose?: (count: number) => number;
}

/**
 * Where a storage target keeps the data of a namespace: a program that owns none of the devices (M1-19) and lets the person decide (M1-8): off, on (the nearest
 * provider), or a provider by name. One decision per controller, so that requests look nothing up (M1-21).
 */
export class NamespaceMemory {
  private readonly machine: NamespaceMachine;
  private readonly device: BlockDevice;
  private setting: boolean | string = false;
  private isEnabled = false;
  private readonly chosen = new Map<DmaClient, Provider>();

  constructor(machine: NamespaceMachine, device: BlockDevice) {
    this.machine = machine;
    this.device = device;
  }

  /** The setting as text: `0`, `1`, or the name of a function. */
  get p2pmem(): string {
    return this.setting === true ? '1' : this.setting === false ? '0' : this.setting;
  }

  /** Sets it. @throws Errno EBUSY while the namespace is on, ENODEV for a name that no published provider has. */
  set p2pmem(text: string) {
    if (this.isEnabled) throw new Errno('EBUSY', 'the namespace is on: switch it off before you choose its memory');
    const word = text.trim();
    if (word === '0' || word === '1') this.setting = word === '1';
    else {
      const switches: { readonly [word: string]: boolean } = { n: false, no: false, off: false, y: true, yes: true, on: true };
      const value = switches[word.toLowerCase()];
      if (value === undefined) this.machine.registry.named(word);
      this.setting = value ?? word;
    }
  }

  /** Switches the namespace on. @throws Errno EINVAL if its device cannot use peers' memory, or no provider reaches it. */
  enable(): void {
    if (this.setting !== false) {
      const { name } = this.device.client;
      if (!this.device.peers || !this.device.client.dma.peers)
        throw new Errno('EINVAL', `${name} cannot use peers' memory: set p2pmem to 0`);
      if (!this.choose([this.device.client]))
        throw new Errno('EINVAL', `no provider for p2pmem '${this.p2pmem}' reaches ${name}: set p2pmem to 0 or name another`);
    }
    this.isEnabled = true;
  }

  /** A controller begins that is talked to through `network`. Both directions count (M4-15). @returns the provider that was chosen; none means system memory. */
  connect(network: DmaClient): Provider | undefined {
    const found = this.setting === false ? undefined : this.choose([network, this.device.client]);
    if (found) this.chosen.set(network, found);
    return found;
  }
  disconnect(network: DmaClient): void {
    this.chosen.delete(network);
  }

  /** Memory for the data of a request: peers' if a provider was chosen and has some left, and never for administration. */
  request(network: DmaClient, bytes: bigint, { admin = false }: { readonly admin?: boolean } = {}): DataBuffer {
    return allocBuffer(bytes, admin ? undefined : this.chosen.get(network), this.machine.system);
  }

  private choose(clients: readonly DmaClient[]): Provider | undefined {
    const { registry, bus } = this.machine;
    if (this.setting === true) return findMany(registry.providers, clients, this.machine);
    const named = registry.named(String(this.setting));
    return bus.distanceMany(named.device, clients) >= 0 ? named : undefined;
  }
}
