import { expect, test } from 'vitest';
import {
  AsyncFifo,
  Bundle,
  bool,
  Crc,
  CreditCounter,
  checked,
  clockDomain,
  connect,
  crcs,
  Downsizer,
  diagnose,
  EagerFork,
  elaborate,
  Fifo,
  inDomain,
  input,
  Module,
  output,
  ownDomain,
  PacketDownsizer,
  PacketFifo,
  PacketTracker,
  PacketUpsizer,
  packetWord,
  RegisterSlice,
  RoundRobinArbiter,
  ShowAheadFifo,
  StreamDemux,
  StreamJoin,
  StreamMux,
  Synchroniser,
  simulate,
  stream,
  TrueDualPortRam,
  Upsizer,
  uint,
} from '../../src/index.ts';

class Sample extends Bundle({ value: uint(12), clipped: bool }) {}

/** Joins two sources and keeps up to 65 of their samples: the example of docs/cells.md. */
class Collector extends Module {
  readonly left = input(stream(Sample));
  readonly right = input(stream(Sample));
  readonly samples = output(stream(Sample));
  private readonly arbiter = new RoundRobinArbiter({ n: 2, type: Sample });
  private readonly fifo = new Fifo({ type: Sample, depth: 64 });

  protected override logic() {
    connect(this.arbiter, { in: [this.left, this.right] });
    connect(this.fifo, { in: this.arbiter.out });
    this.samples.from(this.fifo.out);
  }
}

test('the example of the page holds 65 samples', () => {
  using sim = simulate(() => new Collector());
  const { left, right, samples } = sim.dut;
  let taken = 0;
  sim.poke(left.valid, 1);
  sim.poke(left.payload.value, 5);
  sim.poke(right.valid, 1);
  sim.poke(right.payload.value, 9);
  for (let cycle = 0; cycle < 100; cycle++) {
    taken += Number(sim.peek(left.ready)) + Number(sim.peek(right.ready));
    sim.step();
  }
  expect(taken).toBe(65);
  sim.poke(samples.ready, 1);
  const first = [0, 1, 2].map(() => {
    const value = sim.peek(samples.payload.value);
    sim.step();
    return value;
  });
  expect(first).toEqual([5n, 9n, 5n]);
});

/** Cells in a row, as their types allow: bytes become words of packets with a check, cross to another clock and come back as bytes. */
class Chain extends Module {
  readonly far = clockDomain();
  readonly bytes = input(stream(uint(8)));
  readonly tag = input(stream(uint(4)));
  readonly choice = input(bool);
  readonly flag = input(bool, { domain: 'asynchronous' });
  readonly out = output(stream(uint(8)));
  readonly tags = output(stream(Bundle({ byte: uint(8), tag: uint(4) })));
  readonly check = output(uint(32));
  readonly may_go = output(bool);
  readonly seen = output(bool);
  readonly word = output(uint(32));
  readonly position = output(uint(4));
  private readonly copies = new EagerFork({ n: 2, type: uint(8) });
  private readonly pairs = new StreamJoin({ fields: { byte: uint(8), tag: uint(4) } });
  private readonly wide = new Upsizer({ width: 8, ratio: 4 });
  private readonly there = new AsyncFifo({ type: uint(32), depth: 8 });
  private readonly back = new AsyncFifo({ type: uint(32), depth: 8 });
  private readonly slice = inDomain(this.far, () => new RegisterSlice({ type: uint(32) }));
  private readonly narrow = new Downsizer({ width: 8, ratio: 4 });
  private readonly spread = new StreamDemux({ n: 2, type: uint(8) });
  private readonly some = new ShowAheadFifo({ type: uint(8), depth: 3 });
  private readonly gather = new StreamMux({ n: 2, type: uint(8) });
  private readonly up = new PacketUpsizer({ width: 8, lanes: 1, ratio: 4 });
  private readonly packets = new PacketFifo({ type: packetWord(32, 4), depth: 16 });
  private readonly down = new PacketDownsizer({ width: 8, lanes: 1, ratio: 4 });
  private readonly tracker = new PacketTracker({ width: 4 });
  private readonly crc = new Crc({ crc: crcs.pcieLcrc, width: 8 });
  private readonly credits = new CreditCounter({ width: 8 });
  private readonly synchroniser = new Synchroniser({ width: 1 });
  private readonly ram = new TrueDualPortRam({ type: uint(32), depth: 4 });
  private readonly packet = output(stream(packetWord(8, 1)));
  private readonly packet_in = input(stream(packetWord(8, 1)));

  protected override logic() {
    const [copy, other] = this.copies.out;
    const [direct, late] = this.spread.out;
    if (!copy || !other || !direct || !late) throw new Error();
    connect(this.copies, { in: this.bytes });
    connect(this.pairs, { in: { byte: other, tag: this.tag } });
    this.tags.from(this.pairs.out);
    connect(this.wide, { in: copy });
    connect(this.there, { in: this.wide.out, from: ownDomain, to: this.far });
    connect(this.slice, { in: this.there.out });
    connect(this.back, { in: this.slice.out, from: this.far, to: ownDomain });
    connect(this.narrow, { in: this.back.out });
    connect(this.spread, { in: this.narrow.out, select: this.choice });
    connect(this.some, { in: late });
    connect(this.gather, { in: [direct, this.some.out], select: this.choice });
    this.out.from(this.gather.out);
    connect(this.up, { in: this.packet_in });
    connect(this.packets, { in: this.up.out, discard: 0 });
    connect(this.down, { in: this.packets.out });
    this.packet.from(this.down.out);
    const { fire, payload } = this.packet_in;
    connect(this.tracker, { word: fire, last: payload.last });
    this.position.set(this.tracker.index);
    connect(this.crc, { word: fire, first: this.tracker.first, data: payload.data });
    this.check.set(this.crc.result);
    connect(this.credits, { initialise: 0, update: 0, limit: 0, needed: 1, take: 0 });
    this.may_go.set(this.credits.enough);
    connect(this.synchroniser, { in: this.flag });
    this.seen.set(this.synchroniser.out);
    const off = { b_enable: 0, b_write_enable: 0, b_address: 0, b_write_data: 0 };
    connect(this.ram, { a_enable: 1, a_write_enable: fire, a_address: this.position.trunc(2), a_write_data: this.check, ...off });
    this.word.set(this.ram.a_read_data);
  }
}

test('cells fit to each other', () => {
  const found = diagnose(checked(elaborate(() => new Chain()).design));
  expect(found.map(({ message }) => message)).toEqual([]);
});
