import type { MemoryView, PortView, Simulation } from '@hdl/ts-hdl';
import { nothing, type Tlp, tlp } from './tlp.ts';

/** Software's ends of the harness's rings. Words of a beat: data, then the header's 128 bits, then first, last and `after`. */

const view = (simulation: Simulation, name: string): PortView => {
  const port = simulation.ports.get(name);
  if (!port) throw new RangeError(`the harness has no port '${name}'`);
  return port;
};

/** Names of the ports of a ring: with software's pointer, and with the hardware's. */
export type RingPorts = readonly [pointer: string, status: string];

abstract class Ring {
  readonly depth: number;
  protected readonly bytes: Uint8Array;
  protected readonly words: Uint32Array;
  /** 32-bit words from one word of the ring to the next. */
  protected readonly stride: number;
  protected mine = 0;
  private readonly pointer: PortView;
  private readonly status: PortView;

  constructor(simulation: Simulation, memory: string, [pointer, status]: RingPorts) {
    const ring: MemoryView = simulation.memory(`${memory}.ring`);
    this.depth = ring.depth;
    this.bytes = ring.bytes;
    this.words = new Uint32Array(ring.bytes.buffer, ring.bytes.byteOffset, ring.bytes.length >> 2);
    this.stride = ring.stride >> 2;
    this.pointer = view(simulation, pointer);
    this.status = view(simulation, status);
  }

  /** Forgets all, as the hardware does in reset. */
  reset(): void {
    this.mine = 0;
    this.pointer.words[0] = 0;
  }

  protected get theirs(): number {
    return this.status.words[0] ?? 0;
  }
  protected get place(): number {
    return (this.mine & (this.depth - 1)) * this.stride;
  }
  protected advance(): void {
    this.mine = (this.mine + 1) & (2 * this.depth - 1);
  }
  protected publish(): void {
    this.pointer.words[0] = this.mine;
  }
}

/** Software fills it with TLPs. */
export class TlpWriter extends Ring {
  private readonly lanes: number;

  constructor(simulation: Simulation, memory: string, ports: RingPorts, width: number) {
    super(simulation, memory, ports);
    this.lanes = width / 32;
  }

  /** Beats that wait for the hardware. */
  get waiting(): number {
    return (this.mine - this.theirs) & (2 * this.depth - 1);
  }

  beats(t: Tlp): number {
    return Math.max(1, Math.ceil(t.body.length / (4 * this.lanes)));
  }

  /** Puts a TLP in; there has to be room for its beats. */
  put(t: Tlp, after: number): void {
    const { words, bytes, lanes } = this;
    const beats = this.beats(t);
    const third = ((t.requester << 18) | (t.tag << 8) | (t.last_be << 4) | t.first_be) >>> 0;
    const fourth =
      (t.fmt << 28) | (t.type << 23) | (t.tc << 20) | (t.attr << 17) | (t.th << 16) | (t.td << 15) | (t.ep << 14) | (t.at << 12);
    const top = (fourth | (t.length << 2) | (t.requester >>> 14)) >>> 0;
    for (let i = 0; i < beats; i++) {
      const at = this.place;
      const from = 4 * lanes * i;
      const to = Math.min(from + 4 * lanes, t.body.length);
      bytes.set(t.body.subarray(from, to), 4 * at);
      // What lies behind the payload means nothing: something that would be noticed.
      bytes.fill(0xa5, 4 * at + to - from, 4 * (at + lanes));
      words[at + lanes] = t.low;
      words[at + lanes + 1] = t.high;
      words[at + lanes + 2] = third;
      words[at + lanes + 3] = top;
      words[at + lanes + 4] = ((after << 16) | (i === beats - 1 ? 2 : 0) | (i === 0 ? 1 : 0)) >>> 0;
      this.advance();
    }
    this.publish();
  }
}

/** What the endpoint sent. */
export class TlpReader extends Ring {
  private readonly lanes: number;
  /** The TLP under way, and the bytes of it that came. */
  private open: Tlp | undefined;
  private pieces: Uint8Array[] = [];
  /** Copies of the header beside later beats need not be like the first one, as where bits flip: the first one counts. */
  tolerant = false;

  constructor(simulation: Simulation, memory: string, ports: RingPorts, width: number) {
    super(simulation, memory, ports);
    this.lanes = width / 32;
  }

  override reset(): void {
    super.reset();
    this.open = undefined;
    this.pieces = [];
  }

  /** Gives each TLP that is complete to `take`. @throws Error for beats that are no TLP. */
  drain(take: (t: Tlp) => void): number {
    const { theirs, lanes, words } = this;
    let beats = 0;
    for (; this.mine !== theirs; beats++) {
      const at = this.place;
      const flags = words[at + lanes + 4] ?? 0;
      const header = readHeader(words, at + lanes);
      if (flags & 1) {
        if (this.open) throw new Error('a TLP begins before the one before it has ended');
        this.open = header;
      } else if (!this.open) throw new Error('a TLP begins in its middle');
      else if (!this.tolerant && !sameHeader(this.open, header)) throw new Error('the header changes inside a TLP');
      this.pieces.push(this.bytes.slice(4 * at, 4 * (at + lanes)));
      this.advance();
      if (flags & 2) {
        const t = this.open;
        t.body = this.pieces.length === 1 ? (this.pieces[0] ?? nothing) : join(this.pieces);
        this.open = undefined;
        this.pieces = [];
        take(t);
      }
    }
    this.publish();
    return beats;
  }
}

/** Software fills it with accesses of the firmware. */
export class RequestWriter extends Ring {
  get room(): number {
    return this.depth - ((this.mine - this.theirs) & (2 * this.depth - 1));
  }

  put(write: boolean, address: number, data: number): void {
    const at = this.place;
    this.words[at] = data >>> 0;
    this.words[at + 1] = address | (write ? 1 << 19 : 0);
    this.advance();
    this.publish();
  }
}

/** What the firmware's reads were answered. */
export class ResponseReader extends Ring {
  drain(take: (value: number) => void): void {
    for (const { theirs } = this; this.mine !== theirs; this.advance()) take(this.words[this.place] ?? 0);
    this.publish();
  }
}

function readHeader(words: Uint32Array, at: number): Tlp {
  const third = words[at + 2] ?? 0;
  const top = words[at + 3] ?? 0;
  return tlp({
    low: words[at] ?? 0,
    high: words[at + 1] ?? 0,
    first_be: third & 15,
    last_be: (third >> 4) & 15,
    tag: (third >> 8) & 0x3ff,
    requester: ((third >>> 18) | (top << 14)) & 0xffff,
    length: (top >> 2) & 0x3ff,
    at: (top >> 12) & 3,
    ep: (top >> 14) & 1,
    td: (top >> 15) & 1,
    th: (top >> 16) & 1,
    attr: (top >> 17) & 7,
    tc: (top >> 20) & 7,
    type: (top >> 23) & 31,
    fmt: (top >> 28) & 7,
  });
}

const sameHeader = (a: Tlp, b: Tlp): boolean =>
  a.low === b.low &&
  a.high === b.high &&
  a.tag === b.tag &&
  a.requester === b.requester &&
  a.length === b.length &&
  a.type === b.type &&
  a.fmt === b.fmt &&
  a.first_be === b.first_be &&
  a.last_be === b.last_be;

function join(pieces: readonly Uint8Array[]): Uint8Array {
  const [first = nothing] = pieces;
  const all = new Uint8Array(first.length * pieces.length);
  pieces.forEach((piece, i) => {
    all.set(piece, i * first.length);
  });
  return all;
}
