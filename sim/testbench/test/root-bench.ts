import {
  completionOf,
  isCompletion,
  isNonPosted,
  isPosted,
  type LinkCredits,
  LinkEnd,
  type Packet,
  type TlpBeatType,
  tlpBeat,
} from '@hdl/pcie-rtl';
import {
  anyOf,
  bool,
  connect,
  elaborate,
  embedded,
  input,
  Module,
  output,
  PacketArbiter,
  reg,
  type Simulation,
  type Stream,
  stream,
  uint,
  when,
  wire,
} from '@hdl/ts-hdl';
import { PacketAssembler, packBeats } from '../src/beats.ts';
import { HostMemory } from '../src/host-memory.ts';
import { RingReader, RingWriter } from '../src/rings.ts';
import { RootComplex } from '../src/root-complex.ts';
import { Scheduler } from '../src/scheduler.ts';
import { ringControl, ringStatus } from '../src/transactors/ring.ts';
import { StreamSink } from '../src/transactors/stream-sink.ts';
import { StreamSource } from '../src/transactors/stream-source.ts';

export const hostBase = 0x1000_0000n;
export const hostBytes = 0x1_0000;
const depth = 1024;

/** What the fabric's end of the link advertises. */
export const ampleCredits: LinkCredits = {
  posted: { headers: 32, data: 256 },
  non_posted: { headers: 32, data: 32 },
  completion: { headers: 64, data: 512 },
};

export interface RootOptions {
  readonly width: number;
  /** Payload limit in bytes. */
  readonly mps: number;
  /** What the root port advertises; its default by default. */
  readonly credits?: LinkCredits;
  /** What the other end advertises. */
  readonly partner?: LinkCredits;
}

/** The root complex and the other end of its link, with rings at all four of their streams: what a fabric and the software would be. */
class RootHarness extends Module<RootOptions> {
  readonly attention = output(bool);
  readonly mps = input(uint(3));
  /** The other end takes nothing that comes down. */
  readonly hold = input(bool);
  readonly up_control = input(ringControl(depth));
  readonly up_status = output(ringStatus(depth));
  readonly down_control = input(ringControl(depth));
  readonly down_status = output(ringStatus(depth));
  readonly send_control = input(ringControl(depth));
  readonly send_status = output(ringStatus(depth));
  readonly receive_control = input(ringControl(depth));
  readonly receive_status = output(ringStatus(depth));
  /** What is on the link, downward and upward. */
  readonly moved_down = output(uint(32));
  readonly moved_up = output(uint(32));
  private readonly beat = tlpBeat(this.p.width);
  private readonly root = new RootComplex({
    width: this.p.width,
    host_bytes: hostBytes,
    host_base: hostBase,
    ...(this.p.credits && { credits: this.p.credits }),
  });
  private readonly partner = new LinkEnd({ width: this.p.width, credits: this.p.partner ?? ampleCredits, max_payload: 512 });
  private readonly classes = [0, 1, 2].map(() => wire(stream(this.beat)));
  private readonly join = new PacketArbiter({ n: 3, type: this.beat });
  private readonly taken = wire(stream(this.beat));
  private readonly up = new StreamSource({ type: this.beat, depth });
  private readonly down = new StreamSink({ type: this.beat, depth });
  private readonly send = new StreamSource({ type: this.beat, depth });
  private readonly receive = new StreamSink({ type: this.beat, depth });
  private readonly down_count = reg(uint(32), { init: 0 });
  private readonly up_count = reg(uint(32), { init: 0 });

  protected override logic() {
    const { root, partner, up, down, send, receive, join } = this;
    connect(up, { control: this.up_control });
    connect(send, { control: this.send_control });
    connect(root, { rx: [partner.tx], rx_fc: [partner.tx_fc], from_software: [send.out], mps: this.mps, link_up: [1] });
    const [tx] = root.tx;
    const [tx_fc] = root.tx_fc;
    const [rx] = root.rx;
    if (!tx || !tx_fc || !rx) throw new RangeError('there is a root port');
    const [posted, non_posted, completion] = this.classes;
    if (!posted || !non_posted || !completion) throw new RangeError('there are three classes');
    this.sort(posted, non_posted, completion);
    connect(partner, { rx: tx, rx_fc: tx_fc, posted, non_posted, completion, relaxed: 0 });
    partner.overflow.ready.set(1);
    connect(join, { in: [partner.received_posted, partner.received_non_posted, partner.received_completion] });
    const open = this.hold.not();
    this.taken.valid.set(join.out.valid.and(open));
    this.taken.put(join.out.payload);
    join.out.ready.set(this.taken.ready.and(open));
    connect(down, { control: this.down_control, in: this.taken });
    connect(receive, { control: this.receive_control, in: root.to_software });
    this.up_status.set(up.status);
    this.down_status.set(down.status);
    this.send_status.set(send.status);
    this.receive_status.set(receive.status);
    when(tx.valid.and(partner.rx.ready), () => this.down_count.set(this.down_count.add(1)));
    when(partner.tx.valid.and(rx.ready), () => this.up_count.set(this.up_count.add(1)));
    this.moved_down.set(this.down_count);
    this.moved_up.set(this.up_count);
    const wake = (t: { readonly status: { readonly attention: typeof up.status.attention } }) => t.status.attention;
    this.attention.set(wake(up).or(wake(down)).or(wake(send)).or(wake(receive)));
  }

  /** Gives each TLP of the fabric to its class. */
  private sort(posted: Beats, non_posted: Beats, completion: Beats): void {
    const { out } = this.up;
    const { header } = out.payload;
    const is = [isPosted(header), isNonPosted(header), isCompletion(header)];
    const to = [posted, non_posted, completion];
    to.forEach((stream, i) => {
      stream.valid.set(out.valid.and(at(is, i)));
      stream.put(out.payload);
    });
    out.ready.set(anyOf(to.map((stream, i) => stream.ready.and(at(is, i)))));
  }
}

type Beats = Stream<TlpBeatType>;

function at<T>(list: readonly T[], index: number): T {
  const item = list[index];
  if (item === undefined) throw new RangeError(`index ${index} of a list of ${list.length}`);
  return item;
}

/** One end of a link in packets. */
class Receiver {
  readonly ring: RingReader;
  private readonly assembler: PacketAssembler;
  private readonly scheduler: () => Scheduler;

  constructor(ring: RingReader, width: number, scheduler: () => Scheduler) {
    this.ring = ring;
    this.assembler = new PacketAssembler(width);
    this.scheduler = scheduler;
  }

  async next(): Promise<Packet> {
    for (;;) {
      await this.ring.whenAvailable(this.scheduler(), 1);
      const packet = this.assembler.push(this.ring.take(1));
      if (packet) return packet;
    }
  }
}

/** Runs a root complex on plain packets: `fabric` is what hangs below it, `software` the host's program. */
export class RootBench implements Disposable {
  readonly simulation: Simulation;
  readonly scheduler: Scheduler;
  readonly memory: HostMemory;
  readonly fabric: Receiver & { send(packet: Packet): Promise<void> };
  readonly software: Receiver & { send(packet: Packet): Promise<void> };

  constructor(options: RootOptions) {
    const { width, mps } = options;
    const simulation = embedded(elaborate(() => new RootHarness(options)).design);
    this.simulation = simulation;
    this.drive('mps', Math.log2(mps / 128));
    this.drive('rst', 1);
    simulation.step(2);
    this.drive('rst', 0);
    const end = (tx: string, rx: string, what: string) => {
      const writer = new RingWriter(simulation, `room to send from ${what}`, `${tx}_control`, `${tx}_status`, tx);
      const reader = new RingReader(simulation, `a packet for ${what}`, `${rx}_control`, `${rx}_status`, rx);
      const receiver = new Receiver(reader, width, () => this.scheduler);
      const send = (packet: Packet) => writer.write(this.scheduler, packBeats(packet, width));
      return { writer, reader, port: Object.assign(receiver, { send }) };
    };
    const fabric = end('up', 'down', 'the fabric');
    const software = end('send', 'receive', 'the software');
    this.fabric = fabric.port;
    this.software = software.port;
    const rings = [fabric.writer, fabric.reader, software.writer, software.reader];
    this.scheduler = new Scheduler(
      {
        get cycle() {
          return simulation.cycle;
        },
        advance(cycles) {
          simulation.run(cycles);
          return rings.map(r => r.poll()).includes(true);
        },
      },
      { stallCycles: 20_000 },
    );
    this.memory = new HostMemory(simulation, width, hostBase);
  }

  /** Whether the other end takes nothing. */
  hold(on: boolean): void {
    this.drive('hold', on ? 1 : 0);
  }

  /** Beats that went over the link. */
  moved(way: 'up' | 'down'): number {
    this.simulation.settle();
    return this.simulation.ports.get(`moved_${way}`)?.words[0] ?? 0;
  }

  private drive(port: string, value: number): void {
    const view = this.simulation.ports.get(port);
    if (view) view.words[0] = value;
  }

  [Symbol.dispose](): void {
    this.simulation[Symbol.dispose]();
  }
}

/** What a read asked for, and what came of it so far. */
export interface Pending {
  readonly address: bigint;
  readonly bytes: number;
  got: Uint8Array;
}

/**
 * Takes a completion of a memory read and checks it against 2.3.1.1: Byte Count, Lower Address, no more than MPS, and ends inside the request
 * only at the read completion boundary. @returns what is wrong, undefined if nothing is.
 */
export function take(read: Pending, packet: Packet, mps: number): string | undefined {
  const { status, byte_count, lower_address } = completionOf(packet);
  const place = read.address + BigInt(read.got.length);
  const left = read.bytes - read.got.length;
  if (status !== 0) return `status ${status}`;
  if (byte_count !== left) return `byte count ${byte_count}, not ${left}`;
  if (lower_address !== Number(place & 0x7fn)) return `lower address ${lower_address} at 0x${place.toString(16)}`;
  if (packet.payload.length > mps) return `${packet.payload.length} bytes of payload, and MPS is ${mps}`;
  const skip = Number(place & 3n);
  const bytes = packet.payload.subarray(skip, skip + left);
  const end = place + BigInt(bytes.length);
  if (bytes.length < left && end % 128n !== 0n) return `ends at 0x${end.toString(16)}, inside the read completion boundary`;
  read.got = Uint8Array.from([...read.got, ...bytes]);
  return undefined;
}
