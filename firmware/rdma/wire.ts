import type { Scheduler } from '../ports.ts';
import type { WirePacket } from './packet.ts';

export interface WireOptions {
  /** Cycles from one end to the other; 100 by default. */
  readonly latency?: number;
  /** Bytes that an end sends in a cycle, headers included; without limit by default. */
  readonly bytesPerCycle?: number;
  /** Packets in each direction that were sent and not yet taken; 1024 by default. */
  readonly capacity?: number;
}

/** One end of a wire. */
export interface WireEnd {
  /** Sends a packet. Resolves at once, or when there is room on the wire; if it is aborted before, the packet is not sent. */
  send(packet: WirePacket, abort?: AbortSignal): Promise<void>;
  /** Takes the next packet, in the order of sending. */
  receive(): Promise<WirePacket>;
  /** The next packet if it has come, without taking it. */
  peek(): WirePacket | undefined;
}

/**
 * A cable between two network cards. Packets arrive in their order and unchanged; who sends waits while too many are on their way, as on a link with credits.
 * None is lost, unless `lose` says so.
 */
export class Wire {
  readonly ends: readonly [WireEnd, WireEnd];
  /** Packets for which this says so are lost; the number is that of the end that sent them. */
  lose: (packet: WirePacket, from: 0 | 1) => boolean = () => false;

  constructor(scheduler: Scheduler, options: WireOptions = {}) {
    const there = new Direction(scheduler, options, packet => this.lose(packet, 0));
    const back = new Direction(scheduler, options, packet => this.lose(packet, 1));
    this.ends = [new End(there, back), new End(back, there)];
  }
}

class End implements WireEnd {
  private readonly out: Direction;
  private readonly in: Direction;

  constructor(out: Direction, into: Direction) {
    this.out = out;
    this.in = into;
  }

  send(packet: WirePacket, abort?: AbortSignal): Promise<void> {
    return this.out.send(packet, abort);
  }

  receive(): Promise<WirePacket> {
    return this.in.receive();
  }

  peek(): WirePacket | undefined {
    return this.in.peek();
  }
}

class Direction {
  private readonly scheduler: Scheduler;
  private readonly latency: number;
  private readonly bytesPerCycle: number;
  private readonly capacity: number;
  private readonly lost: (packet: WirePacket) => boolean;
  private readonly flying: { readonly at: number; readonly packet: WirePacket }[] = [];
  private readonly arrived: WirePacket[] = [];
  private readonly readers: ((packet: WirePacket) => void)[] = [];
  private readonly writers: (() => void)[] = [];
  /** When the line is free again. */
  private free = 0;
  private delivering = false;

  constructor(scheduler: Scheduler, options: WireOptions, lost: (packet: WirePacket) => boolean) {
    this.scheduler = scheduler;
    this.latency = options.latency ?? 100;
    this.bytesPerCycle = options.bytesPerCycle ?? Number.POSITIVE_INFINITY;
    this.capacity = options.capacity ?? 1024;
    this.lost = lost;
  }

  async send(packet: WirePacket, abort?: AbortSignal): Promise<void> {
    while (this.flying.length + this.arrived.length >= this.capacity) {
      if (abort?.aborted) return;
      await this.room(abort);
    }
    const bytes = packet.headers.length + packet.payload.length;
    this.free = Math.max(this.free, this.scheduler.now) + bytes / this.bytesPerCycle;
    if (this.lost(packet)) return;
    this.flying.push({ at: this.free + this.latency, packet });
    if (this.delivering) return;
    this.delivering = true;
    this.scheduler.spawn('wire', () => this.deliver());
  }

  async receive(): Promise<WirePacket> {
    const packet = this.arrived.shift();
    if (!packet) return new Promise(resolve => this.readers.push(resolve));
    this.writers.shift()?.();
    return packet;
  }

  peek(): WirePacket | undefined {
    return this.arrived[0];
  }

  /** Resolves when there may be room, or it is aborted. */
  private room(abort: AbortSignal | undefined): Promise<void> {
    return new Promise(resolve => {
      const wake = () => {
        abort?.removeEventListener('abort', aborted);
        resolve();
      };
      const aborted = () => {
        this.writers.splice(this.writers.indexOf(wake), 1);
        resolve();
      };
      this.writers.push(wake);
      abort?.addEventListener('abort', aborted, { once: true });
    });
  }

  private async deliver(): Promise<void> {
    for (let [next] = this.flying; next; [next] = this.flying) {
      if (next.at > this.scheduler.now) await this.scheduler.delay(next.at - this.scheduler.now);
      this.flying.shift();
      const reader = this.readers.shift();
      if (reader) {
        reader(next.packet);
        this.writers.shift()?.();
      } else this.arrived.push(next.packet);
    }
    this.delivering = false;
  }
}
