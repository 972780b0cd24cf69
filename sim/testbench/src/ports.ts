import type { Packet } from '@hdl/pcie-rtl';
import type { PortView, Simulation } from '@hdl/ts-hdl';
import { at } from './at.ts';
import { PacketAssembler, packBeats } from './beats.ts';
import type { HostBridgePort } from './bridge-port.ts';
import { HostMemory } from './host-memory.ts';
import { bitOf, portOf, RingReader, RingWriter, setBit } from './rings.ts';
import { type BelowRoot, nothingBelow, rootPortOf } from './root-routes.ts';
import type { Scheduler } from './scheduler.ts';

/** Payload limits by their code (7.5.3.4). */
const payloadLimits: readonly number[] = [128, 256, 512, 1024, 2048, 4096];

export interface RootPortParams {
  /** Bits of a beat. */
  readonly width: number;
  readonly hostBase: bigint;
  /** Root ports. */
  readonly ports: number;
  readonly bridge: HostBridgePort | undefined;
}

/** The host's end of the root links: the only way from the host to the fabric. */
export class RootPort {
  readonly hostMemory: HostMemory;
  /** Root ports. */
  readonly ports: number;
  private readonly simulation: Simulation;
  private readonly scheduler: Scheduler;
  private readonly width: number;
  private readonly below: BelowRoot[];
  private readonly bridge: HostBridgePort | undefined;
  private readonly sources: readonly RingWriter[];
  private readonly sink: RingReader;
  private readonly assembler: PacketAssembler;

  constructor(simulation: Simulation, scheduler: Scheduler, { width, hostBase, ports, bridge }: RootPortParams) {
    this.simulation = simulation;
    this.scheduler = scheduler;
    this.width = width;
    this.ports = ports;
    this.bridge = bridge;
    this.below = Array.from({ length: ports }, () => nothingBelow);
    this.sources = this.below.map((_, i) => {
      const parts = [`root_source_control_${i}`, `root_source_status_${i}`, `root_source_${i}`] as const;
      return new RingWriter(simulation, 'room to send a packet at the root port', ...parts);
    });
    this.sink = new RingReader(simulation, 'a packet at the root port', 'root_sink_control', 'root_sink_status', 'root_sink');
    this.assembler = new PacketAssembler(width);
    this.hostMemory = new HostMemory(simulation, width, hostBase);
  }

  /**
   * Says what lies below a root port, so that packets leave by it and the host bridge, if there is one, knows it. A single root port gets all packets without.
   * @throws RangeError for more windows than a host bridge has.
   */
  describe(port: number, below: BelowRoot): void {
    this.bridge?.describe(port, below);
    this.below[port] = below;
  }

  /** Sends a packet by the root port that it belongs to; resolves when that has taken it. */
  send(packet: Packet): Promise<void> {
    return at(this.sources, rootPortOf(packet, this.below)).write(this.scheduler, packBeats(packet, this.width));
  }

  /** The next packet that came up and is not for host memory. One receiver at a time. */
  async receive(): Promise<Packet> {
    for (;;) {
      await this.sink.whenAvailable(this.scheduler, 1);
      while (this.sink.available > 0) {
        const packet = this.assembler.push(this.sink.take(1));
        if (packet) return packet;
      }
    }
  }

  /** Sets the payload limit of the root ports in bytes (its device control register). @throws RangeError unless it is 128, 256, … or 4,096. */
  setMaxPayload(bytes: number): void {
    const code = payloadLimits.indexOf(bytes);
    if (code < 0)
      throw new RangeError(`the payload limit of the root port cannot be ${bytes} bytes: one of ${payloadLimits.join(', ')}`);
    portOf(this.simulation, 'root_mps').words[0] = code;
  }

  /** @internal */
  poll(): boolean {
    const sent = this.sources.map(source => source.poll()).includes(true);
    return this.sink.poll() || sent;
  }
}

/** What the processor of a device has: registers, an interrupt line, and its media streams. */
export class DevicePort {
  readonly name: string;
  /** Bits of a media word. */
  readonly width: number;
  readonly mediaIn: { write(bytes: Uint8Array): Promise<void> };
  readonly mediaOut: { read(bytes: number): Promise<Uint8Array> };
  private readonly scheduler: Scheduler;
  private readonly rings: {
    readonly request: RingWriter;
    readonly response: RingReader;
    readonly in: RingWriter;
    readonly out: RingReader;
  };
  private readonly level: PortView;
  private readonly enable: PortView;
  private readonly bit: number;
  private interrupted: (() => void) | undefined;
  /** Reads are answered in order: each waits for the one before. */
  private reads: Promise<unknown> = Promise.resolve();
  private readonly access = new Uint8Array(7);

  constructor(simulation: Simulation, scheduler: Scheduler, width: number, name: string, index: number) {
    this.name = name;
    this.width = width;
    this.scheduler = scheduler;
    const end = <R>(
      Type: new (s: Simulation, name: string, control: string, status: string, path: string) => R,
      kind: string,
      what: string,
    ) => new Type(simulation, `${what} of ${name}`, `${kind}_control_${index}`, `${kind}_status_${index}`, `${kind}_${index}`);
    this.rings = {
      request: end(RingWriter, 'request', 'room for a register access'),
      response: end(RingReader, 'response', 'the answer to a register read'),
      in: end(RingWriter, 'media_in', 'room in the media stream into the endpoint'),
      out: end(RingReader, 'media_out', 'words of the media stream out of the endpoint'),
    };
    this.level = portOf(simulation, 'interrupts');
    this.enable = portOf(simulation, 'interrupt_enable');
    this.bit = index;
    this.mediaIn = { write: bytes => this.rings.in.write(scheduler, bytes) };
    this.mediaOut = { read: bytes => this.readMedia(bytes) };
  }

  /** Writes a register of the firmware port. Posted: resolves when the access is on its way, and accesses stay in order. */
  write(address: number, value: number): Promise<void> {
    return this.rings.request.write(this.scheduler, this.encode(1, address, value));
  }

  /** Reads a register of the firmware port. */
  read(address: number): Promise<number> {
    const sent = this.rings.request.write(this.scheduler, this.encode(0, address, 0));
    const answer = this.reads.then(async () => {
      await sent;
      await this.rings.response.whenAvailable(this.scheduler, 1);
      const [a = 0, b = 0, c = 0, d = 0] = this.rings.response.take(1);
      return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
    });
    this.reads = answer;
    return answer;
  }

  /** Resolves while the interrupt line is high. @throws Error if somebody waits for it already. */
  async interrupt(): Promise<void> {
    if (this.interrupted) throw new Error(`two actors wait for an interrupt of ${this.name}: let one of them finish first`);
    const done = this.scheduler.waiting(`an interrupt of ${this.name}`);
    await new Promise<void>(resolve => {
      setBit(this.enable, this.bit, 1);
      this.interrupted = () => {
        done();
        resolve();
      };
    });
  }

  /** @internal */
  poll(): boolean {
    let woken = false;
    for (const ring of Object.values(this.rings)) woken = ring.poll() || woken;
    if (this.interrupted && bitOf(this.level, this.bit)) {
      setBit(this.enable, this.bit, 0);
      this.interrupted();
      this.interrupted = undefined;
      woken = true;
    }
    return woken;
  }

  /** A packed `FirmwareRequest`: {write, address, data} from the most significant bit down; the address has 19 bits. */
  private encode(write: number, address: number, value: number): Uint8Array {
    const view = new DataView(this.access.buffer);
    view.setUint32(0, value, true);
    view.setUint16(4, address & 0xffff, true);
    view.setUint8(6, (write << 3) | (address >> 16));
    return this.access.slice();
  }

  private async readMedia(bytes: number): Promise<Uint8Array> {
    const { out } = this.rings;
    const words = Math.ceil(bytes / out.wordBytes);
    const all = new Uint8Array(words * out.wordBytes);
    for (let done = 0; done < words; ) {
      await out.whenAvailable(this.scheduler, words - done);
      const count = Math.min(words - done, out.available);
      all.set(out.take(count), done * out.wordBytes);
      done += count;
    }
    return all.subarray(0, bytes);
  }
}
