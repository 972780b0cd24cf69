import {
  AtomicJob,
  DescriptorRing,
  DmaJob,
  FcUpdate,
  LinkEnd,
  LocalJob,
  RegisterWrite,
  TlpHeader,
  TransactionLayer,
  type TransactionLayerParams,
  tlpBeat,
} from '@hdl/pcie-rtl';
import { StreamSink, StreamSource } from '@hdl/testbench';
import {
  type Bool,
  Bundle,
  type BundleType,
  bool,
  connect,
  Fifo,
  input,
  Module,
  output,
  reg,
  type Stream,
  stream,
  type UIntType,
  uint,
  vec,
  when,
  wire,
} from '@hdl/ts-hdl';
import { Stall, StallControl } from './stall.ts';

/** Words of the rings. */
export const depths = { tlp: 1024, seen: 1024, register: 256 } as const;

/** Streams that are held up, in the order of `SoakHarness.stall`. */
export const stalls = [
  'posted',
  'non_posted',
  'completion',
  'device',
  'link_down',
  'link_up',
  'limits_down',
  'limits_up',
  'host_posted',
  'host_non_posted',
  'host_completion',
  'register_write',
  'interrupts',
] as const;
export type StallName = (typeof stalls)[number];

const ringFields = (width: number) => ({
  /** Of a non-posted TLP or a completion: posted TLPs that enter the link before it, modulo 2^16. */
  after: uint(16),
  spare: uint(14),
  last: bool,
  first: bool,
  gap: bool,
  header: TlpHeader,
  data: uint(width),
});
type RingBeatType = BundleType<{
  after: UIntType<16>;
  spare: UIntType<14>;
  last: typeof bool;
  first: typeof bool;
  gap: typeof bool;
  header: typeof TlpHeader;
  data: UIntType<number>;
}>;

/** A beat in a ring of software: data, then the header from a word's boundary on, then what is said of it. */
const ringBeat = (width: number): RingBeatType => class RingBeat extends Bundle(ringFields(width)) {};

/** A write to a register as software sees it: three words. */
class SeenWrite extends Bundle({ spare: uint(25), function: uint(3), mask: uint(4), address: uint(32), data: uint(32) }) {}

/** What a register of a function reads: a pattern of its address. */
export const registerPattern = (of: number, address: number): number => (of * 2 ** 29 + 0x5a5_0000 + (address & 0xffff)) >>> 0;

/** What the other end of the link advertises: little, so that credits matter. */
const hostCredits = {
  posted: { headers: 4, data: 32 },
  non_posted: { headers: 3, data: 3 },
  completion: { headers: 6, data: 40 },
} as const;

/**
 * An endpoint's transaction layer, with a link to a host whose TLPs come from rings and go into one, and back-pressure at random on every stream.
 *
 *     ring ─► stall ─► posted ──────┐              stall ──────► TransactionLayer ─► stall ─► register writes ─► ring
 *     ring ─► stall ─► non_posted ──┼► LinkEnd ─► TLPs, limits     ▲  │
 *     ring ─► stall ─► completion ──┘     ▲                        │  │
 *     ring ─► stall ─► the device's posted TLPs ───────────────────┘  │
 *                                         └──── stall ◄── TLPs, limits┘
 *                                                  └─► ring `seen`: all TLPs in the order of the link
 *
 * What the host's link end received is thrown away, at a rate of its own per class: so credits come back late. Non-posted TLPs and completions
 * enter the link end behind the posted ones that software put before them. Media that comes out goes in again.
 */
export class SoakHarness extends Module<TransactionLayerParams> {
  private readonly ring_beat = ringBeat(this.p.width);
  private readonly beat = tlpBeat(this.p.width);
  readonly stall = input(vec(stalls.length, StallControl));
  readonly salt = input(uint(32));
  readonly free = input(bool);
  /** Software's pointers into the rings of the three classes, of the device's posted TLPs, of what was seen and of register writes. */
  readonly posted_pointer = input(uint(11));
  readonly non_posted_pointer = input(uint(11));
  readonly completion_pointer = input(uint(11));
  readonly device_pointer = input(uint(11));
  readonly seen_pointer = input(uint(11));
  readonly register_pointer = input(uint(9));
  /** The hardware's. */
  readonly posted_status = output(uint(11));
  readonly non_posted_status = output(uint(11));
  readonly completion_status = output(uint(11));
  readonly device_status = output(uint(11));
  readonly seen_status = output(uint(11));
  readonly register_status = output(uint(9));

  /** Jobs of a firmware, which there is none of. */
  readonly write_job = input(stream(DmaJob));
  readonly read_job = input(stream(DmaJob));
  readonly fill_job = input(stream(LocalJob));
  readonly drain_job = input(stream(LocalJob));
  readonly atomic_job = input(stream(AtomicJob));

  readonly owner = input(uint(3));
  readonly run = input(bool);
  readonly ring = input(DescriptorRing);
  readonly completion_base = input(uint(64));
  readonly tail = input(uint(16));
  readonly head = output(uint(16));
  readonly failed = output(bool);
  readonly idle = output(bool);
  /** Interrupts of the channel so far. */
  readonly interrupts = output(uint(32));

  private readonly source_posted = new StreamSource({ type: this.ring_beat, depth: depths.tlp });
  private readonly source_non_posted = new StreamSource({ type: this.ring_beat, depth: depths.tlp });
  private readonly source_completion = new StreamSource({ type: this.ring_beat, depth: depths.tlp });
  private readonly source_device = new StreamSource({ type: this.ring_beat, depth: depths.tlp });
  private readonly sink_seen = new StreamSink({ type: this.ring_beat, depth: depths.seen });
  private readonly sink_register = new StreamSink({ type: SeenWrite, depth: depths.register });
  private readonly host = new LinkEnd({ width: this.p.width, credits: hostCredits, max_payload: 512 });
  private readonly endpoint = new TransactionLayer(this.p);
  private readonly media = new Fifo({ type: uint(this.p.width), depth: 64 });
  private readonly hold = stalls.map((_, i) => new Stall({ seed: 0x1234_5678 + 0x0101_0101 * i }));
  private readonly posted_entered = reg(uint(16), { init: 0 });
  private readonly interrupt_count = reg(uint(32), { init: 0 });
  private readonly asked_function = reg(uint(3));
  private readonly asked_address = reg(uint(16));
  private readonly register_data = reg(uint(32));

  /** The streams behind the stalls. */
  private readonly to_posted = wire(stream(this.beat));
  private readonly to_non_posted = wire(stream(this.beat));
  private readonly to_completion = wire(stream(this.beat));
  private readonly to_device = wire(stream(this.beat));
  private readonly down = wire(stream(this.beat));
  private readonly up = wire(stream(this.beat));
  private readonly limits_down = wire(stream(FcUpdate));
  private readonly limits_up = wire(stream(FcUpdate));
  private readonly write = wire(stream(RegisterWrite));
  private readonly seen = wire(stream(this.ring_beat));
  private readonly words = wire(stream(SeenWrite));
  private readonly fires = stalls.map(() => wire(bool));

  protected override logic() {
    this.hold.forEach((hold, i) => {
      connect(hold, { control: at(this.stall, i), salt: this.salt, free: this.free, fires: at(this.fires, i) });
    });
    this.sources();
    this.links();
    this.device();
  }

  /** Joins two streams by a stall; `may` holds up what comes too. @returns 1 in a cycle in which something passes. */
  private join<P>(
    name: StallName,
    from: { readonly valid: Bool; readonly ready: { set(value: Bool): void }; readonly payload: P },
    to: { readonly valid: { set(value: Bool): void }; readonly ready: Bool; put(payload: P): void },
    may?: Bool,
  ): Bool {
    const index = stalls.indexOf(name);
    const open = may ? at(this.hold, index).open.and(may) : at(this.hold, index).open;
    const fires = from.valid.and(to.ready).and(open);
    to.valid.set(from.valid.and(open));
    to.put(from.payload);
    from.ready.set(to.ready.and(open));
    at(this.fires, index).set(fires);
    return fires;
  }

  private sources(): void {
    const { source_posted, source_non_posted, source_completion, source_device } = this;
    const idle = { wake_enable: 0, wake_level: 0 } as const;
    connect(source_posted, { control: { pointer: this.posted_pointer, ...idle } });
    connect(source_non_posted, { control: { pointer: this.non_posted_pointer, ...idle } });
    connect(source_completion, { control: { pointer: this.completion_pointer, ...idle } });
    connect(source_device, { control: { pointer: this.device_pointer, ...idle } });
    this.posted_status.set(source_posted.status.pointer.as(11));
    this.non_posted_status.set(source_non_posted.status.pointer.as(11));
    this.completion_status.set(source_completion.status.pointer.as(11));
    this.device_status.set(source_device.status.pointer.as(11));

    const { first } = source_posted.out.payload;
    const entered = this.join('posted', tlps(source_posted.out), this.to_posted).and(first);
    when(entered, () => this.posted_entered.set(this.posted_entered.add(1)));
    for (const [name, source, to] of [
      ['non_posted', source_non_posted, this.to_non_posted],
      ['completion', source_completion, this.to_completion],
    ] as const) {
      const { first, after } = source.out.payload;
      const behind = this.posted_entered.sub(after).bit(15).not();
      this.join(name, tlps(source.out), to, first.not().or(behind));
    }
    this.join('device', tlps(source_device.out), this.to_device);
  }

  private links(): void {
    const { host, endpoint, sink_seen } = this;
    connect(host, {
      posted: this.to_posted,
      non_posted: this.to_non_posted,
      completion: this.to_completion,
      relaxed: 0,
      rx: this.up,
      rx_fc: this.limits_up,
    });
    this.join('link_down', host.tx, this.down);
    this.join('limits_down', host.tx_fc, this.limits_down);
    this.join('limits_up', endpoint.tx_fc, this.limits_up);
    const { seen } = this;
    seen.valid.set(this.join('link_up', endpoint.tx, this.up));
    seen.put({ after: 0, spare: 0, gap: 0, ...endpoint.tx.payload });
    connect(sink_seen, { control: { pointer: this.seen_pointer, wake_enable: 0, wake_level: 0 }, in: seen });
    this.seen_status.set(sink_seen.status.pointer.as(11));
    this.drain('host_posted', host.received_posted);
    this.drain('host_non_posted', host.received_non_posted);
    this.drain('host_completion', host.received_completion);
    host.overflow.ready.set(1);
  }

  /** Takes what comes and forgets it. @returns 1 in a cycle in which something is taken. */
  private drain(name: StallName, from: { readonly valid: Bool; readonly ready: { set(value: Bool): void } }): Bool {
    const index = stalls.indexOf(name);
    const open = at(this.hold, index).open;
    const fires = from.valid.and(open);
    from.ready.set(open);
    at(this.fires, index).set(fires);
    return fires;
  }

  private device(): void {
    const { endpoint, sink_register, media } = this;
    connect(media, { in: endpoint.media_out });
    connect(endpoint, {
      rx: this.down,
      rx_fc: this.limits_down,
      hot_reset: 0,
      register_data: this.register_data,
      posted: this.to_device,
      quiet: 2 ** this.p.functions.length - 1,
      owner: this.owner,
      run: this.run,
      ring: this.ring,
      completion_base: this.completion_base,
      vector: 3,
      tail: this.tail,
      media_in: media.out,
      media_drop: 0,
      write_job: this.write_job,
      read_job: this.read_job,
      fill_job: this.fill_job,
      drain_job: this.drain_job,
      atomic_job: this.atomic_job,
    });
    const { write_result, read_result, fill_result, drain_result, atomic_result } = endpoint;
    for (const result of [write_result, read_result, fill_result, drain_result, atomic_result]) result.ready.set(1);
    this.asked_function.set(endpoint.register_function);
    this.asked_address.set(endpoint.register_address.part(0, 16));
    this.register_data.set(this.asked_function.cat(this.asked_address.zext(29).add(0x5a5_0000)).as(32));
    this.head.set(endpoint.head);
    this.failed.set(endpoint.failed);
    this.idle.set(endpoint.idle);
    when(this.drain('interrupts', endpoint.interrupts), () => this.interrupt_count.set(this.interrupt_count.add(1)));
    this.interrupts.set(this.interrupt_count);

    this.join('register_write', endpoint.register_write, this.write);
    const { words } = this;
    words.valid.set(this.write.valid);
    words.put({ spare: 0, ...this.write.payload });
    this.write.ready.set(words.ready);
    connect(sink_register, { control: { pointer: this.register_pointer, wake_enable: 0, wake_level: 0 }, in: words });
    this.register_status.set(sink_register.status.pointer.as(9));
  }
}

/** A stream of ring beats as one of TLP beats. */
function tlps({ valid, ready, payload: { header, data, first, last } }: Stream<RingBeatType>) {
  return { valid, ready, payload: { header, data, first, last } };
}

function at<T>(list: readonly T[], index: number): T {
  const item = list[index];
  if (item === undefined) throw new RangeError(`index ${index} of a list of ${list.length}`);
  return item;
}
