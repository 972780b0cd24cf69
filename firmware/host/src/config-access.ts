import { configRead, configWrite, Status } from '@hdl/pcie-rtl';
import { HostError } from './host-error.ts';
import { type Bdf, formatBdf } from './pci-function.ts';
import type { Requester } from './requester.ts';

/** What a read of a function that does not exist gives (C26). */
export const allOnes = 0xffff_ffff;
/** What a read of the ID gives while the function is not ready: the root complex shows software the retry status (2.3.2). */
const notReady = 0xffff_0001;

/** Bus 0 is the root complex. */
const firstBus = 1;
const lastBus = 255;

/**
 * Configuration space by TLPs: type 0 to the bus at a root port's link, type 1 to the buses behind it (C20, C21). Each root port has as many bus numbers as the others.
 */
export class ConfigAccess {
  /** Bus numbers by root port: that of its link, and the last one behind it. */
  readonly buses: readonly { readonly first: number; readonly last: number }[];
  private readonly requester: Requester;

  constructor(requester: Requester, ports: number) {
    this.requester = requester;
    const each = Math.floor((lastBus - firstBus + 1) / ports);
    this.buses = Array.from({ length: ports }, (_, i) => {
      const first = firstBus + i * each;
      return { first, last: first + each - 1 };
    });
  }

  /** Bus number of the first root port's link. */
  get bus(): number {
    return this.buses[0]?.first ?? firstBus;
  }

  /**
   * Reads the register at a byte offset, a multiple of 4. @returns all ones where no function answers (UR, or CA from a port that is contained), and 0xffff0001 for the ID of one that is not ready
   * (2.3.2). @throws HostError on other errors and on timeouts.
   */
  async read(bdf: Bdf, offset: number): Promise<number> {
    const { status, data } = await this.requester.request(from => configRead({ ...from, ...this.target(bdf, offset) }));
    if (status === Status.unsupported || status === Status.abort) return allOnes;
    if (status === Status.retry && offset === 0) return notReady;
    if (status !== Status.success || data.length !== 4)
      throw new HostError(`the read of register 0x${offset.toString(16)} of ${formatBdf(bdf)} ended with status ${status}`);
    return new DataView(data.buffer, data.byteOffset).getUint32(0, true);
  }

  /** Writes the register at a byte offset; bit i of `mask` enables byte i. @throws HostError if the function does not take it. */
  async write(bdf: Bdf, offset: number, value: number, mask = 0xf): Promise<void> {
    const { status } = await this.requester.request(from =>
      configWrite({ ...from, ...this.target(bdf, offset), data: value, mask }),
    );
    if (status !== Status.success)
      throw new HostError(`the write of register 0x${offset.toString(16)} of ${formatBdf(bdf)} ended with status ${status}`);
  }

  private target(bdf: Bdf, offset: number) {
    const kind: 0 | 1 = this.buses.some(({ first }) => first === bdf.bus) ? 0 : 1;
    return { ...bdf, kind, register: offset / 4 };
  }
}
