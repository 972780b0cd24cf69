import { completionOf, type Packet, tlpBeat } from '@hdl/pcie-rtl';
import { bool, connect, elaborate, embedded, input, Module, output, type Simulation, uint } from '@hdl/ts-hdl';
import { PacketAssembler, packBeats } from '../src/beats.ts';
import { HostMemory } from '../src/ports.ts';
import { RingReader, RingWriter } from '../src/rings.ts';
import { RootComplex } from '../src/root-complex.ts';
import { Scheduler } from '../src/scheduler.ts';
import { ringControl, ringStatus } from '../src/transactors/ring.ts';
import { StreamSink } from '../src/transactors/stream-sink.ts';
import { StreamSource } from '../src/transactors/stream-source.ts';

export const hostBase = 0x1000_0000n;
export const hostBytes = 0x1_0000;
const depth = 1024;

/** The root complex alone, with rings at all four of its streams: what a fabric and the software would be. */
class RootHarness extends Module<{ width: number }> {
  readonly attention = output(bool);
  readonly mps = input(uint(3));
  readonly up_control = input(ringControl(depth));
  readonly up_status = output(ringStatus(depth));
  readonly down_control = input(ringControl(depth));
  readonly down_status = output(ringStatus(depth));
  readonly send_control = input(ringControl(depth));
  readonly send_status = output(ringStatus(depth));
  readonly receive_control = input(ringControl(depth));
  readonly receive_status = output(ringStatus(depth));
  private readonly root = new RootComplex({ width: this.p.width, host_bytes: hostBytes, host_base: hostBase });
  private readonly up = new StreamSource({ type: tlpBeat(this.p.width), depth });
  private readonly down = new StreamSink({ type: tlpBeat(this.p.width), depth });
  private readonly send = new StreamSource({ type: tlpBeat(this.p.width), depth });
  private readonly receive = new StreamSink({ type: tlpBeat(this.p.width), depth });

  protected override logic() {
    const { root, up, down, send, receive } = this;
    connect(up, { control: this.up_control });
    connect(send, { control: this.send_control });
    connect(root, { up: up.out, from_software: send.out, mps: this.mps });
    connect(down, { control: this.down_control, in: root.down });
    connect(receive, { control: this.receive_control, in: root.to_software });
    this.up_status.set(up.status);
    this.down_status.set(down.status);
    this.send_status.set(send.status);
    this.receive_status.set(receive.status);
    const wake = (t: { readonly status: { readonly attention: typeof up.status.attention } }) => t.status.attention;
    this.attention.set(wake(up).or(wake(down)).or(wake(send)).or(wake(receive)));
  }
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

  constructor(width: number, mps: number) {
    const simulation = embedded(elaborate(() => new RootHarness({ width })).design);
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
    this.memory = new HostMemory(simulation.memory('root.memory.bytes'), hostBase);
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
