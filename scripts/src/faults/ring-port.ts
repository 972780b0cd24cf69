import { FcUpdate, type LinkCredits, LinkPort, TlpHeader, tlpBeat } from '@hdl/pcie-rtl';
import { StreamSink, StreamSource } from '@hdl/testbench';
import { Bundle, bool, connect, input, Module, mux, output, reg, stream, uint, when, wire } from '@hdl/ts-hdl';
import { at, depths, ringBeat, tlps } from '../soak/harness.ts';
import { Stall, StallControl } from '../soak/stall.ts';

/** Pointers into the rings of a port. */
export class RingPointers extends Bundle({ posted: uint(11), non_posted: uint(11), completion: uint(11), seen: uint(11) }) {}

/** Memories of a `RingPort`, below its path. */
export const ringMemories = ['source_posted', 'source_non_posted', 'source_completion', 'sink_seen'].map(name => `${name}.ring`);

/**
 * The partner of a link: sends TLPs that software puts into a ring for each class, as far as it has credits, and shows software all that comes, in the order of
 * the link. What came is thrown away at random times: so credits come back late. Latency and resets are those of a `LinkPort`.
 */
export class RingPort extends Module<{
  readonly width: number;
  readonly credits: LinkCredits;
  readonly seed: number;
  /** What comes has come over a wire, which carries the header once: later beats have the first one's. The wire is held up at random, too. */
  readonly wire?: boolean;
}> {
  private readonly beat = tlpBeat(this.p.width);
  private readonly ring_beat = ringBeat(this.p.width);
  /** Software's pointers, and the hardware's. */
  readonly pointers = input(RingPointers);
  readonly status = output(RingPointers);
  readonly stall = input(StallControl);
  readonly salt = input(uint(32));
  readonly link_up = input(bool);
  readonly rx = input(stream(this.beat));
  readonly rx_fc = input(stream(FcUpdate));
  readonly tx = output(stream(this.beat));
  readonly tx_fc = output(stream(FcUpdate));
  private readonly source_posted = new StreamSource({ type: this.ring_beat, depth: depths.tlp });
  private readonly source_non_posted = new StreamSource({ type: this.ring_beat, depth: depths.tlp });
  private readonly source_completion = new StreamSource({ type: this.ring_beat, depth: depths.tlp });
  private readonly sink_seen = new StreamSink({ type: this.ring_beat, depth: depths.seen });
  private readonly link = new LinkPort({ width: this.p.width, credits: this.p.credits, max_payload: 256 });
  private readonly hold = [0, 1, 2].map(i => new Stall({ seed: this.p.seed + 0x0101_0101 * i }));
  private readonly seen = wire(stream(this.ring_beat));
  private readonly arriving = wire(stream(this.beat));
  private readonly header = this.p.wire ? reg(TlpHeader) : undefined;
  private readonly busy = this.p.wire ? new Stall({ seed: this.p.seed + 0x0303_0303 }) : undefined;
  private readonly to_link = [0, 1, 2].map(() => wire(stream(this.beat)));

  protected override logic() {
    const { link, pointers, status, seen, arriving, rx } = this;
    const idle = { wake_enable: 0, wake_level: 0 } as const;
    connect(this.source_posted, { control: { pointer: pointers.posted, ...idle } });
    connect(this.source_non_posted, { control: { pointer: pointers.non_posted, ...idle } });
    connect(this.source_completion, { control: { pointer: pointers.completion, ...idle } });
    connect(this.sink_seen, { control: { pointer: pointers.seen, ...idle }, in: seen });
    status.posted.set(this.source_posted.status.pointer.as(11));
    status.non_posted.set(this.source_non_posted.status.pointer.as(11));
    status.completion.set(this.source_completion.status.pointer.as(11));
    status.seen.set(this.sink_seen.status.pointer.as(11));

    const sources = [this.source_posted, this.source_non_posted, this.source_completion];
    const classes = this.to_link.map((to, i) => {
      const { valid, ready, payload } = tlps(at(sources, i).out);
      to.valid.set(valid);
      to.put(payload);
      ready.set(to.ready);
      return to;
    });
    connect(link, {
      link_up: this.link_up,
      posted: at(classes, 0),
      non_posted: at(classes, 1),
      completion: at(classes, 2),
      relaxed: 0,
      rx: arriving,
      rx_fc: this.rx_fc,
    });
    this.tx.from(link.tx);
    this.tx_fc.from(link.tx_fc);
    link.overflow.ready.set(1);
    // What is on the link software sees too.
    const payload = this.carried();
    arriving.put(payload);
    const { busy } = this;
    if (busy) {
      arriving.valid.set(rx.valid.and(busy.open));
      rx.ready.set(arriving.ready.and(busy.open));
      connect(busy, { control: this.stall, salt: this.salt, free: 0, fires: arriving.fire });
    } else {
      arriving.valid.set(rx.valid);
      rx.ready.set(arriving.ready);
    }
    seen.valid.set(arriving.fire);
    seen.put({ after: 0, spare: 0, gap: 0, ...payload });
    [link.received_posted, link.received_non_posted, link.received_completion].forEach((received, i) => {
      const hold = at(this.hold, i);
      received.ready.set(hold.open);
      connect(hold, { control: this.stall, salt: this.salt, free: 0, fires: received.valid.and(hold.open) });
    });
  }

  /** What comes; over a wire with the header of the first beat beside each. */
  private carried() {
    const { header: known, rx } = this;
    if (!known) return rx.payload;
    const { header, data, first, last } = rx.payload;
    when(this.arriving.fire.and(first), () => known.set(header));
    return { header: mux(first, header, known), data, first, last };
  }
}
