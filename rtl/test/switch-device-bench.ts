/** The switch under test with a link partner at every port, that keeps credits as the specification has it; configured as software would. */
import { expect } from 'vitest';
import { type Engine, simulate, type TypedSimulation } from '../../hdl/src/engine/simulate.ts';
import type { Stream } from '../../hdl/src/index.ts';
import { Random } from '../../hdl/test/random.ts';
import { at } from '../src/at.ts';
import { type FcClassName, FcKind, type FcUpdate, fcClasses } from '../src/link/fc-update.ts';
import { Switch, type SwitchParams } from '../src/switch/switch.ts';
import { completionOf, configRead, configWrite, type Packet, type PacketHeader } from '../src/tlp/packet.ts';
import type { TlpBeatType } from '../src/tlp/tlp.ts';
import {
  type Actor,
  CreditObserver,
  classOf,
  dataCreditsOf,
  FcSink,
  FcSource,
  type Rate,
  run,
  type Sim,
  Sink,
  Source,
} from './link-bench.ts';

export interface Given {
  readonly headers: number;
  readonly data: number;
}
/** What a partner advertises, by class; 0 is infinite. */
export type PartnerCredits = { readonly [K in FcClassName]: Given };

/** Room for all that tests send at once. */
export const wide: PartnerCredits = {
  posted: { headers: 64, data: 512 },
  non_posted: { headers: 64, data: 64 },
  completion: { headers: 0, data: 0 },
};
/** The least that there may be (C70b). */
export const least = (payload: number): PartnerCredits => ({
  posted: { headers: 1, data: payload / 16 },
  non_posted: { headers: 1, data: 2 },
  completion: { headers: 1, data: payload / 16 },
});

/** A source of TLPs that sends what it has credits for; posted ones pass others, nothing passes posted ones. */
class CreditSource extends Source {
  observer = new CreditObserver();
  ready = false;
  /** Not within a packet, and a packet may begin. */
  private between = true;
  private may = false;

  private affordable(packet: Packet): boolean {
    const left = this.observer.left(classOf(packet));
    return left !== undefined && left.headers >= 1 && left.data >= dataCreditsOf(packet);
  }
  /** Brings the packet to the front that may go. */
  private choose(): boolean {
    if (!this.ready) return false;
    const seen = new Set<FcClassName>();
    for (const [i, packet] of this.queue.entries()) {
      const kind = classOf(packet);
      if (seen.has('posted') && kind !== 'posted') continue;
      if (!seen.has(kind) && this.affordable(packet)) {
        this.queue.splice(i, 1);
        this.queue.unshift(packet);
        return true;
      }
      seen.add(kind);
      if (i > 40) break;
    }
    return false;
  }
  protected override allowed(): boolean {
    return this.may;
  }
  override drive(cycle: number): void {
    if (this.between && !this.offered) this.may = this.choose();
    super.drive(cycle);
  }
  override sample(cycle: number): void {
    const before = this.queue.length;
    const begun = this.times.length;
    super.sample(cycle);
    if (this.times.length > begun) this.between = false;
    if (this.queue.length < before) this.between = true;
  }
}

/** The streams of a link as its upper end, or its lower one, has them. */
export interface LinkStreams {
  readonly rx: Stream<TlpBeatType>;
  readonly rx_fc: Stream<typeof FcUpdate>;
  readonly tx: Stream<TlpBeatType>;
  readonly tx_fc: Stream<typeof FcUpdate>;
}

/** The other end of a link of the switch. */
export class Partner implements Actor {
  source: CreditSource;
  sink: Sink;
  /** The link is there: it sends, and looks at what comes. */
  online = true;
  /** What it advertises when the link comes up. */
  credits: PartnerCredits;
  /** Classes whose credits it does not give back. */
  readonly holds = new Set<FcClassName>();
  /** Is told of each packet that leaves the switch, with the cycle of its first beat. */
  onPacket: (packet: Packet) => void = () => {};
  /** Is told of each packet that begins to enter the switch. */
  onStart: (packet: Packet, cycle: number) => void = () => {};
  private readonly make: () => { source: CreditSource; sink: Sink; fcIn: FcSink; fcOut: FcSource };
  private readonly idle: () => void;
  private fcIn: FcSink;
  private fcOut: FcSource;
  private given = new CreditObserver();
  private phase = 0;
  private turn = 0;
  private heard = new Set<number>();
  private confirmed = false;
  private totals = new Map<FcClassName, { headers: number; data: number }>();
  private owed: PacketHeader[] = [];

  constructor(
    sim: Sim,
    streams: LinkStreams,
    options: { random: Random; credits: PartnerCredits; sourceRate: Rate; sinkRate: Rate; fcRate: Rate },
  ) {
    this.credits = options.credits;
    this.idle = () => {
      for (const signal of [streams.rx.valid, streams.rx_fc.valid]) sim.port(signal).words[0] = 0;
      sim.port(streams.tx.ready).words[0] = 0;
    };
    this.make = () => {
      const { random } = options;
      const source = new CreditSource(sim, streams.rx, random, options.sourceRate);
      const sink = new Sink(sim, streams.tx, random, options.sinkRate);
      source.onStart = packet => {
        this.source.observer.sends(packet);
        this.onStart(packet, sim.cycle);
      };
      sink.onOffer = header => this.given.sends(header);
      sink.onPacket = packet => {
        this.owed.push(packet);
        this.onPacket(packet);
      };
      return {
        source,
        sink,
        fcIn: new FcSink(sim, streams.tx_fc, random, options.fcRate),
        fcOut: new FcSource(sim, streams.rx_fc),
      };
    };
    const { source, sink, fcIn, fcOut } = this.make();
    this.source = source;
    this.sink = sink;
    this.fcIn = fcIn;
    this.fcOut = fcOut;
    this.begin();
  }

  /** The link begins anew. */
  begin(): void {
    Object.assign(this, this.make());
    this.online = true;
    this.fcIn.onPacket = fc => {
      this.source.observer.sees(fc);
      if (fc.kind !== FcKind.update) this.heard.add(fc.traffic);
      if (fc.kind !== FcKind.init1) this.confirmed = true;
    };
    this.source.observer = new CreditObserver();
    this.source.ready = false;
    this.given = new CreditObserver();
    this.phase = 0;
    this.turn = 0;
    this.heard = new Set();
    this.confirmed = false;
    this.totals = new Map(fcClasses.map(name => [name, { ...this.credits[name] }]));
    this.owed = [];
  }

  drive(cycle: number): void {
    if (!this.online) {
      this.idle();
      return;
    }
    this.exchange();
    this.source.drive(cycle);
    this.sink.drive(cycle);
    this.fcIn.drive(cycle);
    this.fcOut.drive();
  }

  sample(cycle: number): void {
    if (!this.online) return;
    const fc = this.fcOut.queue[0];
    this.fcOut.sample(cycle);
    if (fc && this.fcOut.queue[0] !== fc) this.given.sees(fc);
    this.fcIn.sample(cycle);
    this.source.sample(cycle);
    this.sink.sample(cycle);
  }

  private exchange(): void {
    const { queue } = this.fcOut;
    if (queue.length > 0) return;
    if (this.phase < 2) {
      const kind = this.phase === 0 ? FcKind.init1 : FcKind.init2;
      queue.push({ kind, traffic: this.turn, ...this.credits[at(fcClasses, this.turn)] });
      this.turn = (this.turn + 1) % 3;
      if (this.turn > 0) return;
      if (this.phase === 0 && this.heard.size === 3) this.phase = 1;
      else if (this.phase === 1 && this.confirmed) {
        this.phase = 2;
        this.source.ready = true;
      }
      return;
    }
    const i = this.owed.findIndex(header => !this.holds.has(classOf(header)));
    const header = this.owed[i];
    if (!header) return;
    this.owed.splice(i, 1);
    const name = classOf(header);
    const total = this.totals.get(name);
    const { headers, data } = this.credits[name];
    if (!total || headers === 0) return;
    total.headers++;
    if (data > 0) total.data += dataCreditsOf(header);
    queue.push({
      kind: FcKind.update,
      traffic: fcClasses.indexOf(name),
      headers: total.headers & 0xff,
      data: total.data & 0xfff,
    });
  }
}

const MiB = 0x10_0000n;
/** Requester ID of the root complex, and the bus of the link above the switch. */
export const rootId = 0x0008;
export const linkBus = 1;

/** A port as software configures it; limits are last bytes. */
export interface PlannedPort {
  primary: number;
  secondary: number;
  subordinate: number;
  io: readonly [bigint, bigint];
  memory: readonly [bigint, bigint];
  prefetch: readonly [bigint, bigint];
  /** Command register. */
  command: number;
}

/** Downstream port j: bus 4 + 3 j and the two after it; windows of 1 MiB each, with holes between. */
export function plan(ports: number): PlannedPort[] {
  const range = (base: bigint, bytes: bigint) => [base, base + bytes - 1n] as const;
  const below = Array.from({ length: ports }, (_, j) => ({
    primary: 2,
    secondary: 4 + 3 * j,
    subordinate: 6 + 3 * j,
    io: range(0x4000n + 0x2000n * BigInt(j), 0x1000n),
    memory: range(0x8000_0000n + 2n * MiB * BigInt(j), MiB),
    prefetch: range(0x40_0000_0000n + 2n * MiB * BigInt(j), MiB),
    command: 7,
  }));
  const size = BigInt(ports);
  const upstream = {
    primary: linkBus,
    secondary: 2,
    subordinate: 4 + 3 * ports,
    io: range(0x4000n, 0x2000n * size),
    memory: range(0x8000_0000n, 2n * MiB * size),
    prefetch: range(0x40_0000_0000n, 2n * MiB * size),
    command: 7,
  };
  return [upstream, ...below];
}

/** Designs by their parameters, with their state after reset: to build one takes longer than to test it. */
const built = new Map<string, { readonly sim: TypedSimulation<Switch>; readonly state: Uint8Array }>();

function freshSwitch(params: SwitchParams, engine: Engine | undefined): TypedSimulation<Switch> {
  if (engine) return simulate(() => new Switch(params), { engine });
  const key = JSON.stringify(params);
  const known = built.get(key);
  if (known) {
    known.sim.restore(known.state);
    return known.sim;
  }
  const sim = simulate(() => new Switch(params));
  built.set(key, { sim, state: sim.save() });
  return sim;
}

export interface PartnerOptions {
  readonly seed?: number;
  readonly sourceRate?: Rate;
  readonly sinkRate?: Rate;
  readonly partnerCredits?: PartnerCredits;
  /** How likely partners take flow control updates in a cycle. */
  readonly fcRate?: Rate;
}

export interface BenchOptions extends Partial<SwitchParams>, PartnerOptions {
  readonly ports: number;
  readonly engine?: Engine;
}

/** Partners at the links of a design, and what is said to them. */
export class LinkBench {
  readonly sim: Sim;
  /** What a packet for a partner is to bear; index 0 is above the design. */
  ports: PlannedPort[] = [];
  readonly partners: readonly Partner[];
  readonly random: Random;

  constructor(sim: Sim, links: readonly LinkStreams[], options: PartnerOptions) {
    const { seed = 1, sourceRate = 1, sinkRate = 1, fcRate = 1, partnerCredits = wide } = options;
    this.sim = sim;
    this.random = new Random(seed);
    const given = { random: this.random, credits: partnerCredits, sourceRate, sinkRate, fcRate };
    this.partners = links.map(streams => new Partner(sim, streams, given));
  }

  run(cycles: number, done?: () => boolean): number {
    return run(this.sim, this.partners, cycles, done);
  }

  partner(port: number): Partner {
    return at(this.partners, port);
  }

  /** Packets that have left by a port, taken away. */
  taken(port: number): Packet[] {
    return this.partner(port).sink.received.splice(0);
  }

  /** Sends packets into a port and runs until they are in and the design is quiet. */
  send(port: number, ...packets: Packet[]): void {
    this.partner(port).source.queue.push(...packets);
    this.settle();
  }

  /** Runs until nothing has moved for a while. */
  settle(limit = 50_000): void {
    let quiet = 0;
    let last = '';
    const ran = this.run(limit, () => {
      const online = this.partners.filter(p => p.online);
      const now = online.map(p => `${p.source.queue.length} ${p.sink.beats} ${p.source.times.length}`).join();
      quiet = now === last && online.every(p => p.source.queue.length === 0) ? quiet + 1 : 0;
      last = now;
      return quiet > 60;
    });
    expect(ran, 'the design comes to rest').toBeLessThan(limit);
  }

  /** One configuration request from above, and its completion. */
  access(packet: Packet): Packet {
    const { source, sink } = this.partner(0);
    const mine = (p: Packet) => p.type === 0b01010 && p.tag === packet.tag && p.requester_id === packet.requester_id;
    source.queue.push(packet);
    const ran = this.run(2000, () => sink.received.some(mine));
    expect(ran, 'a configuration request is answered').toBeLessThan(2000);
    const index = sink.received.findIndex(mine);
    const [answer] = sink.received.splice(index, 1);
    if (!answer) throw new Error('no answer');
    const { status, completer_id } = completionOf(answer);
    if (status !== 0) throw new Error(`status ${status} from ${completer_id.toString(16)} to a configuration request`);
    return answer;
  }

  /** Writes a bridge's registers; `access` says how its registers are written. */
  protected open(p: PlannedPort, payload: number, write: (offset: number, data: number, mask?: number) => void): void {
    const low = (x: bigint) => Number((x >> 16n) & 0xfff0n);
    const window = ([base, limit]: readonly [bigint, bigint]) => ((low(limit) << 16) | low(base)) >>> 0;
    const io = (x: bigint) => Number((x >> 8n) & 0xf0n);
    const upper = (x: bigint) => Number(x >> 16n);
    write(0x18, (p.subordinate << 16) | (p.secondary << 8) | p.primary);
    write(0x1c, (io(p.io[1]) << 8) | io(p.io[0]));
    write(0x20, window(p.memory));
    write(0x24, window(p.prefetch));
    write(0x28, Number(p.prefetch[0] >> 32n));
    write(0x2c, Number(p.prefetch[1] >> 32n));
    write(0x30, ((upper(p.io[1]) << 16) | upper(p.io[0])) >>> 0);
    write(0x58, Math.log2(payload / 128) << 5, 1);
    write(0x04, p.command);
  }
}

export class DeviceBench extends LinkBench implements Disposable {
  declare readonly sim: TypedSimulation<Switch>;
  private readonly maxPayload: number;
  private tag = 0;

  constructor(options: BenchOptions) {
    const { ports, seed: _, sourceRate: __, sinkRate: ___, partnerCredits: ____, fcRate: _____, engine, ...params } = options;
    const sim = freshSwitch({ width: 256, vendor_id: 0x1d1d, device_id: 0x5100, ports, ...params }, engine);
    const { dut } = sim;
    const above = { rx: dut.upstream_rx, rx_fc: dut.upstream_rx_fc, tx: dut.upstream_tx, tx_fc: dut.upstream_tx_fc };
    const below = dut.downstream_rx.map((rx, j) => ({
      rx,
      rx_fc: at(dut.downstream_rx_fc, j),
      tx: at(dut.downstream_tx, j),
      tx_fc: at(dut.downstream_tx_fc, j),
    }));
    super(sim, [above, ...below], options);
    this.maxPayload = options.max_payload ?? 512;
    for (const up of dut.link_up) sim.port(up).words[0] = 1;
    this.ports = plan(ports);
  }

  /** Takes the link below a port away, or brings it back with a partner that knows nothing. */
  link(port: number, up: boolean): void {
    this.sim.port(at(this.sim.dut.link_up, port - 1)).words[0] = up ? 1 : 0;
    if (up) this.partner(port).begin();
    else this.partner(port).online = false;
  }

  /** What partners do whose links are in hot reset, or no more. */
  reset(ports: readonly number[], active: boolean): void {
    for (const port of ports) {
      if (active) this.partner(port).online = false;
      else this.partner(port).begin();
    }
    this.run(active ? 5 : 60);
  }

  /** Writes every bridge as `ports` says. */
  configure(): void {
    this.ports.forEach((p, port) => {
      this.open(p, this.maxPayload, (offset, data, mask) => this.write(port, offset, data, mask));
    });
  }

  /** Completer ID of a port. */
  id(port: number): number {
    return port === 0 ? linkBus << 8 : (2 << 8) | ((port - 1) << 3);
  }

  read(port: number, offset: number): number {
    const { payload } = this.access(configRead({ ...this.target(port), register: offset / 4 }));
    return new DataView(payload.buffer, payload.byteOffset, 4).getUint32(0, true);
  }
  write(port: number, offset: number, data: number, mask = 0xf): void {
    this.access(configWrite({ ...this.target(port), register: offset / 4, data, mask }));
  }
  /** Sets and clears bits of a register. */
  change(port: number, offset: number, set: number, clear = 0): void {
    this.write(port, offset, ((this.read(port, offset) & ~clear) | set) >>> 0);
  }

  private target(port: number) {
    const id = this.id(port);
    const kind = port === 0 ? (0 as const) : (1 as const);
    this.tag = (this.tag + 1) % 256;
    return { requester_id: rootId, tag: this.tag, kind, bus: id >> 8, device: (id >> 3) & 31, function: 0 };
  }

  /** The design stays for the next bench. */
  [Symbol.dispose](): void {}
}
