import { FcClass, type FcClassName, type Topology } from '@hdl/pcie-rtl';
import type { PortView, Simulation } from '@hdl/ts-hdl';
import { bitOf, portOf, setBit } from './rings.ts';

/** How a device fails: with which TLP, and what becomes of it. */
export interface DeviceFault {
  readonly how: 'poison' | 'lose';
  readonly traffic: FcClassName;
  /** Bytes of payload at the least; any by default. */
  readonly bytes?: number;
}

/** What can go wrong on the links of a test bench with `between`, by the names of the links: what the models there can do, and no more. */
export class LinkFaults {
  private readonly simulation: Simulation;
  private readonly links: readonly string[];
  private readonly pulled: PortView;

  constructor(simulation: Simulation, { links }: Topology) {
    this.simulation = simulation;
    this.links = links;
    this.pulled = portOf(simulation, 'pulled');
  }

  /** The device below a link is pulled out, or put in again. */
  pull(link: string, out: boolean): void {
    setBit(this.pulled, this.bit(link), out ? 1 : 0);
  }

  /** The next TLP of the device below a link that fits has this fault; nothing for none any more. */
  arm(link: string, fault: DeviceFault | undefined): void {
    const field = (name: string) => portOf(this.simulation, `link_faults_${this.bit(link)}_${name}`).words;
    field('poison')[0] = Number(fault?.how === 'poison');
    field('lose')[0] = Number(fault?.how === 'lose');
    field('traffic')[0] = FcClass[fault?.traffic ?? 'posted'];
    field('least')[0] = (fault?.bytes ?? 0) / 4;
  }

  /** The fault that was armed has happened. */
  happened(link: string): boolean {
    return bitOf(portOf(this.simulation, 'link_faulted'), this.bit(link)) === 1;
  }

  private bit(link: string): number {
    const bit = this.links.indexOf(link);
    if (bit < 0) throw new RangeError(`there is no link ${link}: the fabric has ${this.links.join(', ')}`);
    return bit;
  }
}
