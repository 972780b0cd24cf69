import type { Random } from '../soak/random.ts';
import { withBody } from '../soak/stimuli.ts';
import { completionHigh, type Tlp, tlp } from '../soak/tlp.ts';
import { links } from './switch-harness.ts';

/** The switch as software numbers it: link 0 goes up, link p to downstream port p. */

/** Requester ID of the host; the bus of the link above the switch. */
export const hostId = 0x0008;
export const linkBus = 1;
export const innerBus = 2;
export const mebi = 0x10_0000;

/** Buses behind a downstream port. */
export const secondary = (port: number): number => 1 + 3 * port;
export const subordinate = (port: number): number => secondary(port) + 2;
/** Completer ID of a port. */
export const portId = (port: number): number => (port === 0 ? linkBus << 8 : (innerBus << 8) | ((port - 1) << 3));

/** Windows of a downstream port: 1 MiB below 4 GiB, 1 MiB above 256 GiB, 4 KiB of I/O. There are holes between them. */
export const memoryBase = (port: number): number => 0x8000_0000 + 2 * mebi * (port - 1);
export const prefetchHigh = 0x40;
export const prefetchBase = (port: number): number => 2 * mebi * (port - 1);
export const ioBase = (port: number): number => 0x4000 + 0x2000 * (port - 1);

/** Where a request goes to: behind a port, to the host, into a hole between the windows. */
export type Target = number | 'hole';

/** Makes TLPs that no two of a batch have in common: each has an ID of its own. */
export class TlpMaker {
  private readonly random: Random;
  private serial = 0;

  constructor(random: Random) {
    this.random = random;
  }

  /** Requester ID and tag that no other TLP of the batch has, on a bus. */
  identity(bus: number): { readonly requester: number; readonly tag: number } {
    const serial = this.serial++;
    return { requester: (bus << 8) | ((serial >>> 10) & 0xff), tag: serial & 0x3ff };
  }
  /** A bus behind a link. */
  bus(link: number): number {
    return link === 0 ? 0 : secondary(link) + this.random.below(3);
  }

  private traits() {
    const bits = this.random.next();
    return { tc: bits & 7, attr: (bits >>> 3) & 7, td: ((bits >>> 6) & 7) === 7 ? 1 : 0 };
  }
  private place(to: Target): { readonly high: number; readonly low: number; readonly four: number } {
    const { random } = this;
    const high = random.below(2) === 0;
    const inside = 0x1000 * random.below(256) + 4 * random.below(512);
    if (to === 0) return high ? { high: 0x70, low: inside, four: 1 } : { high: 0, low: 0x20_0000 + inside, four: 0 };
    const hole = to === 'hole' ? mebi : 0;
    const port = to === 'hole' ? 1 + random.below(links - 1) : to;
    return high
      ? { high: prefetchHigh, low: prefetchBase(port) + hole + inside, four: 1 }
      : { high: 0, low: memoryBase(port) + hole + inside, four: 0 };
  }

  /** A memory write of up to `most` DW. */
  write(from: number, to: Target, most = 32): Tlp {
    const { high, low, four } = this.place(to);
    const length = 1 + this.random.below(this.random.below(3) === 0 ? most : Math.min(most, 4));
    const enables = { first_be: 15, last_be: length > 1 ? 15 : 0 };
    const t = tlp({ fmt: 2 | four, ...this.traits(), length, high, low, ...enables, ...this.identity(this.bus(from)) });
    return withBody(t, this.random.next());
  }
  /** A memory read. */
  read(from: number, to: Target): Tlp {
    const { high, low, four } = this.place(to);
    const length = 1 + this.random.below(64);
    const enables = { first_be: 15, last_be: length > 1 ? 15 : 0 };
    const t = tlp({ fmt: four, ...this.traits(), length, high, low, ...enables, ...this.identity(this.bus(from)) });
    return withBody(t, this.random.next());
  }
  atomic(from: number, to: Target): Tlp {
    const { high, low, four } = this.place(to);
    const shape = { type: 12 + this.random.below(2), length: 1, first_be: 15, high, low };
    return withBody(tlp({ fmt: 2 | four, ...this.traits(), ...shape, ...this.identity(this.bus(from)) }), this.random.next());
  }
  io(from: number, to: Target): Tlp {
    const write = this.random.below(2);
    const base = to === 0 ? 0x100 : to === 'hole' ? 0x5000 + 0x2000 * this.random.below(links - 1) : ioBase(to);
    const low = base + 4 * this.random.below(32);
    return withBody(tlp({ fmt: 2 * write, type: 2, first_be: 15, low, ...this.identity(this.bus(from)) }), this.random.next());
  }
  /** A completion for a requester on a bus. */
  completion(from: number, bus: number): Tlp {
    const length = this.random.below(33);
    const bytes = Math.max(1, 4 * length);
    const completer = (this.bus(from) << 8) | this.random.below(256);
    const t = tlp({
      fmt: length > 0 ? 2 : 0,
      type: 10,
      ...this.traits(),
      length,
      high: completionHigh(completer, 0, bytes),
      ...this.identity(bus),
    });
    return withBody(t, this.random.next());
  }
  /** A vendor's message by ID. */
  message(from: number, bus: number): Tlp {
    const length = this.random.below(9);
    const to = { high: ((bus << 24) | this.random.below(2 ** 24)) >>> 0, low: this.random.next() };
    const shape = { fmt: length > 0 ? 3 : 1, type: 18, length, last_be: 7, first_be: 15 };
    return withBody(tlp({ ...shape, ...this.traits(), ...to, ...this.identity(this.bus(from)) }), this.random.next());
  }

  /** A TLP of each class that comes out at the root port, but a request without bus mastering, which is refused. */
  markers(from: number): readonly Tlp[] {
    const message = tlp({ fmt: 1, type: 16, length: 0, last_be: 7, first_be: 14, ...this.identity(this.bus(from)) });
    return [message, this.read(from, 0), this.completion(from, 0)];
  }

  /** A TLP of any kind that a switch passes from one link to another. */
  good(from: number, to: number): Tlp {
    switch (this.random.below(8)) {
      case 0:
      case 1:
      case 2:
        return this.write(from, to);
      case 3:
        return this.read(from, to);
      case 4:
      case 5:
        return this.completion(from, this.bus(to));
      case 6:
        return this.atomic(from, to);
      default:
        return to === 0 ? this.io(from, to) : this.message(from, this.bus(to));
    }
  }
}
