/** What the tests of the receive side share: the blocks joined as in an endpoint, and stream ends that keep the link's order. */
import { expect } from 'vitest';
import { embedded } from '../../hdl/src/engine/embedded.ts';
import { type Engine, simulate, type TypedSimulation } from '../../hdl/src/engine/simulate.ts';
import type { PortView } from '../../hdl/src/engine/simulation.ts';
import {
  clog2,
  connect,
  input,
  Module,
  memory,
  output,
  type Readable,
  reg,
  type Stream,
  select,
  stream,
  uint,
  vec,
  when,
} from '../../hdl/src/index.ts';
import type { Random } from '../../hdl/test/random.ts';
import { at } from '../src/at.ts';
import { ErrorReport } from '../src/config/error-report.ts';
import { functionControls } from '../src/config/function-controls.ts';
import { memoryWrite } from '../src/endpoint/interfaces.ts';
import type { FunctionMap } from '../src/endpoint/receive/address-decoder.ts';
import { BarMemory } from '../src/endpoint/receive/bar-memory.ts';
import { RegisterWrite } from '../src/endpoint/receive/interfaces.ts';
import { ReceiveSide } from '../src/endpoint/receive/receive-side.ts';
import type { Packet, PacketHeader } from '../src/tlp/packet.ts';
import { type TlpBeatType, TlpHeader, tlpBeat } from '../src/tlp/tlp.ts';
import { type Actor, classOf, type Rate, run, type Sim, Sink, Source } from './link-bench.ts';

/** Three functions: registers and memory, memory alone, registers alone. */
export const maps: readonly FunctionMap[] = [
  [
    { to: 'registers', base: 0, bytes: 4096 },
    { to: 'memory', base: 0, bytes: 0x4000 },
  ],
  [{ to: 'memory', base: 0x4000, bytes: 0x2000 }],
  [{ to: 'registers', base: 0, bytes: 0x2000 }],
];
export const memoryBytes = 0x8000;
/** Addresses of the BARs, in the order of `maps`. */
export const bases: readonly (readonly bigint[])[] = [[0xe000_3000n, 0x12_3400_4000n], [0x55_0000_2000n], [0xf000_2000n]];
export const ids = [0x4328, 0x4329, 0x432a];
export const requesterId = 0x0a18;
const registerBits = 13;

/** The receive side with a memory, and plain memories in place of configuration spaces and registers. */
export class ReceiveBench extends Module<{ width: number; ari: boolean; atomics: readonly boolean[] }> {
  readonly posted = input(stream(tlpBeat(this.p.width)));
  readonly non_posted = input(stream(tlpBeat(this.p.width)));
  readonly completion = input(stream(tlpBeat(this.p.width)));
  readonly controls = input(vec(maps.length, functionControls(2)));
  readonly retry = input(uint(maps.length));
  readonly requester = output(stream(tlpBeat(this.p.width)));
  readonly requester_bad = output(uint(1));
  readonly tx = output(stream(tlpBeat(this.p.width)));
  readonly error = output(stream(ErrorReport));
  readonly register_write = output(stream(RegisterWrite));
  /** A window of the memory is written. */
  readonly writes = output(uint(1));
  readonly pme_turn_off = output(uint(1));
  readonly slot_power_valid = output(uint(1));
  readonly slot_power = output(uint(10));
  /** Another writer and reader of the memory. */
  private readonly address_width = clog2(memoryBytes / (this.p.width / 8));
  readonly dma_write = input(stream(memoryWrite(this.p.width, this.address_width)));
  readonly dma_read = input(stream(uint(this.address_width)));
  readonly dma_data = output(stream(uint(this.p.width)));
  private readonly side = new ReceiveSide({
    width: this.p.width,
    address_width: this.address_width,
    maps,
    atomics: this.p.atomics,
    bars: 2,
    ari: this.p.ari,
  });
  private readonly bar_memory = new BarMemory({ width: this.p.width, bytes: memoryBytes, writers: 1, readers: 1 });
  private readonly config_space = memory(uint(32), { depth: 4096, lane: 8 });
  private readonly registers = memory(uint(32), { depth: 2 ** registerBits, lane: 8 });
  private readonly register_data = reg(uint(32));
  private readonly id = reg(vec(maps.length, uint(16)), { init: ids });

  protected override logic() {
    const { side, bar_memory } = this;
    const { posted, non_posted, completion, retry } = this;
    this.register_data.set(
      this.registers.read(side.register_function.trunc(2).cat(side.register_address.part(2, 11)), side.register_valid),
    );
    connect(side, {
      posted,
      non_posted,
      completion,
      retry,
      controls: this.controls.map((controls, i) => ({ ...controls, id: at(this.id, i) })),
      link_data: bar_memory.link_data,
      atomic_result: bar_memory.atomic_result,
      register_data: this.register_data,
      config_read_data: this.config_space.read(side.config_function.trunc(2).cat(side.config_register), side.config_valid),
    });
    connect(bar_memory, {
      link_write: side.link_write,
      link_read: side.link_read,
      atomic: side.atomic,
      write: [this.dma_write],
      read: [this.dma_read],
    });
    this.dma_data.from(at(bar_memory.data, 0));
    when(side.register_write.valid.and(this.register_write.ready), () => {
      const { function: number, address, data, mask } = side.register_write.payload;
      this.registers.write(number.trunc(2).cat(address.part(2, 11)), data, mask);
    });
    // As `ConfigSpaces` do: no access while a function is not ready.
    const unready = select(
      side.config_function.trunc(2),
      this.controls.map(({ resetting }, i) => resetting.or(retry.bit(i))),
    );
    when(side.config_valid.and(side.config_write).and(unready.not()), () => {
      this.config_space.write(side.config_function.trunc(2).cat(side.config_register), side.config_data, side.config_mask);
      this.id.forEach((id, i) => {
        when(side.config_function.eq(i), () => id.set(side.config_id));
      });
    });
    this.writes.set(side.link_write.valid.and(bar_memory.link_write.ready));
    this.register_write.from(side.register_write);
    this.requester.from(side.requester);
    this.requester_bad.set(side.requester_bad);
    this.tx.from(side.tx);
    this.error.from(side.error);
    this.pme_turn_off.set(side.pme_turn_off);
    this.slot_power_valid.set(side.slot_power_valid);
    this.slot_power.set(side.slot_power);
  }
}

/** Values of a function's controls that the receive side looks at. */
export interface FunctionSettings {
  readonly memory_enable: number;
  readonly mps: number;
  readonly resetting: number;
}
export const open: FunctionSettings = { memory_enable: 1, mps: 1, resetting: 0 };

function setPort(view: PortView, value: number | bigint): void {
  let rest = BigInt(value);
  for (let i = 0; i < view.words.length; i++, rest >>= 32n) view.words[i] = Number(rest & 0xffff_ffffn);
}
export const numberOf = (view: PortView): bigint => view.words.reduceRight((high, word) => (high << 32n) | BigInt(word), 0n);

/** An error report as numbers. */
export interface Report {
  readonly functions: number;
  readonly kind: number;
  readonly advisory: number;
  readonly header: PacketHeader;
}

/** Takes error reports at a rate. */
class ReportSink implements Actor {
  readonly received: Report[] = [];
  rate: Rate = 1;
  private readonly valid: PortView;
  private readonly ready: PortView;
  private readonly fields: { readonly [K in 'functions' | 'kind' | 'advisory']: PortView };
  private readonly header: readonly (readonly [string, PortView])[];
  private readonly random: Random;

  constructor(sim: Sim, { valid, ready, payload }: Stream<typeof ErrorReport>, random: Random) {
    const { functions, kind, advisory, header } = payload;
    this.valid = sim.port(valid);
    this.ready = sim.port(ready);
    this.fields = { functions: sim.port(functions), kind: sim.port(kind), advisory: sim.port(advisory) };
    const parts = header as unknown as { readonly [name: string]: Readable };
    this.header = Object.keys(TlpHeader.fields).map(name => [name, sim.port(parts[name] as Readable)]);
    this.random = random;
  }
  /** A report stands there and will be taken. */
  get waits(): boolean {
    return this.valid.words[0] === 1 && this.rate !== 0;
  }
  drive(): void {
    this.ready.words[0] = typeof this.rate === 'number' && this.random.chance(this.rate) ? 1 : 0;
  }
  sample(): void {
    if (!this.valid.words[0] || !this.ready.words[0]) return;
    const { functions, kind, advisory } = this.fields;
    const header = Object.fromEntries(
      this.header.map(([name, view]) => [name, name === 'address' ? numberOf(view) : view.words[0]]),
    ) as unknown as PacketHeader;
    this.received.push({
      functions: functions.words[0] ?? 0,
      kind: kind.words[0] ?? 0,
      advisory: advisory.words[0] ?? 0,
      header,
    });
  }
}

/** The three classes of one link: non-posted TLPs and completions are offered 2 cycles after the posted ones before them were taken. */
class Lane extends Source {
  mayStart: (packet: Packet) => boolean = () => true;
  protected override allowed(packet: Packet): boolean {
    return this.mayStart(packet);
  }
}

export interface BenchOptions {
  readonly width: number;
  readonly random: Random;
  readonly rx?: Rate;
  readonly tx?: Rate;
  /** By function: completes AtomicOps. */
  readonly atomics?: readonly boolean[];
  readonly ari?: boolean;
  readonly engine?: Engine;
}

/** A running bench: `send` TLPs in the order of the link, look at what comes. */
export class Receiver {
  readonly sim: TypedSimulation<ReceiveBench>;
  readonly posted: Lane;
  readonly non_posted: Lane;
  readonly completion: Lane;
  readonly tx: Sink;
  readonly reports: ReportSink;
  readonly actors: Actor[];
  /** Completions handed to the requester; those cut short or too long are only counted. */
  readonly requested: Packet[] = [];
  bad_requested = 0;
  private readonly order = new Map<Packet, number>();
  private posted_sent = 0;
  /** Cycle in which each posted TLP's last beat was taken. */
  private readonly taken: number[] = [];

  constructor({ width, random, rx = 1, tx = 1, ari = false, atomics = [true, true, true], engine = embedded }: BenchOptions) {
    this.sim = simulate(() => new ReceiveBench({ width, ari, atomics }), { engine });
    const { sim } = this;
    const { dut } = sim;
    this.posted = new Lane(sim, dut.posted, random, rx);
    this.non_posted = new Lane(sim, dut.non_posted, random, rx);
    this.completion = new Lane(sim, dut.completion, random, rx);
    const mayStart = (packet: Packet) => {
      const earlier = this.order.get(packet) ?? 0;
      return earlier === 0 || (this.taken[earlier - 1] ?? Number.POSITIVE_INFINITY) + 2 <= this.sim.cycle;
    };
    this.non_posted.mayStart = mayStart;
    this.completion.mayStart = mayStart;
    this.tx = new Sink(sim, dut.tx, random, tx);
    this.reports = new ReportSink(sim, dut.error, random);
    const watch: Actor = { drive() {}, sample: cycle => this.watch(cycle) };
    this.actors = [this.posted, this.non_posted, this.completion, watch, this.tx, this.reports, this.requester(random)];
    maps.forEach((_, i) => {
      this.set(i, open);
    });
    sim.port(dut.register_write.ready).words[0] = 1;
  }

  [Symbol.dispose](): void {
    this.sim[Symbol.dispose]();
  }

  set(index: number, settings: Partial<FunctionSettings>): void {
    const controls = at(this.sim.dut.controls, index) as unknown as { readonly [name: string]: Readable };
    for (const [name, value] of Object.entries(settings)) setPort(this.sim.port(controls[name] as Readable), value);
    at(this.sim.dut.controls, index).bars.forEach((bar, b) => {
      const base = bases[index]?.[b];
      const bytes = maps[index]?.[b]?.bytes;
      if (base === undefined || bytes === undefined) return;
      this.setBar(bar, base, bytes);
    });
  }

  setBar(bar: { readonly base: Readable; readonly compare: Readable }, base: bigint, bytes: number): void {
    setPort(this.sim.port(bar.base), base);
    setPort(this.sim.port(bar.compare), ((1n << 64n) - BigInt(bytes)) >> 12n);
  }

  private watch(cycle: number): void {
    const { posted } = this.sim.dut;
    const one = (signal: Readable) => this.sim.port(signal).words[0] === 1;
    if (one(posted.valid) && one(posted.ready) && one(posted.payload.last)) this.taken.push(cycle);
  }

  /** Watches what goes to the requester; a bad end makes the sink's own check of beats meaningless, so it is a plain one. */
  private requester(random: Random): Actor {
    const { requester, requester_bad } = this.sim.dut;
    const { valid, ready, payload } = requester as Stream<TlpBeatType>;
    const view = (signal: Readable) => this.sim.port(signal);
    const [v, r, first, last, data, bad] = [valid, ready, payload.first, payload.last, payload.data, requester_bad].map(view) as [
      PortView,
      PortView,
      PortView,
      PortView,
      PortView,
      PortView,
    ];
    const fields = payload.header as unknown as { readonly [name: string]: Readable };
    const header = Object.keys(TlpHeader.fields).map(name => [name, view(fields[name] as Readable)] as const);
    let body: number[] = [];
    let open = false;
    return {
      drive: () => {
        r.words[0] = random.chance(0.8) ? 1 : 0;
      },
      sample: () => {
        if (!v.words[0] || !r.words[0]) return;
        if ((first.words[0] === 1) === open) expect.fail('a completion for the requester begins where another one ends');
        if (!open) body = [];
        open = last.words[0] !== 1;
        body.push(...new Uint8Array(data.words.slice().buffer));
        if (!last.words[0]) return;
        if (bad.words[0]) {
          this.bad_requested++;
          return;
        }
        const packet = Object.fromEntries(
          header.map(([name, port]) => [name, name === 'address' ? numberOf(port) : port.words[0]]),
        ) as unknown as PacketHeader;
        const size = packet.fmt & 2 ? 4 * (packet.length || 1024) : 0;
        this.requested.push({ ...packet, payload: Uint8Array.from(body.slice(0, size)) });
      },
    };
  }

  send(...packets: readonly Packet[]): void {
    for (const given of packets) {
      const packet = { ...given };
      this.order.set(packet, this.posted_sent);
      const kind = classOf(packet);
      this[kind].queue.push(packet);
      if (kind === 'posted') this.posted_sent++;
    }
  }

  get empty(): boolean {
    return [this.posted, this.non_posted, this.completion].every(lane => lane.queue.length === 0);
  }

  /** Runs until everything was sent and `done`, then until nothing has come for a while. @returns cycles run before that. */
  run(done: () => boolean = () => true, cycles = 20_000): number {
    const used = run(this.sim, this.actors, cycles, () => this.empty && done());
    const left = [this.posted, this.non_posted, this.completion].map(lane => lane.queue.length);
    if (used === cycles)
      expect.fail(
        `no end after ${cycles} cycles: ${left} TLPs left to send, ${this.tx.received.length} completions, ${this.reports.received.length} errors`,
      );
    do run(this.sim, this.actors, 40);
    while (this.reports.waits);
    return used;
  }

  /** The BAR memory, in the order of its bytes. */
  get memory(): Uint8Array {
    const lanes = this.sim.dut.p.width / 32;
    const bytes = new Uint8Array(memoryBytes);
    for (let lane = 0; lane < lanes; lane++) {
      const column = this.sim.memory(`bar_memory.column_${lane}.words`);
      for (let word = 0; word < column.depth; word++)
        bytes.set(column.bytes.subarray(word * column.stride, word * column.stride + 4), 4 * (word * lanes + lane));
    }
    return bytes;
  }
}
