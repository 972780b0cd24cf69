import {
  allOf,
  assert,
  type Bool,
  Bundle,
  bool,
  clog2,
  connect,
  drive,
  input,
  Module,
  memory,
  mux,
  output,
  reg,
  stream,
  type UInt,
  u,
  uint,
  when,
} from '@hdl/ts-hdl';
import { type Header, hasData, lengthDw, tlpBeat } from '../../tlp/tlp.ts';
import { FcUpdate } from '../fc-update.ts';
import { afterCycles } from './after-cycles.ts';
import { BitErrors, type ErrorRates } from './bit-errors.ts';
import { DelayLine } from './delay-line.ts';
import { LinkBudget } from './link-budget.ts';

export interface LinkDirectionParams {
  /** Bits of a beat. */
  readonly width: number;
  /** Cycles on the way, `leastLatency` at least. */
  readonly latency: number;
  /** Bytes per cycle for TLPs, and those set aside for flow control updates. */
  readonly tlp_rate: number;
  readonly update_rate: number;
  /** Whether updates beyond their rate take bytes of TLPs; else they wait. */
  readonly updates_borrow: boolean;
  /** Bytes before and behind the header, payload and digest of a TLP. */
  readonly framing: { readonly start: number; readonly end: number };
  /** None without it. */
  readonly errors?: ErrorRates | undefined;
  /** Cycles from the end of a TLP that came damaged until it is sent again. */
  readonly replay_cycles: number;
}

/** The least `latency` of a direction in cycles. */
export const leastLatency = 4;

/** Bytes of the longest TLP's payload and digest. */
const longestBody = 4096 + 4;

/** What the sender wants to know of a beat. */
class BeatOnLink extends Bundle({ bytes: uint(7), first: bool, last: bool }) {}

/**
 * One direction of a `LinkModel`: TLPs and flow control updates from one end to the other.
 *
 *     tlp_in ─► memory of beats ─(whole TLPs, at the link's rate)─► on the way ─(`latency` cycles)─► register ─► tlp_out
 *     fc_in ──(the same budget)─────────────────────────────────────────────────────► DelayLine ──────────────► fc_out
 *
 * The beats stay in one memory; pointers say how far they were written, sent, have arrived and were taken. A TLP begins to be sent once its last beat is
 * there, because a link cannot stop within a TLP; its beats then arrive one by one (cut-through), each when all its bytes have come: with header and what
 * stands before it in the first beat, and what stands behind in the last. So a TLP of one beat that comes to an idle link in cycle t is offered in cycle
 * t + `latency` + ceil(bytes / rate), and a beat of n bytes follows the one before in n / rate cycles on average. An update takes `latency` cycles.
 *
 * A receiver that does not take stops the sender only when the memory is full. Nothing is lost but by `sends` = 0 (TLPs and updates are taken and dropped,
 * the TLP that is being sent goes on) and `receives` = 0 (all that is on the way is lost, but a TLP that the receiver has begun to see comes to its end,
 * at a beat per cycle). A TLP whose beginning was dropped is dropped to its end. While `pause` is 1 no TLP and no update begins.
 *
 * A TLP that is damaged is not shown to the receiver: its bytes are lost, and so is the time until it is sent again, `replay_cycles`. A damaged update is lost.
 *
 * `tlp_out` and `fc_out` come from registers, `ready` from registers and `sends`, `receives`, `pause`. Reset empties all.
 */
export class LinkDirection extends Module<LinkDirectionParams> {
  readonly tlp_in = input(stream(tlpBeat(this.p.width)));
  readonly fc_in = input(stream(FcUpdate));
  readonly tlp_out = output(stream(tlpBeat(this.p.width)));
  readonly fc_out = output(stream(FcUpdate));
  /** The link is up for the sender, and for the receiver. `sends` may rise only while `quiet`. */
  readonly sends = input(bool);
  readonly receives = input(bool);
  readonly pause = input(bool);
  /** The receiver has seen the last that it sees: nothing more comes until `receives` is 1 again. */
  readonly quiet = output(bool);

  private readonly address_bits = clog2(this.p.latency + 8 + Math.ceil(longestBody / (this.p.width / 8)));
  private readonly pointer = uint(this.address_bits + 1);
  private readonly beats = memory(tlpBeat(this.p.width), { depth: 2 ** this.address_bits, style: 'block' });
  private readonly on_link = memory(BeatOnLink, { depth: 2 ** this.address_bits, style: 'distributed' });
  private readonly write_pointer = reg(this.pointer, { init: 0 });
  /** The end of the last TLP that is here as a whole. */
  private readonly whole_pointer = reg(this.pointer, { init: 0 });
  private readonly send_pointer = reg(this.pointer, { init: 0 });
  /** The beginning of the TLP that is being sent. */
  private readonly begin_pointer = reg(this.pointer, { init: 0 });
  private readonly arrive_pointer = reg(this.pointer, { init: 0 });
  private readonly read_pointer = reg(this.pointer, { init: 0 });
  /** Within a TLP: coming in, and being taken by the receiver. */
  private readonly entering = reg(bool, { init: 0 });
  private readonly leaving = reg(bool, { init: 0 });
  /** The TLP that is being sent is damaged. */
  private readonly damaged = this.p.errors && reg(bool, { init: 0 });
  private readonly replay = reg(uint(clog2(this.p.replay_cycles + 1)), { init: 0 });
  private readonly on_the_way = reg(uint(this.p.latency - 3), { init: 0 });
  private readonly word_valid = reg(bool, { init: 0 });
  private readonly budget = new LinkBudget({ tlp_rate: this.p.tlp_rate, update_rate: this.p.update_rate });
  private readonly updates = new DelayLine({ type: FcUpdate, latency: this.p.latency });
  private readonly errors = this.p.errors && new BitErrors(this.p.errors);

  protected override logic() {
    this.accept();
    this.send();
    this.deliver();
    when(this.receives.not().and(this.leaving.not()), () => {
      for (const pointer of [this.write_pointer, this.whole_pointer, this.send_pointer, this.arrive_pointer, this.read_pointer])
        pointer.set(0);
      this.on_the_way.set(0);
      this.replay.set(0);
    });
    this.quiet.set(allOf([this.receives.not(), this.leaving.not(), this.word_valid.not(), this.updates.out.valid.not()]));
  }

  /** Beats come in. */
  private accept(): void {
    const { write_pointer, entering, tlp_in } = this;
    const { header, first, last } = tlp_in.payload;
    const open = this.sends.and(this.receives);
    const free = write_pointer.sub(this.read_pointer).ne(2 ** this.address_bits);
    tlp_in.ready.set(open.not().or(free));
    const put = allOf([tlp_in.valid, open, free, first.or(entering)]);
    when(put, () => {
      const address = write_pointer.trunc(this.address_bits);
      this.beats.write(address, tlp_in.payload);
      this.on_link.write(address, { bytes: this.bytesOf(header, first, last), first, last });
      write_pointer.set(write_pointer.add(1));
      entering.set(last.not());
    });
    when(put.and(last), () => this.whole_pointer.set(write_pointer.add(1)));
    when(open.not(), () => entering.set(0));
    const stuck = free.not().and(this.read_pointer.eq(this.whole_pointer));
    assert(stuck.not(), 'a TLP on a link is longer than a TLP can be');
  }

  /** Bytes that a beat takes on the link. */
  private bytesOf(header: Header, first: Bool, last: Bool): UInt<7> {
    const lanes = this.p.width / 32;
    const { start, end } = this.p.framing;
    const body = mux(hasData(header), lengthDw(header), u(11, 0)).add(header.td.zext(11));
    // DW in the last beat: 1 to all lanes, or none if there is no body.
    const rest = body.sub(1).trunc(clog2(lanes)).zext(5).add(1);
    const in_last = mux(body.any(), rest, u(5, 0));
    const data = mux(last, in_last, u(5, lanes)).zext(7).shl(2);
    const before = mux(header.fmt.bit(0), u(7, start + 16), u(7, start + 12));
    return data.add(mux(first, before, u(7, 0))).add(mux(last, u(7, end), u(7, 0)));
  }

  /** Beats and updates go on the link. */
  private send(): void {
    const { send_pointer, begin_pointer, budget, pause, errors, updates, fc_in } = this;
    const next = this.on_link.peek(send_pointer.trunc(this.address_bits));
    const open = this.sends.and(this.receives);
    const waits = pause.or(this.replay.any());

    const affordable = this.p.updates_borrow
      ? budget.update_free.or(allOf([budget.update_enough, waits.not()]))
      : budget.update_free;
    const may = allOf([affordable, pause.not(), updates.in.ready]);
    const update = allOf([fc_in.valid, open, may]);
    fc_in.ready.set(open.not().or(may));
    updates.in.valid.set(errors ? update.and(errors.update.not()) : update);
    updates.in.put(fc_in.payload);
    drive(updates.clear).set(this.receives.not());
    this.fc_out.from(updates.out);
    const borrows = update.and(budget.update_free.not());

    const some = send_pointer.ne(this.whole_pointer);
    const begins = allOf([open, waits.not()]);
    const goes = allOf([some, next.first.not().or(begins), budget.enough, borrows.not()]);
    const bad = errors && this.damaged ? mux(next.first, errors.tlp, this.damaged) : u(1, 0);
    const begin = mux(next.first, send_pointer, begin_pointer);
    when(goes, () => {
      send_pointer.set(mux(next.last.and(bad), begin, send_pointer.add(1)));
      begin_pointer.set(begin);
      this.damaged?.set(bad);
    });
    when(allOf([goes, next.last, bad]), () => this.replay.set(this.p.replay_cycles)).elsewhen(this.replay.any(), () =>
      this.replay.set(this.replay.sub(1)),
    );
    when(afterCycles(this.on_the_way, goes.and(bad.not())), () => this.arrive_pointer.set(this.arrive_pointer.add(1)));

    const between = waits.and(some.not().or(next.first));
    connect(budget, {
      busy: some.or(fc_in.valid).and(between.not()),
      cost: next.bytes,
      spend: goes,
      update,
    });
    if (errors) connect(errors, { tlp_begins: goes.and(next.first), update_begins: update });
  }

  /** Beats leave. */
  private deliver(): void {
    const { read_pointer, word_valid, leaving } = this;
    const address = read_pointer.trunc(this.address_bits);
    // The end of a TLP is here from its beginning.
    const some = this.arrive_pointer.ne(read_pointer).and(this.receives).or(leaving.and(this.receives.not()));
    const fetch = some.and(word_valid.not().or(this.tlp_out.ready));
    const word = this.beats.read(address, fetch);
    when(fetch, () => {
      read_pointer.set(read_pointer.add(1));
      word_valid.set(1);
      leaving.set(this.on_link.peek(address).last.not());
    }).elsewhen(this.tlp_out.ready, () => word_valid.set(0));
    this.tlp_out.valid.set(word_valid);
    this.tlp_out.put(word);
  }
}
