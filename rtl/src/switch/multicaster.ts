import {
  allOf,
  bool,
  cat,
  clog2,
  connect,
  input,
  Module,
  mux,
  output,
  reg,
  repeat,
  stream,
  type UInt,
  u,
  uint,
  vec,
  when,
} from '@hdl/ts-hdl';
import { at } from '../at.ts';
import { MulticastControls } from '../config/multicast-controls.ts';
import { payloadTooLong } from '../endpoint/receive/header-rules.ts';
import { dataCredits, tlpBeat } from '../tlp/tlp.ts';
import { Broadcaster } from './broadcaster.ts';
import { Moved } from './crossbar.ts';
import { egressesOf } from './egresses.ts';
import { groupOf } from './multicast.ts';
import { TlpClass } from './tlp-class.ts';
import { queuedBeat } from './virtual-output-queues.ts';

export interface MulticasterParams {
  /** Bits of a beat. */
  readonly width: number;
  /** Downstream ports. */
  readonly ports: number;
  /** Largest payload in bytes. */
  readonly max_payload: number;
  /** Beats that the buffer of its ingress holds. */
  readonly slots: number;
}

/**
 * Copies writes to multicast groups (6.14, C97): a port of the crossbar without a link. It takes a write whole, and sends it to every port that receives the group
 * but the one that it came in by: the lowest first, none where the link is down or the payload is beyond the limit of the port (C4).
 *
 *     in ─► register ─► Broadcaster ─► register ─► out
 *
 * One write at a time: `allowed` tells the crossbar. `done` says whose copies have all left the crossbar's buffer, so that what this port gets next cannot overtake
 * them. 3 cycles from the last beat to the first one of the first copy, a beat per cycle from then on. Through a switch the first copy leaves 10 cycles after the last
 * beat came, and a write of b beats for n ports keeps its ingress busy for (n + 1) b + 9 cycles if nothing else wants the egresses. Reset drops what is inside.
 */
export class Multicaster extends Module<MulticasterParams> {
  private readonly all = this.p.ports + 1;
  readonly in = input(stream(tlpBeat(this.p.width)));
  /** A write to be copied begins to move, from this ingress (one-hot). */
  readonly begun = input(Moved);
  readonly origin = input(uint(this.all));
  readonly allowed = output(uint(3));
  /** By port, the upstream one first: what it receives; TLPs may leave by it. */
  readonly controls = input(vec(this.all, MulticastControls));
  readonly open = input(uint(this.all));
  /** Payload limits, 128 << n bytes. */
  readonly limits = input(vec(this.all, uint(3)));
  /** A packet of its own has left the crossbar's buffer. */
  readonly gone = input(Moved);
  readonly out = output(stream(queuedBeat(this.p.width, egressesOf({ ports: this.p.ports, multicast: true }))));
  /** One-hot by port: the copies of what it sent are all gone; 1 for a cycle. */
  readonly done = output(uint(this.all));

  /** Copies that may wait in the crossbar: whatever their length, there is room. */
  private readonly most = Math.floor((this.p.slots * this.p.width) / (8 * this.p.max_payload + this.p.width));
  private readonly broadcaster = new Broadcaster({ width: this.p.width, ports: this.all, max_payload: this.p.max_payload });
  private readonly busy = reg(bool, { init: 0 });
  private readonly from = reg(uint(this.all));
  private readonly put_valid = reg(bool, { init: 0 });
  private readonly put_beat = reg(tlpBeat(this.p.width));
  private readonly group = reg(uint(6));
  private readonly copied = reg(bool, { init: 0 });
  private readonly waiting = reg(uint(clog2(this.most + 1)), { init: 0 });
  private readonly beat_valid = reg(bool, { init: 0 });
  private readonly beat = reg(queuedBeat(this.p.width, egressesOf({ ports: this.p.ports, multicast: true })));

  protected override logic() {
    const { broadcaster, busy, from, group, copied, waiting } = this;
    const done = copied.and(waiting.any().not());
    when(this.begun.valid, () => {
      busy.set(1);
      from.set(this.origin);
    }).elsewhen(done, () => busy.set(0));
    when(broadcaster.done, () => copied.set(1)).elsewhen(done, () => copied.set(0));
    this.allowed.set(cat(u(2, 0), busy.not()).as(3));
    this.done.set(from.and(repeat(done, this.all) as UInt<number>));

    this.in.ready.set(1);
    this.put_valid.set(this.in.valid);
    this.put_beat.set(this.in.payload);
    // All ports are told the same window (6.14.1): that of the upstream port counts.
    group.set(groupOf(this.in.payload.header, at(this.controls, 0)));
    const wanted = this.controls.map((own, i) => {
      const fits = payloadTooLong(this.put_beat.header, at(this.limits, i)).not();
      return allOf([own.receive.bit(group), this.open.bit(i), from.bit(i).not(), fits]);
    });
    connect(broadcaster, {
      put: this.put_valid,
      beat: this.put_beat,
      wanted: cat(...wanted.toReversed()),
      room: waiting.ne(this.most),
    });
    const copy = broadcaster.out;
    copy.ready.set(1);
    this.beat_valid.set(copy.valid);
    this.beat.set({
      beat: copy.payload,
      egress: mux(copy.valid, broadcaster.out_port, 0).zext(this.beat.egress.width),
      class: 1 << TlpClass.posted,
      credits: dataCredits(copy.payload.header),
      relaxed: 0,
      sender: copy.payload.header.requester_id,
    });
    const sent = copy.valid.and(copy.payload.first);
    waiting.set(waiting.add(sent.zext(waiting.width)).sub(this.gone.valid.zext(waiting.width)));
    this.out.valid.set(this.beat_valid);
    this.out.put(this.beat);
  }
}
