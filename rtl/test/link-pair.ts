/** Two ends of a link, each the partner of the other; the link between them can stall and lie. */
import { bool, drive, input, Module, mux, output, stream, vec } from '../../hdl/src/index.ts';
import { at } from '../src/at.ts';
import { FcKind, FcUpdate } from '../src/link/fc-update.ts';
import { LinkEnd } from '../src/link/link-end.ts';
import type { LinkReceiverParams } from '../src/link/link-receiver.ts';
import { TlpHeader, tlpBeat } from '../src/tlp/tlp.ts';

const ends = [0, 1] as const;

/**
 * Index i is end i: what enters there, what it receives, and what it puts on the link. The taps show what is on the link from end i; it moves while
 * a tap's `ready` is 1.
 */
export class LinkPair extends Module<LinkReceiverParams> {
  readonly posted = input(vec(2, stream(tlpBeat(this.p.width))));
  readonly non_posted = input(vec(2, stream(tlpBeat(this.p.width))));
  readonly completion = input(vec(2, stream(tlpBeat(this.p.width))));
  readonly received_posted = output(vec(2, stream(tlpBeat(this.p.width))));
  readonly received_non_posted = output(vec(2, stream(tlpBeat(this.p.width))));
  readonly received_completion = output(vec(2, stream(tlpBeat(this.p.width))));
  readonly overflow = output(vec(2, stream(TlpHeader)));
  readonly tap = output(vec(2, stream(tlpBeat(this.p.width))));
  readonly fc_tap = output(vec(2, stream(FcUpdate)));
  /** Faults: updates of end 0 are lost; its updates promise one header too many. */
  readonly lose_updates = input(bool);
  readonly raise_updates = input(bool);
  private readonly end = ends.map(() => new LinkEnd(this.p));

  protected override logic() {
    for (const i of ends) {
      const mine = at(this.end, i);
      const other = at(this.end, 1 - i);
      mine.posted.from(at(this.posted, i));
      mine.non_posted.from(at(this.non_posted, i));
      mine.completion.from(at(this.completion, i));
      drive(mine.relaxed).set(0);
      at(this.received_posted, i).from(mine.received_posted);
      at(this.received_non_posted, i).from(mine.received_non_posted);
      at(this.received_completion, i).from(mine.received_completion);
      at(this.overflow, i).from(mine.overflow);

      const tap = at(this.tap, i);
      tap.valid.set(mine.tx.valid.and(other.rx.ready));
      tap.put(mine.tx.payload);
      other.rx.valid.set(mine.tx.valid.and(tap.ready));
      other.rx.put(mine.tx.payload);
      mine.tx.ready.set(other.rx.ready.and(tap.ready));

      const fc = at(this.fc_tap, i);
      const { kind, headers } = mine.tx_fc.payload;
      const faulty = i === 0 ? kind.eq(FcKind.update) : kind.ne(kind);
      fc.valid.set(mine.tx_fc.valid);
      fc.put(mine.tx_fc.payload);
      other.rx_fc.valid.set(mine.tx_fc.valid.and(fc.ready).and(faulty.and(this.lose_updates).not()));
      other.rx_fc.put({ ...mine.tx_fc.payload, headers: mux(faulty.and(this.raise_updates), headers.add(1), headers) });
      mine.tx_fc.ready.set(fc.ready);
    }
  }
}
