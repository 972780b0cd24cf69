import { type Engine, type MemoryView, type Simulation, simulate } from '@hdl/ts-hdl';
import { deviceParams } from './device.ts';
import { FirmwarePort } from './firmware.ts';
import { SoakHarness, type StallName, stalls } from './harness.ts';
import { PatientBench } from './patience.ts';
import { type RingPorts, TlpReader, TlpWriter } from './rings.ts';
import { classOf, type Tlp } from './tlp.ts';

/** Cycles between two looks at what came. */
const chunk = 64;

export interface Listener {
  /** The endpoint sent a TLP. */
  seen(t: Tlp): void;
  /** Some cycles have passed. @returns what was done then. */
  passed(): number;
}

/** Ports of a ring of the harness. */
const ringPorts = (name: string): RingPorts => [`${name}_pointer`, `${name}_status`];

/** A simulated endpoint with its link: TLPs in, TLPs out, in pieces of many cycles. */
export class Bench extends PatientBench implements Disposable {
  private readonly simulation: Simulation;
  private readonly writers: readonly [TlpWriter, TlpWriter, TlpWriter];
  readonly firmware: FirmwarePort;
  private readonly reader: TlpReader;
  private readonly columns: readonly Uint8Array[];
  private readonly mailboxes: readonly Uint8Array[];
  private readonly stride: number;
  private readonly listener: Listener;
  /** Posted TLPs so far. */
  private posted = 0;
  /** TLPs of the endpoint that the listener has not heard of. */
  private held: Tlp[] | undefined;

  /** `more`: memories beside its own that the caller reaches by `view`. */
  constructor(width: number, engine: Engine, listener: Listener, more: readonly string[] = []) {
    super('endpoint', chunk);
    this.listener = listener;
    const lanes = Array.from({ length: width / 32 }, (_, i) => `endpoint.layer.memory.column_${i}.words`);
    const mailboxes = [0, 2].map(f => `endpoint.registers_${f}.mailbox.words`);
    const rings = ['source_posted', 'source_non_posted', 'source_completion', 'source_request', 'sink_seen', 'sink_response'];
    const memories = [...lanes, ...mailboxes, ...rings.map(name => `${name}.ring`), ...more];
    const withMemories: Engine = (design, options) => engine(design, { ...options, memories });
    this.simulation = simulate(() => new SoakHarness(deviceParams(width)), { engine: withMemories }).engine;
    const { simulation } = this;
    const writer = (name: string) => new TlpWriter(simulation, `source_${name}`, ringPorts(name), width);
    this.writers = [writer('posted'), writer('non_posted'), writer('completion')];
    this.reader = new TlpReader(simulation, 'sink_seen', ringPorts('seen'), width);
    this.firmware = new FirmwarePort(simulation);
    const views = lanes.map(lane => simulation.memory(lane));
    this.columns = views.map(({ bytes }) => bytes);
    this.mailboxes = mailboxes.map(name => simulation.memory(name).bytes);
    this.stride = views[0]?.stride ?? 4;
  }

  override get cycle(): number {
    return this.simulation.cycle;
  }

  /** A memory of the harness by its path. */
  view(path: string): MemoryView {
    return this.simulation.memory(path);
  }

  /** Keeps what the endpoint sends from the listener, who hears of it in `release`, and of no cycles in between. */
  hold(): void {
    this.held = [];
  }
  /** What is kept. */
  get kept(): readonly Tlp[] {
    return this.held ?? [];
  }
  release(): void {
    const { held = [] } = this;
    this.held = undefined;
    for (const t of held) this.listener.seen(t);
  }

  /** Drives an input of the harness. */
  drive(name: string, value: number): void {
    const port = this.simulation.ports.get(name);
    if (!port) throw new RangeError(`the harness has no port '${name}'`);
    port.words[0] = value >>> 0;
    if (port.words.length > 1) port.words[1] = Math.floor(value / 2 ** 32);
  }
  look(name: string): number {
    return this.simulation.ports.get(name)?.words[0] ?? 0;
  }
  stall(name: StallName, closed: number, burst: number): void {
    const i = stalls.indexOf(name);
    this.drive(`stall_${i}_closed`, closed);
    this.drive(`stall_${i}_burst`, burst);
  }

  /** Begins anew: everything reset, the memory zero. */
  restart(): void {
    this.drive('rst', 1);
    for (const name of ['beyond_0', 'beyond_1', 'lose_limits', 'hold_limits', 'free']) this.drive(name, 0);
    for (const ring of [...this.writers, this.reader, this.firmware]) ring.reset();
    this.simulation.step(4);
    this.drive('rst', 0);
    for (const bytes of [...this.columns, ...this.mailboxes]) bytes.fill(0);
    this.posted = 0;
    this.moved();
    this.held = undefined;
    // What is sent before the link is up is lost.
    this.simulation.step(16);
  }

  /** The BAR memory as it is. */
  memory(): Uint8Array {
    const lanes = this.columns.length;
    const depth = (this.columns[0]?.length ?? 0) / this.stride;
    const bytes = new Uint8Array(4 * lanes * depth);
    const all = new Uint32Array(bytes.buffer);
    this.columns.forEach((column, lane) => {
      const words = new Uint32Array(column.buffer, column.byteOffset, column.length >> 2);
      for (let i = 0; i < depth; i++) all[i * lanes + lane] = words[(i * this.stride) >> 2] ?? 0;
    });
    return bytes;
  }

  /** Sends a TLP if there is room for it. */
  offer(t: Tlp): boolean {
    const writer = this.writers[classOf(t)];
    if (writer.waiting + writer.beats(t) > writer.depth) return false;
    this.send(t);
    return true;
  }

  /** Sends a TLP; if there is no room, time passes first. */
  send(t: Tlp): void {
    const of = classOf(t);
    const writer = this.writers[of];
    const beats = writer.beats(t);
    while (writer.waiting + beats > writer.depth) this.advance();
    writer.put(t, this.posted & 0xffff);
    if (of === 0) this.posted++;
  }

  /** Beats of non-posted TLPs that the host has not sent yet. */
  get waiting(): number {
    return this.writers[1].waiting;
  }

  protected override step(cycles: number): void {
    this.simulation.step(cycles);
    this.firmware.passed();
  }
  protected override get given(): number {
    return this.writers.reduce((sum, { waiting }) => sum + waiting, 0);
  }
  protected override take(): number {
    const { held } = this;
    const beats = this.reader.drain(t => (held ? held.push(t) : this.listener.seen(t)));
    return beats + (held ? 0 : this.listener.passed());
  }

  /** A hot reset of some cycles, after which the host knows its credits again; then the link has time to come up again. */
  hotReset(cycles: number): void {
    this.drive('hot_reset', 1);
    for (const of of [0, 1]) this.drive(`beyond_${of}`, 0);
    this.simulation.step(cycles);
    this.drive('hot_reset', 0);
    this.silence(512);
  }

  [Symbol.dispose](): void {
    this.simulation[Symbol.dispose]();
  }
}
