import {
  allOf,
  anyOf,
  type Bool,
  bool,
  clog2,
  connect,
  HdlError,
  input,
  Module,
  output,
  reg,
  stream,
  uint,
  when,
} from '@hdl/ts-hdl';
import { tlpBeat } from '../../tlp/tlp.ts';
import { FcUpdate } from '../fc-update.ts';
import { afterCycles } from './after-cycles.ts';
import type { ErrorRates } from './bit-errors.ts';
import { LinkDirection, leastLatency } from './link-direction.ts';
import { framingBytes, type LinkKind, linkRate, linkRates } from './link-rate.ts';
import { LinkFault, TlpFaults } from './tlp-faults.ts';

export interface LinkModelParams extends LinkKind {
  /** Bits of a beat: 64, 128, 256 or 512. */
  readonly width: number;
  /** Of the design that the model is in. */
  readonly clock_mhz: number;
  /** Each way, to the nearest cycle; 4 cycles at least. */
  readonly latency_ns: number;
  /** Cycles from the end of what took the link down, or from reset, until it is up; 64 by default (milliseconds on real links). */
  readonly training_cycles?: number;
  /** Cycles in which a retrained link sends nothing; 64 by default (microseconds on real links). */
  readonly recovery_cycles?: number;
  /** Damage on the way, in each direction; none by default. */
  readonly errors?: ErrorRates;
  /** The lower device can be made to fail as `TlpFaults` says; not by default. */
  readonly faults?: true;
}

/** Cycles of `ns` nanoseconds. */
const cyclesOf = (ns: number, clock_mhz: number): number => Math.round((ns * clock_mhz) / 1000);

/** What follows from the parameters of a `LinkModel`, for those who compute with it. @throws HdlError for a link that cannot be, or not at that clock. */
export function linkTiming(params: Omit<LinkModelParams, 'errors'>) {
  const { width, clock_mhz, latency_ns } = params;
  if (![64, 128, 256, 512].includes(width)) throw new HdlError(`the width of a beat is 64, 128, 256 or 512 bits, not ${width}`);
  if (!(clock_mhz > 0)) throw new HdlError(`a clock has more than 0 MHz, not ${clock_mhz}`);
  const rates = linkRates(params);
  checkRate(params);
  const { tlps, updates, ack_delay } = rates;
  const cycle = 1 / (clock_mhz * 1e6);
  const latency = Math.max(leastLatency, cyclesOf(latency_ns, clock_mhz));
  return {
    /** Cycles each way. */
    latency,
    /** Bytes per cycle. */
    tlp_rate: tlps * cycle,
    update_rate: updates * cycle,
    /** Cycles from the end of a damaged TLP to its replay: there, the partner's delay until it sends the NAK, and back. */
    replay_cycles: 2 * latency + Math.ceil(ack_delay / cycle),
  };
}

function checkRate(params: Omit<LinkModelParams, 'errors'>): void {
  const { width, clock_mhz, generation, lanes, max_payload } = params;
  const needed = linkRate({ ...params, payload: max_payload, header_dwords: 3 });
  const carried = (bits: number) => (bits / 8) * clock_mhz * 1e6;
  if (carried(width) >= needed) return;
  const wide = [64, 128, 256, 512].find(bits => carried(bits) >= needed);
  const least = Math.ceil(needed / (width / 8) / 1e6);
  const GB = (rate: number) => `${(rate / 1e9).toFixed(2)} GB/s`;
  throw new HdlError(
    `a generation ${generation} link of ${lanes} lanes carries ${GB(needed)} of payload, and ${width} bits at ${clock_mhz} MHz only ${GB(carried(width))}`,
    { help: `${wide ? `make the beats ${wide} bits wide, or ` : ''}run the clock at ${least} MHz or more` },
  );
}

/**
 * A link between its upper end `a` (a root port or a switch's downstream port) and its lower end `b` (an endpoint or a switch's upstream port). For simulation:
 * generation, lanes, latency, the bytes of framing, LCRC and DLLPs, damage with replay, and the ways in which a link goes down. Names are those of the
 * connected end: `a_tx` is what end a sends.
 *
 *           a_tx, a_tx_fc ─► LinkDirection ─► b_rx, b_rx_fc
 *      a                                                       b
 *           a_rx, a_rx_fc ◄─ LinkDirection ◄─ b_tx, b_tx_fc
 *              a_up ◄───────── up or down ──────────► b_up
 *
 * Rates are those of `linkRates`, latency and order those of `LinkDirection`.
 *
 * - After reset, and after whatever took it down, the link trains for `training_cycles` and is then up for both ends in the same cycle. Credits begin
 *   anew: an end has to forget the partner while its `up` is 0 (`LinkPort`, or a reset of the whole device).
 * - `down`, surprise removal: while it is 1 the link is down. What is on the way is lost.
 * - `hot_reset`, from the upper end: its link is down at once, the lower end's after the latency (in-band). While it is 1 the link stays down.
 * - `retrain`: while it is 1 and for `recovery_cycles` after, no TLP and no update begins (the Recovery state). The link stays up and nothing is lost.
 *
 * An end never sees a TLP without its end. One of which it saw the beginning is completed from the model's memory, with its right data, when the link goes
 * down; only then its `up` falls. All others are lost as a whole. So the link goes down behind a TLP that was delivered, not within it, and
 * no end needs to know nullified TLPs (EDB).
 *
 * `a_up` goes to `link_up` of the upper port, the inverse of `b_up` to `hot_reset` of the device below. All outputs come from registers.
 */
export class LinkModel extends Module<LinkModelParams> {
  readonly a_tx = input(stream(tlpBeat(this.p.width)));
  readonly a_tx_fc = input(stream(FcUpdate));
  readonly a_rx = output(stream(tlpBeat(this.p.width)));
  readonly a_rx_fc = output(stream(FcUpdate));
  readonly b_tx = input(stream(tlpBeat(this.p.width)));
  readonly b_tx_fc = input(stream(FcUpdate));
  readonly b_rx = output(stream(tlpBeat(this.p.width)));
  readonly b_rx_fc = output(stream(FcUpdate));
  readonly hot_reset = input(bool);
  readonly down = input(bool);
  readonly retrain = input(bool);
  readonly a_up = output(bool);
  readonly b_up = output(bool);
  /** With `faults`. */
  readonly fault = this.p.faults && input(LinkFault);
  readonly faulted = this.p.faults && output(bool);

  private readonly timing = linkTiming(this.p);
  private readonly training = this.p.training_cycles ?? 64;
  private readonly recovery = this.p.recovery_cycles ?? 64;
  private readonly downward = this.direction(0);
  private readonly upward = this.direction(1);
  private readonly device_faults = this.p.faults && new TlpFaults({ width: this.p.width });
  /** The link is up for an end; what it has begun to see may still come to its end when this is 0. */
  private readonly a_open = reg(bool, { init: 0 });
  private readonly b_open = reg(bool, { init: 0 });
  private readonly a_sees = reg(bool, { init: 0 });
  private readonly b_sees = reg(bool, { init: 0 });
  private readonly reset_on_the_way = reg(uint(this.timing.latency), { init: 0 });
  private readonly to_train = reg(uint(clog2(this.training + 1)), { init: this.training });
  private readonly to_recover = reg(uint(clog2(this.recovery + 1)), { init: 0 });

  private direction(index: number): LinkDirection {
    const { width, generation, errors } = this.p;
    return new LinkDirection({
      width,
      ...this.timing,
      updates_borrow: generation !== 6,
      framing: framingBytes(generation),
      errors: errors && { ...errors, seed: errors.seed + index },
    });
  }

  protected override logic() {
    for (const [name, cycles] of Object.entries({ training_cycles: this.training, recovery_cycles: this.recovery }))
      if (!Number.isInteger(cycles) || cycles < 1) throw new HdlError(`${name} is a number of cycles from 1, not ${cycles}`);
    const { downward, upward, a_open, b_open, a_sees, b_sees } = this;
    const pause = this.recover();
    const { b_tx, a_tx_fc } = this.device();
    connect(downward, { tlp_in: this.a_tx, fc_in: a_tx_fc, sends: a_open, receives: b_open, pause });
    connect(upward, { tlp_in: b_tx, fc_in: this.b_tx_fc, sends: b_open, receives: a_open, pause });
    this.b_rx.from(downward.tlp_out);
    this.b_rx_fc.from(downward.fc_out);
    this.a_rx.from(upward.tlp_out);
    this.a_rx_fc.from(upward.fc_out);

    this.train();
    a_sees.set(a_open.or(a_sees.and(upward.quiet.not())));
    b_sees.set(b_open.or(b_sees.and(downward.quiet.not())));
    this.a_up.set(a_sees);
    this.b_up.set(b_sees);
  }

  /** What the lower device sends, and the credits for it. */
  private device() {
    const { device_faults, fault, b_tx, a_tx_fc } = this;
    if (!device_faults || !fault) return { b_tx, a_tx_fc };
    connect(device_faults, { fault, in: b_tx, fc_in: a_tx_fc });
    this.faulted?.set(device_faults.done);
    return { b_tx: device_faults.out, a_tx_fc: device_faults.fc_out };
  }

  /** What takes the link down, and what brings it up. */
  private train(): void {
    const { a_open, b_open, a_sees, b_sees, to_train, hot_reset, down } = this;
    const reset_comes = afterCycles(this.reset_on_the_way, hot_reset);
    const resetting = anyOf([hot_reset, this.reset_on_the_way.any(), down]);
    const may_train = allOf([resetting.not(), a_sees.not(), b_sees.not(), a_open.not()]);
    to_train.set(this.training);
    when(may_train, () => {
      to_train.set(to_train.sub(1));
      when(to_train.eq(1), () => {
        a_open.set(1);
        b_open.set(1);
      });
    });
    when(down.or(hot_reset), () => a_open.set(0));
    when(down.or(reset_comes), () => b_open.set(0));
  }

  /** @returns whether a retrained link is silent. */
  private recover(): Bool {
    const { retrain, to_recover } = this;
    when(retrain, () => to_recover.set(this.recovery)).elsewhen(to_recover.any(), () => to_recover.set(to_recover.sub(1)));
    return to_recover.any();
  }
}
