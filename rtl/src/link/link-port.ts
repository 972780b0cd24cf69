import {
  allOf,
  bool,
  cat,
  clog2,
  connect,
  drive,
  inDomain,
  input,
  Module,
  mux,
  output,
  ownDomain,
  reg,
  resetDomain,
  stream,
  uint,
  when,
} from '@hdl/ts-hdl';
import { isCompletion, isPosted, TlpHeader, tlpBeat } from '../tlp/tlp.ts';
import { FcUpdate } from './fc-update.ts';
import { LinkEnd } from './link-end.ts';
import type { LinkReceiverParams } from './link-receiver.ts';
import type { LinkTransmitterParams } from './link-transmitter.ts';
import { TlpGate } from './tlp-gate.ts';

/** Cycles without a beat after which a TLP of a link that is down will not go on. */
const patience = 32;

/**
 * A `LinkEnd` whose link can go down (2.9; rules C71e, C85, C91). The ports are those of the `LinkEnd`, and so are latency and rules while `link_up` is 1.
 *
 *     posted, non_posted, completion ─► TlpGate × 3 ─► LinkEnd ─► tx, tx_fc        link_up ─► away ─► dropping, then restart
 *                        received_… ◄──────────────────┘ │  └◄── rx, rx_fc
 *
 * From the cycle after `link_up` falls, TLPs that come in are taken and dropped, and none begins to leave; the one that is leaving is sent to its end. What was
 * received goes on to its consumers; when they have it all, the `LinkEnd` is reset, and everything that waited to leave is gone. When `link_up` is 1 again the
 * exchange of credits begins anew, and TLPs whose first beat comes from then on leave. The rest of a TLP that is coming in is still taken; if no beat of it comes
 * for `patience` cycles it is cut, and its receiver finds it too short. Between two ends that go down together, and with a `LinkModel`, that does not happen.
 *
 * The consumers have to take what was received, or the port does not come back. Answering non-posted requests while the link is down is the work of the
 * routing before the port. Reset of the module is that of the `LinkEnd`, one cycle longer.
 */
export class LinkPort extends Module<LinkTransmitterParams & LinkReceiverParams> {
  readonly link_up = input(bool);
  readonly posted = input(stream(tlpBeat(this.p.width)));
  readonly non_posted = input(stream(tlpBeat(this.p.width)));
  readonly completion = input(stream(tlpBeat(this.p.width)));
  readonly relaxed = input(bool);
  readonly tx = output(stream(tlpBeat(this.p.width)));
  readonly rx_fc = input(stream(FcUpdate));
  readonly rx = input(stream(tlpBeat(this.p.width)));
  readonly tx_fc = output(stream(FcUpdate));
  readonly received_posted = output(stream(tlpBeat(this.p.width)));
  readonly received_non_posted = output(stream(tlpBeat(this.p.width)));
  readonly received_completion = output(stream(tlpBeat(this.p.width)));
  readonly overflow = output(stream(TlpHeader));
  /** A register: the link is down, and all that was received was taken. */
  readonly down = output(bool);

  /** The link is or was down, and the `LinkEnd` is not in reset yet. */
  private readonly away = reg(bool, { init: 0 });
  private readonly restart = reg(bool, { init: 1 });
  /** Within a TLP that comes from the link, its header, and cycles without a beat of it while the link is down. */
  private readonly receiving = reg(bool, { init: 0 });
  private readonly received_header = reg(TlpHeader);
  private readonly idle = reg(uint(clog2(patience)), { init: 0 });
  /** Within a TLP that goes to the link. */
  private readonly sending = reg(bool, { init: 0 });
  /** Its class, one-hot: posted, non-posted, completion. */
  private readonly sent_class = reg(uint(3));
  private readonly restarted = resetDomain(ownDomain, this.restart, { kind: 'sync' });
  private readonly link_end = inDomain(this.restarted, () => new LinkEnd(this.p));
  private readonly gate = [0, 1, 2].map(() => new TlpGate({ width: this.p.width }));

  protected override logic() {
    const { away, restart, receiving, sending, link_end: end, link_up, rx } = this;
    const cut = away.or(restart);
    const [posted, non_posted, completion] = this.gate;
    if (!posted || !non_posted || !completion) throw new RangeError('there are three classes');
    // The TLP that is on its way out goes on to its end, and so its source must.
    const drops = (i: number) => restart.or(allOf([away, allOf([sending, this.sent_class.bit(i)]).not()]));
    connect(posted, { in: this.posted, drop: drops(0) });
    connect(non_posted, { in: this.non_posted, drop: drops(1) });
    connect(completion, { in: this.completion, drop: drops(2) });

    const takes = cut.not().or(receiving);
    end.posted.from(posted.out);
    end.non_posted.from(non_posted.out);
    end.completion.from(completion.out);
    drive(end.relaxed).set(this.relaxed);
    const gives_up = allOf([away, receiving, rx.valid.not(), this.idle.eq(patience - 1)]);
    this.idle.set(mux(allOf([away, receiving, rx.valid.not(), gives_up.not()]), this.idle.add(1), 0));
    end.rx.valid.set(rx.valid.and(takes).or(gives_up));
    const { first, last, data } = rx.payload;
    end.rx.put({
      header: mux(gives_up, this.received_header, rx.payload.header),
      data,
      first: first.and(gives_up.not()),
      last: last.or(gives_up),
    });
    end.rx_fc.valid.set(this.rx_fc.valid.and(cut.not()));
    end.rx_fc.put(this.rx_fc.payload);

    const sends = cut.not().or(allOf([sending, restart.not()]));
    this.tx.valid.set(end.tx.valid.and(sends));
    this.tx.put(end.tx.payload);
    end.tx.ready.set(this.tx.ready.or(sends.not()));
    const { header } = end.tx.payload;
    when(this.tx.fire, () => {
      sending.set(end.tx.payload.last.not());
      this.sent_class.set(cat(isCompletion(header), isPosted(header).or(isCompletion(header)).not(), isPosted(header)));
    });
    this.tx_fc.valid.set(end.tx_fc.valid.and(cut.not()));
    this.tx_fc.put(end.tx_fc.payload);
    end.tx_fc.ready.set(this.tx_fc.ready.or(cut));
    this.rx_fc.ready.set(end.rx_fc.ready.or(cut));
    rx.ready.set(end.rx.ready.or(takes.not()));
    when(rx.fire.and(takes), () => {
      receiving.set(rx.payload.last.not());
      this.received_header.set(rx.payload.header);
    });
    when(allOf([gives_up, end.rx.ready]), () => receiving.set(0));

    this.received_posted.from(end.received_posted);
    this.received_non_posted.from(end.received_non_posted);
    this.received_completion.from(end.received_completion);
    this.overflow.from(end.overflow);

    const emptied = allOf([away, end.empty, receiving.not(), sending.not()]);
    when(link_up.not().and(restart.not()), () => away.set(1));
    when(emptied, () => {
      away.set(0);
      restart.set(1);
    });
    when(restart.and(link_up), () => restart.set(0));
    this.down.set(restart);
  }
}
