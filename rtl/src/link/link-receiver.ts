import {
  allOf,
  anyOf,
  bool,
  cat,
  connect,
  HdlError,
  input,
  Module,
  mux,
  output,
  reg,
  stream,
  u,
  uint,
  when,
  wire,
} from '@hdl/ts-hdl';
import { at } from '../at.ts';
import { dataCredits, isCompletion, isPosted, TlpHeader, tlpBeat } from '../tlp/tlp.ts';
import { beatsOfCredits, ClassBuffer } from './class-buffer.ts';
import { CreditAllocator } from './credit-allocator.ts';
import { CreditSender } from './credit-sender.ts';
import { type ClassCredits, FcUpdate, type LinkCredits, PartnerState } from './fc-update.ts';
import { stampBits } from './order.ts';

export interface LinkReceiverParams {
  /** Bits of a beat: 64, 128, 256 or 512. */
  readonly width: number;
  /** What this end advertises: at least one header of each class, and data for one payload (C70b). */
  readonly credits: LinkCredits;
  /** Largest payload in bytes that the partner may send, 128 to 4,096: it must never wait for room for one longer than needed; 512 by default. */
  readonly max_payload?: number;
  /** Beats of room for completions where their credits are infinite; 16 by default. */
  readonly completion_skid?: number;
  /** Cycles from one refresh of all limits to the next; 4,096 by default, which is less than the 30 µs that are asked for above 137 MHz. */
  readonly refresh_cycles?: number;
}

/**
 * The receive side of a link: one stream of TLPs in, three classes out, each with its own buffer and credits (2.4.1, 2.6.1; rules C60, C61, C70a to C70f).
 *
 *     tlp ─► class? overflow? ─┬─► ClassBuffer ─► posted            CreditAllocator × 2 or 3 ─► CreditSender ─► fc
 *                              ├─► ClassBuffer ─► non_posted             (a TLP arrived, a TLP was taken)
 *                              └─► ClassBuffer ─► completion
 *
 * 1 cycle from a beat in to the beat out where nothing waits, else 3, while the TLP is still arriving; a beat per cycle, no idle cycle between TLPs. All outputs come from registers.
 *
 * Order: a non-posted TLP or completion is offered after the consumer took every posted TLP that arrived before it, 2 cycles after at the earliest. Posted
 * TLPs never wait for others, so they pass what is blocked.
 *
 * A buffer has the beats that its credits can become (`beatsOfCredits`). Credits come back when the last beat of a TLP is taken; see `CreditAllocator` for
 * when the partner is told. A TLP beyond the credits is dropped, takes none and is reported (C70e); while a report waits further ones are not. A malformed
 * TLP with more beats than its header says is passed on for its receiver to see, but cut and reported where it fills the buffer, so that nothing locks up.
 *
 * `tlp.ready` is always 1 for classes with credits. With infinite completion credits (an endpoint, C70b) the consumer promises to take completions
 * whatever else happens; completions then have a small buffer, and the link stalls while it is full: only until the posted TLPs before them are taken.
 *
 * Reset empties the buffers and begins the exchange of credits anew.
 */
export class LinkReceiver extends Module<LinkReceiverParams> {
  readonly tlp = input(stream(tlpBeat(this.p.width)));
  /** From the own transmitter. */
  readonly partner = input(PartnerState);
  readonly posted = output(stream(tlpBeat(this.p.width)));
  readonly non_posted = output(stream(tlpBeat(this.p.width)));
  readonly completion = output(stream(tlpBeat(this.p.width)));
  readonly fc = output(stream(FcUpdate));
  /** The header of a TLP that was dropped because it was beyond the credits: a receiver overflow. */
  readonly overflow = output(stream(TlpHeader));
  /** No beat and no report waits to be taken. */
  readonly empty = output(bool);

  private readonly finite: readonly (ClassCredits | undefined)[] = [
    this.p.credits.posted,
    this.p.credits.non_posted,
    this.p.credits.completion === 'infinite' ? undefined : this.p.credits.completion,
  ];
  private readonly stamp_bits = stampBits(this.p.credits.posted.headers);
  private readonly buffer = this.finite.map(
    (credits, i) =>
      new ClassBuffer({
        width: this.p.width,
        beats: credits ? beatsOfCredits(credits, this.p.width) : (this.p.completion_skid ?? 16),
        packets: credits?.headers ?? this.p.completion_skid ?? 16,
        stamp_bits: this.stamp_bits,
        behind_posted: i !== 0,
        credited: credits !== undefined,
      }),
  );
  private readonly allocator = this.finite.map(
    // The longest non-posted TLP with data is a CAS of 32 bytes.
    (credits, i) => credits && new CreditAllocator({ ...credits, payload: i === 1 ? 2 : (this.p.max_payload ?? 512) / 16 }),
  );
  private readonly sender = new CreditSender({
    credits: this.p.credits,
    refresh_cycles: this.p.refresh_cycles ?? 4096,
  });
  private readonly posted_arrived = reg(uint(this.stamp_bits), { init: 0 });
  private readonly posted_taken = reg(uint(this.stamp_bits), { init: 0 });
  private readonly overflows = wire(bool);
  /** A TLP that is longer than its header says has filled a buffer. */
  private readonly cuts = wire(bool);
  /** The rest of the TLP under way is dropped. */
  private readonly dropping = reg(bool, { init: 0 });
  private readonly report_valid = reg(bool, { init: 0 });
  private readonly report = reg(TlpHeader);

  protected override logic() {
    const { width, max_payload = 512 } = this.p;
    if (![64, 128, 256, 512].includes(width)) throw new HdlError(`the width of a beat is 64, 128, 256 or 512 bits, not ${width}`);
    if (![128, 256, 512, 1024, 2048, 4096].includes(max_payload))
      throw new HdlError(`the largest payload is a power of two of 128 to 4,096 bytes, not ${max_payload}`);
    for (const name of ['posted', 'completion'] as const) {
      const credits = this.p.credits[name];
      if (credits !== 'infinite' && credits.data < max_payload / 16)
        throw new HdlError(`${credits.data} data credits for ${name} TLPs do not hold a payload of ${max_payload} bytes (C70b)`, {
          help: `give it at least ${max_payload / 16}, or state a smaller max_payload`,
        });
    }
    this.receive();
    this.offer();
    this.grant();
    this.tell();
  }

  private receive(): void {
    const { fire, payload: beat } = this.tlp;
    const posted = isPosted(beat.header);
    const completion = isCompletion(beat.header);
    const classes = [posted, posted.or(completion).not(), completion];
    const begins = fire.and(beat.first);
    const dropped = mux(beat.first, this.overflows, this.dropping);
    const credits = dataCredits(beat.header);

    this.tlp.ready.set(1);
    this.buffer.forEach((buffer, i) => {
      const mine = at(classes, i);
      connect(buffer, {
        offered: this.tlp.valid.and(mine),
        put: allOf([fire, mine, dropped.not()]),
        beat,
        posted_arrived: this.posted_arrived,
        posted_taken: this.posted_taken,
      });
      const allocator = this.allocator[i];
      if (!allocator) {
        this.tlp.ready.set(buffer.room);
        return;
      }
      const out = at(this.outputs(), i);
      connect(allocator, {
        arrives: allOf([begins, mine, buffer.room]),
        arrives_data: credits,
        leaves: out.fire.and(out.payload.last),
        leaves_data: dataCredits(out.payload.header),
        refresh: this.sender.refresh,
        take: this.sender.take.bit(i),
        restart: 0,
      });
    });
    const full = this.buffer.map((buffer, i) => allOf([begins, at(classes, i), buffer.room.not()]));
    this.overflows.set(anyOf([...full, ...this.allocator.flatMap(a => (a ? [a.overflow] : []))]));
    this.cuts.set(anyOf(this.buffer.map(buffer => buffer.cut)));
    when(begins, () => this.dropping.set(this.overflows));
    when(this.cuts, () => this.dropping.set(1));
    when(allOf([begins, posted, this.overflows.not()]), () => this.posted_arrived.set(this.posted_arrived.add(1)));
  }

  private outputs() {
    return [this.posted, this.non_posted, this.completion] as const;
  }

  private offer(): void {
    this.buffer.forEach((buffer, i) => {
      at(this.outputs(), i).from(buffer.out);
    });
    when(this.posted.fire.and(this.posted.payload.last), () => this.posted_taken.set(this.posted_taken.add(1)));
  }

  private grant(): void {
    connect(this.sender, {
      partner: this.partner,
      tlp_came: this.tlp.fire,
      restart: 0,
      due: cat(...this.allocator.map(a => a?.due ?? u(1, 0)).toReversed()).as(3),
      headers: this.allocator.map(a => a?.headers ?? u(8, 0)),
      data: this.allocator.map(a => a?.data ?? u(12, 0)),
    });
    this.fc.from(this.sender.fc);
  }

  private tell(): void {
    const { report_valid, report } = this;
    when(report_valid.not(), () => {
      report_valid.set(this.overflows.or(this.cuts));
      report.set(this.tlp.payload.header);
    }).elsewhen(this.overflow.ready, () => report_valid.set(0));
    this.overflow.valid.set(report_valid);
    this.empty.set(allOf([report_valid.not(), ...this.buffer.map(buffer => buffer.empty)]));
    this.overflow.put(report);
  }
}
