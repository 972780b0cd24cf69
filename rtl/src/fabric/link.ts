import type { Bool, In, Module, Sig, Stream } from '@hdl/ts-hdl';
import type { FcUpdate } from '../link/fc-update.ts';
import type { LinkFault } from '../link/model/tlp-faults.ts';
import type { TlpBeatType } from '../tlp/tlp.ts';

/** How the devices of a fabric meet: four streams per link, TLPs each way and against each the credits for them. */

export type Beats = Stream<TlpBeatType>;
export type Credits = Stream<typeof FcUpdate>;

/** One end of a link: what it receives, and what it sends. */
export interface PortStreams {
  readonly rx: Beats;
  readonly rx_fc: Credits;
  readonly tx: Beats;
  readonly tx_fc: Credits;
}

/**
 * What may lie between two ends, with its own time: end `a` is the upper one, `b` the lower one. What an end sends goes in at `tx`, what it receives comes out
 * at `rx`.
 */
export type LinkBetween = Module<unknown> & {
  readonly a_tx: Beats;
  readonly a_tx_fc: Credits;
  readonly a_rx: Beats;
  readonly a_rx_fc: Credits;
  readonly b_tx: Beats;
  readonly b_tx_fc: Credits;
  readonly b_rx: Beats;
  readonly b_rx_fc: Credits;
  /** The upper port holds the link in hot reset. */
  readonly hot_reset: In<Bool>;
  /** The lower device is pulled out; the link is trained anew. */
  readonly down: In<Bool>;
  readonly retrain: In<Bool>;
  /** The link is up, as each end sees it. */
  readonly a_up: Bool;
  readonly b_up: Bool;
  /** Makes the lower device fail, and tells that it did; not on every link. */
  readonly fault?: In<Sig<typeof LinkFault>> | undefined;
  readonly faulted?: Bool | undefined;
};

/** One direction of a link at its sender: valid and ready say when a beat moves. */
export interface LinkDirection {
  readonly producer: Beats;
  readonly consumer: Beats;
}

/** A link that is joined. */
export interface Link {
  readonly name: string;
  readonly down: LinkDirection;
  readonly up: LinkDirection;
}

/** Joins the ends of a link, by what is between if there is anything. */
export function joinEnds(name: string, upper: PortStreams, lower: PortStreams, between?: LinkBetween): Link {
  const down = between ? { producer: upper.tx, consumer: between.a_tx } : { producer: upper.tx, consumer: lower.rx };
  const up = between ? { producer: lower.tx, consumer: between.b_tx } : { producer: lower.tx, consumer: upper.rx };
  down.consumer.from(down.producer);
  up.consumer.from(up.producer);
  if (between) {
    between.a_tx_fc.from(upper.tx_fc);
    between.b_tx_fc.from(lower.tx_fc);
    upper.rx.from(between.a_rx);
    upper.rx_fc.from(between.a_rx_fc);
    lower.rx.from(between.b_rx);
    lower.rx_fc.from(between.b_rx_fc);
  } else {
    lower.rx_fc.from(upper.tx_fc);
    upper.rx_fc.from(lower.tx_fc);
  }
  return { name, down, up };
}
