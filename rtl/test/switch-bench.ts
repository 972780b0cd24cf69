/** A switch under test with a packet source and sink at every port, configured by configuration requests as software would. */
import { simulate, type TypedSimulation } from '../../hdl/src/engine/simulate.ts';
import { Random } from '../../hdl/test/random.ts';
import { at } from '../src/at.ts';
import { Switch } from '../src/switch/switch.ts';
import { completionOf, configRead, configWrite, type Packet } from '../src/tlp/packet.ts';
import type { ModelBridge } from './router-model.ts';
import { PacketSink, PacketSource, runEnds } from './tlp-model.ts';

const MiB = 0x10_0000n;
/** Requester ID of the root complex, and the bus of the link above the switch. */
export const rootId = 0x0008;
const linkBus = 1;

/**
 * The plan of the tests: port 1 leads to one bus, port 2 to three, the others to one; the switch's own windows and buses have holes. Bits 31:24 of
 * the prefetchable addresses equal the bus number, so that a router that mistakes one for the other shows. The last port's memory window and bus
 * lie outside the upstream port's, which careful software avoids.
 */
export function plan(ports: number): ModelBridge[] {
  const high = 0x40_0000_0000n;
  const range = (base: bigint, mib: bigint) => [base, base + mib * MiB - 1n] as const;
  const below = Array.from({ length: ports }, (_, j) => ({
    secondary: 3 + 3 * j,
    subordinate: 3 + 3 * j + (j === 1 ? 2 : 0),
    memory: range(0x8000_0000n + BigInt(j) * 2n * MiB, 1n),
    prefetch: range(high + BigInt(3 + 3 * j) * 16n * MiB, j === 1 ? 8n : 1n),
    mse: true,
    bme: true,
  }));
  const size = BigInt(ports);
  const upstream = {
    secondary: 2,
    subordinate: 3 * ports - 1,
    memory: range(0x8000_0000n, 2n * size - 2n),
    prefetch: range(high, 16n * (3n * size + 4n)),
    mse: true,
    bme: true,
  };
  return [upstream, ...below];
}

export class SwitchBench implements Disposable {
  readonly sim: TypedSimulation<Switch>;
  readonly bridges: ModelBridge[];
  /** Index 0 is the upstream port. */
  readonly sources: readonly PacketSource[];
  readonly sinks: readonly PacketSink[];
  private tag = 0;

  constructor(options: { ports: number; width?: number; seed?: number; sourceRate?: number; sinkRate?: number }) {
    const { ports, width = 256, seed = 1, sourceRate = 1, sinkRate = 1 } = options;
    this.sim = simulate(() => new Switch({ width, ports, vendor_id: 0x1d1d, device_id: 0x5100 }));
    const { dut } = this.sim;
    const random = new Random(seed);
    this.sources = [dut.upstream_rx, ...dut.downstream_rx].map(s => new PacketSource(this.sim, s, random, sourceRate));
    this.sinks = [dut.upstream_tx, ...dut.downstream_tx].map(s => new PacketSink(this.sim, s, random, sinkRate));
    this.bridges = plan(ports);
  }

  /** Writes every bridge as `bridges` says. */
  configure(): void {
    this.bridges.forEach((b, port) => {
      const [mib, granule] = [(x: bigint) => Number((x >> 16n) & 0xfff0n), (x: bigint) => Number(x >> 32n)];
      const window = ([base, limit]: readonly [bigint, bigint]) => ((mib(limit) << 16) | mib(base)) >>> 0;
      this.write(port, 0x18, (b.subordinate << 16) | (b.secondary << 8) | (port === 0 ? linkBus : 2));
      this.write(port, 0x20, window(b.memory));
      this.write(port, 0x24, window(b.prefetch));
      this.write(port, 0x28, granule(b.prefetch[0]));
      this.write(port, 0x2c, granule(b.prefetch[1]));
      this.write(port, 0x04, (b.mse ? 2 : 0) | (b.bme ? 4 : 0));
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
  write(port: number, offset: number, data: number): void {
    this.access(configWrite({ ...this.target(port), register: offset / 4, data }));
  }

  run(cycles: number, done?: () => boolean): number {
    return runEnds(this.sim, [...this.sources, ...this.sinks], cycles, done);
  }
  /** Runs until all sources are empty and the switch too. */
  drain(limit = 200_000): void {
    const ran = this.run(limit, () => this.sources.every(s => s.queue.length === 0));
    if (ran === limit) throw new Error(`packets wait at a source after ${limit} cycles`);
    this.run(200);
  }
  [Symbol.dispose](): void {
    this.sim[Symbol.dispose]();
  }

  private target(port: number) {
    const id = this.id(port);
    const kind = port === 0 ? (0 as const) : (1 as const);
    this.tag = (this.tag + 1) % 256;
    return { requester_id: rootId, tag: this.tag, kind, bus: id >> 8, device: (id >> 3) & 31, function: 0 };
  }

  /** One configuration request from above, and its completion. */
  private access(packet: Packet): Packet {
    const sink = at(this.sinks, 0);
    const before = sink.received.length;
    at(this.sources, 0).queue.push(packet);
    this.run(1000, () => sink.received.length > before);
    const answer = at(sink.received, before);
    const { status, completer_id } = completionOf(answer);
    if (answer.tag !== packet.tag || status !== 0)
      throw new Error(`status ${status} from ${completer_id} to a configuration request`);
    sink.received.length = before;
    sink.times.length = before;
    return answer;
  }
}
