import { bool, connect, input, Module, output, stream } from '@hdl/ts-hdl';
import { TlpHeader, tlpBeat } from '../tlp/tlp.ts';
import { FcUpdate } from './fc-update.ts';
import { LinkReceiver, type LinkReceiverParams } from './link-receiver.ts';
import { LinkTransmitter, type LinkTransmitterParams } from './link-transmitter.ts';

/**
 * One end of a link, both directions, with the exchange of credits between them (2.6, 3.4).
 *
 *     posted, non_posted, completion ─► LinkTransmitter ─► tx         rx ─► LinkReceiver ─► received_posted, …
 *                                 rx_fc ─►    │  partner ─────────────────────►  │ ─► tx_fc
 *
 * `tx` and `rx_fc` go to and come from the partner's `rx` and `tx_fc`, and the other way round. Latency and rules are those of the parts.
 */
export class LinkEnd extends Module<LinkTransmitterParams & LinkReceiverParams> {
  readonly posted = input(stream(tlpBeat(this.p.width)));
  readonly non_posted = input(stream(tlpBeat(this.p.width)));
  readonly completion = input(stream(tlpBeat(this.p.width)));
  readonly relaxed = input(bool);
  readonly tx = output(stream(tlpBeat(this.p.width)));
  /** Limits of the partner, for `tx`. */
  readonly rx_fc = input(stream(FcUpdate));
  readonly rx = input(stream(tlpBeat(this.p.width)));
  /** Limits of this end, for `rx`. */
  readonly tx_fc = output(stream(FcUpdate));
  readonly received_posted = output(stream(tlpBeat(this.p.width)));
  readonly received_non_posted = output(stream(tlpBeat(this.p.width)));
  readonly received_completion = output(stream(tlpBeat(this.p.width)));
  readonly overflow = output(stream(TlpHeader));
  /** Nothing that was received waits to be taken. */
  readonly empty = output(bool);

  private readonly transmitter = new LinkTransmitter(this.p);
  private readonly receiver = new LinkReceiver(this.p);

  protected override logic() {
    const { transmitter, receiver, posted, non_posted, completion, relaxed } = this;
    connect(transmitter, { posted, non_posted, completion, relaxed, fc: this.rx_fc });
    connect(receiver, { tlp: this.rx, partner: transmitter.partner });
    this.tx.from(transmitter.tlp);
    this.tx_fc.from(receiver.fc);
    this.received_posted.from(receiver.posted);
    this.received_non_posted.from(receiver.non_posted);
    this.received_completion.from(receiver.completion);
    this.overflow.from(receiver.overflow);
    this.empty.set(receiver.empty);
  }
}
