/** What the tests of the link model share: the model between stream ends, and between two ports. */
import { simulate, type TypedSimulation } from '../../hdl/src/engine/simulate.ts';
import { bool, connect, drive, type Engine, input, Module, output, stream, vec } from '../../hdl/src/index.ts';
import { Random } from '../../hdl/test/random.ts';
import { at } from '../src/at.ts';
import { LinkPort } from '../src/link/link-port.ts';
import type { LinkReceiverParams } from '../src/link/link-receiver.ts';
import { LinkModel, type LinkModelParams } from '../src/link/model/link-model.ts';
import { memoryRead, memoryWrite, type Packet } from '../src/tlp/packet.ts';
import { tlpBeat } from '../src/tlp/tlp.ts';
import { type Actor, FcSink, FcSource, type Rate, run, Sink, Source } from './link-bench.ts';

/** A memory write of `bytes` bytes with a serial number as its tag; with an address above 4 GiB if the header has 4 DW. */
export const write = (serial: number, bytes: number, header_dwords: 3 | 4 = 4): Packet =>
  memoryWrite({
    requester_id: 0x100,
    tag: serial % 1024,
    address: (header_dwords === 4 ? 1n << 40n : 0n) + 4096n * BigInt(serial % 1024),
    data: Uint8Array.from({ length: bytes }, (_, i) => serial + 3 * i),
  });

/** A memory read with a serial number as its tag. */
export const read = (serial: number, header_dwords: 3 | 4 = 4): Packet =>
  memoryRead({
    requester_id: 0x100,
    tag: serial % 1024,
    address: (header_dwords === 4 ? 1n << 40n : 0n) + 4096n * BigInt(serial % 1024),
    bytes: 512,
  });

export const gen3x4: LinkModelParams = {
  width: 256,
  clock_mhz: 250,
  generation: 3,
  lanes: 4,
  max_payload: 256,
  latency_ns: 40,
  training_cycles: 20,
};

/** The model alone: sources at what the ends send, sinks at what they receive. */
export function modelBench(
  params: Partial<LinkModelParams> = {},
  options: { engine?: Engine; source?: Rate; sink?: Rate; seed?: number } = {},
) {
  const { engine, source = 1, sink = 1, seed = 1 } = options;
  const sim: TypedSimulation<LinkModel> = simulate(() => new LinkModel({ ...gen3x4, ...params }), engine ? { engine } : {});
  const random = new Random(seed);
  const { a_tx, a_rx, b_tx, b_rx, a_tx_fc, a_rx_fc, b_tx_fc, b_rx_fc } = sim.dut;
  const sides = {
    a: {
      source: new Source(sim, a_tx, random, source),
      sink: new Sink(sim, a_rx, random, sink),
      fc_source: new FcSource(sim, a_tx_fc),
      fc_sink: new FcSink(sim, a_rx_fc, random, sink),
    },
    b: {
      source: new Source(sim, b_tx, random, source),
      sink: new Sink(sim, b_rx, random, sink),
      fc_source: new FcSource(sim, b_tx_fc),
      fc_sink: new FcSink(sim, b_rx_fc, random, sink),
    },
  };
  const actors: readonly Actor[] = [...Object.values(sides.a), ...Object.values(sides.b)];
  const go = (cycles: number, done?: () => boolean) => run(sim, actors, cycles, done);
  /** Runs until both ends see the link up, or down. */
  const until = (up: 0 | 1) => go(500, () => sim.peek(sim.dut.a_up) === BigInt(up) && sim.peek(sim.dut.b_up) === BigInt(up));
  return { sim, ...sides, go, until, random };
}

/** Two ports with the model between them; index 0 is the upper end. */
export class PortPair extends Module<LinkModelParams & LinkReceiverParams> {
  readonly posted = input(vec(2, stream(tlpBeat(this.p.width))));
  readonly non_posted = input(vec(2, stream(tlpBeat(this.p.width))));
  readonly completion = input(vec(2, stream(tlpBeat(this.p.width))));
  readonly received_posted = output(vec(2, stream(tlpBeat(this.p.width))));
  readonly received_non_posted = output(vec(2, stream(tlpBeat(this.p.width))));
  readonly received_completion = output(vec(2, stream(tlpBeat(this.p.width))));
  readonly overflow = output(vec(2, bool));
  readonly up = output(vec(2, bool));
  readonly hot_reset = input(bool);
  readonly down = input(bool);
  readonly retrain = input(bool);
  private readonly port = [0, 1].map(() => new LinkPort(this.p));
  private readonly link = new LinkModel(this.p);

  protected override logic() {
    const { link, hot_reset, down, retrain } = this;
    const [a, b] = [at(this.port, 0), at(this.port, 1)];
    connect(link, { a_tx: a.tx, a_tx_fc: a.tx_fc, b_tx: b.tx, b_tx_fc: b.tx_fc, hot_reset, down, retrain });
    a.rx.from(link.a_rx);
    a.rx_fc.from(link.a_rx_fc);
    b.rx.from(link.b_rx);
    b.rx_fc.from(link.b_rx_fc);
    this.port.forEach((port, i) => {
      const up = at([link.a_up, link.b_up], i);
      drive(port.link_up).set(up);
      at(this.up, i).set(up);
      port.posted.from(at(this.posted, i));
      port.non_posted.from(at(this.non_posted, i));
      port.completion.from(at(this.completion, i));
      drive(port.relaxed).set(0);
      at(this.received_posted, i).from(port.received_posted);
      at(this.received_non_posted, i).from(port.received_non_posted);
      at(this.received_completion, i).from(port.received_completion);
      at(this.overflow, i).set(port.overflow.valid);
      port.overflow.ready.set(1);
    });
  }
}

const credits = { headers: 64, data: 1024 };

/** Two ports with the model between, sources and sinks of all classes at both. */
export function portBench(
  params: Partial<LinkModelParams & LinkReceiverParams> = {},
  options: { engine?: Engine; sink?: Rate; source?: Rate; seed?: number } = {},
) {
  const { engine, source = 1, sink = 1, seed = 1 } = options;
  const all = { ...gen3x4, credits: { posted: credits, non_posted: credits, completion: credits }, ...params };
  const sim: TypedSimulation<PortPair> = simulate(() => new PortPair(all), engine ? { engine } : {});
  const random = new Random(seed);
  const ends = [0, 1].map(i => {
    const { dut } = sim;
    return {
      posted: new Source(sim, at(dut.posted, i), random, source),
      non_posted: new Source(sim, at(dut.non_posted, i), random, source),
      completion: new Source(sim, at(dut.completion, i), random, source),
      received_posted: new Sink(sim, at(dut.received_posted, i), random, sink),
      received_non_posted: new Sink(sim, at(dut.received_non_posted, i), random, sink),
      received_completion: new Sink(sim, at(dut.received_completion, i), random, sink),
    };
  });
  const actors: readonly Actor[] = ends.flatMap(end => Object.values(end));
  const go = (cycles: number, done?: () => boolean) => run(sim, actors, cycles, done);
  const up = () => [0, 1].map(i => Number(sim.peek(at(sim.dut.up, i)))).join('');
  /** Ports drop what they get while the link is down: this ends when they are ready for TLPs. */
  const begin = () => {
    go(500, () => up() === '11');
    go(2);
  };
  return { sim, a: at(ends, 0), b: at(ends, 1), go, up, begin, random };
}

/** As many as there may be without scaling. */
const most = { headers: 127, data: 2047 };

/** Payload in bytes per second that posted writes of one size bring from end to end, at both ends at once if `both`. */
export function payloadRate(
  link: Parameters<typeof portBench>[0] & { readonly clock_mhz: number; readonly max_payload: number },
  both: boolean,
) {
  const { sim, a, b, go, begin } = portBench({
    credits: { posted: most, non_posted: credits, completion: most },
    latency_ns: 100,
    ...link,
  });
  using _ = sim;
  begin();
  const count = link.max_payload === 128 ? 400 : 250;
  const warm = count / 2;
  for (let i = 0; i < count; i++) for (const end of both ? [a, b] : [a]) end.posted.queue.push(write(i, link.max_payload));
  const sinks = (both ? [a, b] : [b]).map(end => end.received_posted);
  go(50_000, () => sinks.every(sink => sink.received.length === count));
  return sinks.map(({ times }) => {
    const cycles = (times[count - 1] ?? 0) - (times[warm - 1] ?? 0);
    return ((count - warm) * link.max_payload * link.clock_mhz * 1e6) / cycles;
  });
}
