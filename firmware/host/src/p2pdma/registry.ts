import { Errno } from './errno.ts';
import { Provider, type ProviderParts } from './provider.ts';
import type { PciNode } from './tree.ts';

/** Where a provider lives: as a child device of its own (the mails' form), or as state of the PCI function (what Linux has). */
export type ProviderForm = 'child device' | 'function state';

/** A provider as the system knows it, in either form (M0-6). */
export interface RegisteredProvider {
  /** `p2pmem0` for a child device, the function's name otherwise. */
  readonly name: string;
  readonly form: ProviderForm;
  /** The PCI function: of a child device, its parent (M0-7). Distances are the function's (M0-8). */
  readonly parent: PciNode;
  readonly provider: Provider;
}

/** What happened to devices, in order, as other parts of the system see it. */
export interface DeviceEvent {
  readonly what: 'added' | 'removed';
  readonly device: string;
}

/** The providers of a machine. */
export class ProviderRegistry {
  readonly form: ProviderForm;
  readonly events: DeviceEvent[] = [];
  private readonly known: RegisteredProvider[] = [];
  private next = 0;

  constructor(form: ProviderForm = 'function state') {
    this.form = form;
  }

  /** All that are there, in the order of their registration. */
  get all(): readonly RegisteredProvider[] {
    return this.known;
  }
  get providers(): readonly Provider[] {
    return this.known.map(({ provider }) => provider);
  }
  /** Names of those that others may find (M1-23). */
  get published(): readonly string[] {
    return this.known.filter(({ provider }) => provider.published).map(({ parent }) => parent.name);
  }

  /** The provider of a function; none if it is none. */
  of(device: PciNode): Provider | undefined {
    return this.known.find(({ parent }) => parent === device)?.provider;
  }

  /** Makes a function a provider. @throws Errno EBUSY if it is one, else as `Provider`. */
  register(parts: ProviderParts): RegisteredProvider {
    const { device } = parts;
    if (this.of(device)) throw new Errno('EBUSY', `${device.name} is a provider already`);
    const provider = new Provider(parts);
    const name = this.form === 'child device' ? `p2pmem${this.next++}` : device.name;
    const registered: RegisteredProvider = { name, form: this.form, parent: device, provider };
    this.known.push(registered);
    if (this.form === 'child device') this.events.push({ what: 'added', device: name });
    return registered;
  }

  /** The driver of the function goes: first the provider, which waits for its last reference, then the function (M0-7). */
  async unbind(device: PciNode): Promise<void> {
    const registered = this.known.find(({ parent }) => parent === device);
    if (registered) {
      await registered.provider.remove();
      this.known.splice(this.known.indexOf(registered), 1);
      if (registered.form === 'child device') this.events.push({ what: 'removed', device: registered.name });
    }
    this.events.push({ what: 'removed', device: device.name });
  }

  /** A published provider by the name of its function or of its child device. @throws Errno ENODEV if there is none (M1-23). */
  named(name: string): Provider {
    const found = this.known.find(entry => entry.name === name || entry.parent.name === name);
    if (!found?.provider.published)
      throw new Errno(
        'ENODEV',
        `${name} ${found ? 'has not published its memory' : 'provides no memory'}: published are ${this.published.join(', ') || 'none'}`,
      );
    return found.provider;
  }
}
