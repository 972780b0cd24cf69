import { Endpoint, FcKind, FcUpdate, FirmwareRequest, LinkPort, TlpHeader, tlpBeat } from '@hdl/pcie-rtl';
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
  mux,
  output,
  reg,
  type Stream,
  select,
  stream,
  type UIntType,
  u,
  uint,
  vec,
  when,
  wire,
} from '@hdl/ts-hdl';
import type { EndpointParams } from '../../../rtl/src/endpoint/endpoint-params.ts';
import { Stall, StallControl } from './stall.ts';

/** Words of the rings. */
export const depths = { tlp: 1024, seen: 1024, firmware: 256 } as const;

/** Streams that are held up, in the order of `SoakHarness.stall`. */
export const stalls = [
  'posted',
  'non_posted',
  'completion',
  'firmware_request',
  'link_down',
  'link_up',
  'limits_down',
  'limits_up',
  'host_posted',
  'host_non_posted',
  'host_completion',
  'firmware_response',
  'media',
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
export type RingBeatType = BundleType<{
  after: UIntType<16>;
  spare: UIntType<14>;
  last: typeof bool;
  first: typeof bool;
  gap: typeof bool;
  header: typeof TlpHeader;
  data: UIntType<number>;
}>;

/** A beat in a ring of software: data, then the header from a word's boundary on, then what is said of it. */
export const ringBeat = (width: number): RingBeatType => class RingBeat extends Bundle(ringFields(width)) {};

/** An access of the firmware in a ring: two words. */
class FirmwareWord extends Bundle({ spare: uint(12), write: bool, address: uint(19), data: uint(32) }) {}

/** What the other end of the link advertises: little, so that credits matter. */
const hostCredits = {
  posted: { headers: 4, data: 32 },
  non_posted: { headers: 3, data: 3 },
  completion: { headers: 6, data: 40 },
} as const;

/**
 * An endpoint with a link to a host whose TLPs come from rings and go into one, firmware whose accesses do likewise, and back-pressure at random on every stream.
 *
 *     ring ─► stall ─► posted ──────┐                                 ┌─ stall ◄─ requests  ◄─ ring
 *     ring ─► stall ─► non_posted ──┼► LinkPort ─► TLPs, limits ─► Endpoint ─► stall ─► responses ─► ring
 *     ring ─► stall ─► completion ──┘     ▲                           │  ▲
 *                                         └──── stall ◄── TLPs, limits┘  └── media, which come out and go in again
 *                                                  └─► ring `seen`: all TLPs in the order of the link
 *
 * What the host's link end received is thrown away, at a rate of its own per class: so credits come back late. Non-posted TLPs and completions
 * enter the link end behind the posted ones that software put before them. A hot reset takes the link down at both ends.
 */
export class SoakHarness extends Module<EndpointParams> {
  private readonly ring_beat = ringBeat(this.p.width);
  private readonly beat = tlpBeat(this.p.width);
  readonly stall = input(vec(stalls.length, StallControl));
  readonly salt = input(uint(32));
  readonly free = input(bool);
  /** Limits that the endpoint, or the host, sends are lost. */
  readonly lose_limits = input(uint(2));
  /** Credits that the host believes to have beyond those that it was granted, by class. */
  readonly beyond = input(vec(3, uint(8)));
  /** Limits of the endpoint wait. */
  readonly hold_limits = input(bool);
  readonly hot_reset = input(bool);
  /** Software's pointers into the rings of the three classes, of what was seen, and of the firmware's accesses and what they were answered. */
  readonly posted_pointer = input(uint(11));
  readonly non_posted_pointer = input(uint(11));
  readonly completion_pointer = input(uint(11));
  readonly seen_pointer = input(uint(11));
  readonly request_pointer = input(uint(9));
  readonly response_pointer = input(uint(9));
  /** The hardware's. */
  readonly posted_status = output(uint(11));
  readonly non_posted_status = output(uint(11));
  readonly completion_status = output(uint(11));
  readonly seen_status = output(uint(11));
  readonly request_status = output(uint(9));
  readonly response_status = output(uint(9));

  private readonly source_posted = new StreamSource({ type: this.ring_beat, depth: depths.tlp });
  private readonly source_non_posted = new StreamSource({ type: this.ring_beat, depth: depths.tlp });
  private readonly source_completion = new StreamSource({ type: this.ring_beat, depth: depths.tlp });
  private readonly sink_seen = new StreamSink({ type: this.ring_beat, depth: depths.seen });
  private readonly source_request = new StreamSource({ type: FirmwareWord, depth: depths.firmware });
  private readonly sink_response = new StreamSink({ type: uint(32), depth: depths.firmware });
  private readonly host = new LinkPort({ width: this.p.width, credits: hostCredits, max_payload: 512 });
  private readonly endpoint = new Endpoint(this.p);
  private readonly media = new Fifo({ type: uint(this.p.width), depth: 64 });
  private readonly hold = stalls.map((_, i) => new Stall({ seed: 0x1234_5678 + 0x0101_0101 * i }));
  private readonly posted_entered = reg(uint(16), { init: 0 });

  /** The streams behind the stalls. */
  private readonly to_posted = wire(stream(this.beat));
  private readonly to_non_posted = wire(stream(this.beat));
  private readonly to_completion = wire(stream(this.beat));
  private readonly access = wire(stream(FirmwareRequest));
  private readonly answer = wire(stream(uint(32)));
  private readonly media_back = wire(stream(uint(this.p.width)));
  private readonly down = wire(stream(this.beat));
  private readonly up = wire(stream(this.beat));
  private readonly limits_down = wire(stream(FcUpdate));
  private readonly limits_up = wire(stream(FcUpdate));
  private readonly seen = wire(stream(this.ring_beat));
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
    const { source_posted, source_non_posted, source_completion } = this;
    const idle = { wake_enable: 0, wake_level: 0 } as const;
    connect(source_posted, { control: { pointer: this.posted_pointer, ...idle } });
    connect(source_non_posted, { control: { pointer: this.non_posted_pointer, ...idle } });
    connect(source_completion, { control: { pointer: this.completion_pointer, ...idle } });
    this.posted_status.set(source_posted.status.pointer.as(11));
    this.non_posted_status.set(source_non_posted.status.pointer.as(11));
    this.completion_status.set(source_completion.status.pointer.as(11));

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
  }

  private links(): void {
    const { host, endpoint, sink_seen } = this;
    connect(host, {
      link_up: this.hot_reset.not(),
      posted: this.to_posted,
      non_posted: this.to_non_posted,
      completion: this.to_completion,
      relaxed: 0,
      rx: this.up,
      rx_fc: this.limits_up,
    });
    this.join('link_down', host.tx, this.down);
    const { kind, traffic, headers, data } = endpoint.tx_fc.payload;
    const beyond = select(traffic, [...this.beyond, u(8, 0)]).as(8);
    const more = mux(kind.eq(FcKind.update), beyond, 0);
    const payload = { kind, traffic, headers: headers.add(more), data: data.add(more.zext(12)) };
    const goes = this.hold_limits.not();
    this.join('limits_up', { ...lossy(endpoint.tx_fc, this.lose_limits.bit(0)), payload }, this.limits_up, goes);
    this.join('limits_down', lossy(host.tx_fc, this.lose_limits.bit(1)), this.limits_down);
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
    const { endpoint, media, source_request, sink_response, access, answer } = this;
    const idle = { wake_enable: 0, wake_level: 0 } as const;
    connect(source_request, { control: { pointer: this.request_pointer, ...idle } });
    this.request_status.set(source_request.status.pointer.as(9));
    const { valid, ready, payload } = source_request.out;
    const { write, address, data } = payload;
    this.join('firmware_request', { valid, ready, payload: { write, address, data } }, access);
    this.join('firmware_response', endpoint.firmware_response, answer);
    connect(sink_response, { control: { pointer: this.response_pointer, ...idle }, in: answer });
    this.response_status.set(sink_response.status.pointer.as(9));
    this.join('media', media.out, this.media_back);
    connect(media, { in: endpoint.media_out });
    connect(endpoint, {
      rx: this.down,
      rx_fc: this.limits_down,
      hot_reset: this.hot_reset,
      firmware_request: access,
      media_in: this.media_back,
    });
  }
}

/** A stream of limits from which updates are lost while `loses` is 1. */
export function lossy({ valid, ready, payload }: Stream<typeof FcUpdate>, loses: Bool) {
  const lost = loses.and(payload.kind.eq(FcKind.update));
  return { valid: valid.and(lost.not()), ready: { set: (taken: Bool) => ready.set(taken.or(lost)) }, payload };
}

/** A stream of ring beats as one of TLP beats. */
export function tlps({ valid, ready, payload: { header, data, first, last } }: Stream<RingBeatType>) {
  return { valid, ready, payload: { header, data, first, last } };
}

/** An item of a list. @throws RangeError if there is none. */
export function at<T>(list: readonly T[], index: number): T {
  const item = list[index];
  if (item === undefined) throw new RangeError(`index ${index} of a list of ${list.length}`);
  return item;
}
