import { configWrite, type PacketHeader, packetName, unpackHeader } from '@hdl/pcie-rtl';
import { type Engine, type Simulation, SimulationError, simulate } from '@hdl/ts-hdl';
import { Random } from '../soak/random.ts';
import { softwareTag } from './agent.ts';
import { faults } from './control.ts';
import { FabricSoakHarness, type FabricSoakParams } from './harness.ts';
import { type Bridge, bridgeRegisters, bridgesOf, neighboursOf, type RegisterWrite } from './plan.ts';

/** What went wrong, and when. */
export class SoakFailure extends Error {
  override readonly name = 'SoakFailure';
  readonly cycle: number;

  constructor(message: string, cycle: number) {
    super(message);
    this.cycle = cycle;
  }
}

/** Fields of `AgentControl` by the ends of their ports' names. */
export type Settings = { readonly [field: string]: number };

/** TLPs of all agents by class. */
export interface Totals {
  readonly posted: number;
  readonly requests: number;
  readonly completions: number;
  readonly all: number;
}

/** Cycles between two looks where something is waited for. */
const glance = 4;

/** A simulated fabric of the soak as software has it: settings, configuration requests, time, results. */
export class FabricBench implements Disposable {
  readonly params: FabricSoakParams;
  readonly bridges: readonly Bridge[];
  private readonly near: readonly number[];
  private simulation: Simulation;
  private readonly engine: Engine;
  /** A waveform that is wanted: from which cycle on, and where. */
  private recording: { readonly from: number; readonly path: string } | undefined;
  private start = 0;
  private requests = 0;

  constructor(params: FabricSoakParams, engine: Engine) {
    this.params = params;
    this.engine = engine;
    this.bridges = bridgesOf(params.topology);
    this.near = neighboursOf(params.topology);
    this.simulation = this.build();
  }

  private build(trace?: string): Simulation {
    const engine: Engine = (design, options) => this.engine(design, { ...options, memories: [] });
    return simulate(() => new FabricSoakHarness(this.params), { engine, ...(trace !== undefined && { trace }) }).engine;
  }

  /** Agents: the root and the leaves. */
  get agents(): number {
    return this.params.topology.endpoints.length + 1;
  }
  /** The agents on the same switch, a bit each. */
  neighbours(agent: number): number {
    return this.near[agent] ?? 0;
  }
  /** Cycles since `restart`. */
  get cycle(): number {
    return this.simulation.cycle - this.start;
  }
  /** Cycles of the simulation. */
  get cycles(): number {
    return this.simulation.cycle;
  }

  /** From `cycle` of the epoch on, a waveform is written to `path`; the engine has to be one that saves states. */
  record(cycle: number, path: string): void {
    this.recording = { from: cycle, path };
  }

  private words(name: string): Uint32Array {
    const port = this.simulation.ports.get(name);
    if (!port) throw new RangeError(`the fabric has no port '${name}'`);
    return port.words;
  }
  private drive(name: string, value: number | bigint): void {
    const words = this.words(name);
    let rest = BigInt(value);
    for (let i = 0; i < words.length; i++, rest >>= 32n) words[i] = Number(rest & 0xffff_ffffn);
  }
  private look(name: string): number {
    return this.words(name)[0] ?? 0;
  }

  /** Settings of one agent. */
  set(agent: number, settings: Settings): void {
    for (const [field, value] of Object.entries(settings)) this.drive(`control_${agent}_${field}`, value >>> 0);
  }
  /** Settings of all agents. */
  setAll(settings: Settings): void {
    for (let agent = 0; agent < this.agents; agent++) this.set(agent, settings);
  }

  /** Begins an epoch: everything is reset, and the random numbers follow from `seed`. With `brief`, most TLPs are short. */
  restart(seed: number, brief = false): void {
    this.drive('rst', 1);
    this.simulation.step(4);
    this.drive('rst', 0);
    this.start = this.simulation.cycle;
    this.requests = 0;
    this.setAll({
      // Contents of neighbouring seeds of the hardware are the same ones, moved on.
      seed: (new Random(seed).next() >>> 1) + (brief ? 2 ** 31 : 0),
      load: 1,
      send_posted: 0,
      send_requests: 0,
      suspects: 0,
      forget: 0,
      blocked: 0,
      free: 1,
      other_way: 0,
      patience: 255,
    });
    this.step(64);
    this.setAll({ load: 0 });
  }

  /** Some cycles pass. @throws SoakFailure as soon as something is found wrong. */
  step(cycles: number): void {
    const { recording } = this;
    if (recording && this.cycle + cycles > recording.from) {
      this.pass(Math.max(0, recording.from - this.cycle));
      this.recording = undefined;
      const cyclesLeft = cycles - Math.max(0, recording.from - this.cycle);
      const state = this.simulation.save();
      this.simulation[Symbol.dispose]();
      this.simulation = this.build(recording.path);
      this.simulation.restore(state);
      this.pass(cyclesLeft);
    } else this.pass(cycles);
  }

  private pass(cycles: number): void {
    try {
      this.simulation.run(cycles);
    } catch (error) {
      if (!(error instanceof SimulationError)) throw error;
      throw new SoakFailure(error.message, this.cycle);
    }
    if (this.look('attention') !== 0) throw new SoakFailure(this.told(), this.cycle);
  }

  /** What agents and links have found. */
  private told(): string {
    const found: string[] = [];
    for (let agent = 0; agent < this.agents; agent++) {
      const code = this.look(`fault_${agent}_code`);
      if (code === 0) continue;
      const [came, expected] = [this.header(agent, 'header'), this.header(agent, 'expected')];
      found.push(
        `${this.nameOf(agent)}: ${faults[code] ?? code}\n    here: ${this.describe(came)}\n    due:  ${this.describe(expected)}`,
      );
    }
    const links = this.links('broken');
    if (links.length > 0) found.push(`a TLP without credits, or within another, on ${links.join(', ')}`);
    return found.join('\n  ');
  }

  private header(agent: number, which: string): PacketHeader {
    const field = (name: string) => {
      const words = this.words(`fault_${agent}_${which}_${name}`);
      return words.reduceRight((high, word) => (high << 32n) | BigInt(word), 0n);
    };
    const template = unpackHeader(0n);
    const fields = Object.keys(template).map(name => [name, name === 'address' ? field(name) : Number(field(name))]);
    return Object.fromEntries(fields) as PacketHeader;
  }

  private describe(h: PacketHeader): string {
    const id = h.requester_id;
    const from = this.nameOf(id >>> 11);
    const details = `from ${from}, tag ${h.tag}, length ${h.length}, address 0x${h.address.toString(16)}, attr ${h.attr}, tc ${h.tc}`;
    return `${packetName(h)} ${details}`;
  }

  /** Name of an agent. */
  nameOf(agent: number): string {
    const { roots, endpoints } = this.params.topology;
    return agent === 0 ? (roots[0]?.name ?? 'root') : (endpoints[agent - 1]?.name ?? `agent ${agent}, which does not exist`);
  }

  /** Names of links whose bit is 1, or 0. */
  private links(port: 'full' | 'broken', value = 1): string[] {
    const { links } = this.params.topology;
    const words = this.words(port);
    return links.filter((_, i) => (((words[i >>> 5] ?? 0) >>> (i & 31)) & 1) === value);
  }

  /** Writes a register of a bridge by a configuration request from the root. @throws SoakFailure if that is not answered well. */
  write(bridge: Bridge, [offset, data, mask = 0xf]: RegisterWrite): void {
    const place = { bus: bridge.bus, device: bridge.device, function: 0, register: offset / 4 };
    const kind = bridge.bus === 1 ? (0 as const) : (1 as const);
    const { payload: _, digest: __, ...header } = configWrite({ requester_id: 0, tag: softwareTag, kind, ...place, data, mask });
    for (const [name, value] of Object.entries(header)) this.drive(`software_header_${name}`, value as number | bigint);
    this.drive('software_data', data >>> 0);
    for (const name of ['first', 'last', 'valid']) this.drive(`software_${name}`, 1);
    this.simulation.settle();
    for (let waited = 0; this.look('software_ready') === 0; waited++) {
      if (waited > 100_000) throw new SoakFailure('a configuration request does not leave the root', this.cycle);
      this.step(1);
    }
    this.step(1);
    this.drive('software_valid', 0);
    this.requests++;
    for (let waited = 0; this.look('answered_count') !== this.requests; waited++) {
      if (waited > 10_000) throw new SoakFailure('a configuration request is not answered', this.cycle);
      this.step(glance);
    }
    const status = this.look('answered_status');
    if (status !== 0)
      throw new SoakFailure(`status ${status} of a configuration request to bus ${bridge.bus}, offset ${offset}`, this.cycle);
  }

  /** Configures all bridges; `acs` is what stands in the control register of access control of each downstream port. */
  configure(acs: (bridge: Bridge) => number): void {
    for (const bridge of this.bridges) {
      for (const write of bridgeRegisters(bridge, this.params.max_payload)) this.write(bridge, write);
      if (bridge.below !== undefined) this.write(bridge, [0x154, acs(bridge) << 16, 0b1100]);
    }
  }

  /** TLPs that all agents have sent in this epoch. */
  get totals(): Totals {
    const sums = [0, 0, 0];
    for (let agent = 0; agent < this.agents; agent++)
      for (let i = 0; i < 3; i++) sums[i] = (sums[i] ?? 0) + this.look(`sent_${agent}_${i}`);
    const [posted = 0, requests = 0, completions = 0] = sums;
    return { posted, requests, completions, all: posted + requests + completions };
  }

  /** Nothing is sent any more, and nothing is held up: waits until all credits are back, and all is answered. @throws SoakFailure if that does not happen. */
  drain(answered = true): void {
    this.setAll({ send_posted: 0, send_requests: 0, free: 1, blocked: 0 });
    const everybody = 2 ** this.agents - 1;
    for (let waited = 0; ; waited++) {
      this.step(64);
      const idle = answered ? this.look('idle') : everybody;
      const waiting = this.links('full', 0);
      if (idle === everybody && waiting.length === 0) return;
      if (waited < 2000) continue;
      const busy = Array.from({ length: this.agents }, (_, i) => i).filter(i => ((idle >>> i) & 1) === 0);
      const agents = busy.map(i => this.nameOf(i)).join(', ') || 'nobody';
      const links = waiting.join(', ') || 'no link';
      throw new SoakFailure(`it does not come to rest: ${agents} waits; credits are missing on ${links}`, this.cycle);
    }
  }

  /** Compares what was sent with what came, for each pair of agents; at rest. @throws SoakFailure where they differ. */
  compare(): void {
    const read = (agent: number, field: string) => this.look(`tally_${agent}_${field}`);
    for (let look = 0; look < 2 * this.agents; look++) {
      // All agents tell of the agent `other`; then of what it did, each is asked for in turn.
      const other = look >> 1;
      this.setAll({ look });
      this.simulation.settle();
      const sent = Array.from({ length: this.agents }, (_, i) => [read(i, 'posted_sent'), read(i, 'requests_sent')] as const);
      const done = Array.from({ length: this.agents }, (_, i) => read(i, 'requests_done'));
      for (let agent = 0; agent < this.agents; agent++) {
        this.set(other, { look: 2 * agent + (look & 1) });
        this.simulation.settle();
        const way = `from ${this.nameOf(agent)} to ${this.nameOf(other)}`;
        const say = (what: string, gone: number, came: number) => {
          if (gone !== came) throw new SoakFailure(`${gone} ${what} went ${way}, and ${came} came`, this.cycle);
        };
        say('posted TLPs', sent[agent]?.[0] ?? 0, read(other, 'posted_received'));
        say('requests', sent[agent]?.[1] ?? 0, read(other, 'requests_received'));
        say('requests, of which some were answered,', sent[agent]?.[1] ?? 0, done[agent] ?? 0);
      }
    }
  }

  [Symbol.dispose](): void {
    this.simulation[Symbol.dispose]();
  }
}
