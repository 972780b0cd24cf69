import {
  allOf,
  anyOf,
  type Bool,
  Bundle,
  bool,
  cat,
  clog2,
  fromOneHot,
  input,
  lowestBit,
  Module,
  memory,
  mux,
  output,
  reg,
  stream,
  toOneHot,
  u,
  uint,
  when,
} from '@hdl/ts-hdl';
import { completionFields, hasData, lengthDw, Status, tlpBeat } from '../tlp/tlp.ts';

/** Who asked, as the other domain does not know it. */
class Asked extends Bundle({ requester_id: uint(16), tag: uint(10) }) {}

/**
 * Lets requests cross from one PCI domain to another, whose IDs mean somebody else there: a non-posted request gets the bridge's own ID and a tag of its own in the other
 * domain, and the completions for that get the requester's ID and tag back. As many requests as there are entries are under way, further ones wait.
 *
 * An entry is free again with the last completion: one without data or with an error, or with all bytes that remain (2.2.9). One whose completions do not come is given
 * up after one to two times `patience` cycles, which has to be more than the requesters' completion timeout; its completion is dropped if it comes after all, as is any for an
 * entry that is not used. With `enable` 0 requests keep their IDs, so that no completion finds its way back; change it while nothing is under way.
 *
 * Combinational both ways, a beat per cycle. Reset gives up all entries.
 */
export class RequesterTable extends Module<{
  /** Bits of a beat. */
  readonly width: number;
  /** Requests under way: 2 to 256, a power of two. */
  readonly entries: number;
  readonly patience: number;
}> {
  private readonly beat = tlpBeat(this.p.width);
  readonly enable = input(bool);
  /** {bus, device, function} of the bridge in the other domain. */
  readonly own_id = input(uint(16));
  readonly request_in = input(stream(this.beat));
  readonly request_out = output(stream(this.beat));
  readonly completion_in = input(stream(this.beat));
  readonly completion_out = output(stream(this.beat));
  private readonly asked = memory(Asked, { depth: this.p.entries, style: 'distributed' });
  /** By entry: a request is under way; and it was already when time last passed. */
  private readonly used = reg(uint(this.p.entries), { init: 0 });
  private readonly old = reg(uint(this.p.entries), { init: 0 });
  /** The entry of the request that is offered or whose beats are passing, and that there is one. */
  private readonly entry = reg(uint(clog2(this.p.entries)));
  private readonly chosen = reg(bool, { init: 0 });
  /** The entry whose completion is passing, one-hot. */
  private readonly returning = reg(uint(this.p.entries), { init: 0 });
  private readonly elapsed = reg(uint(clog2(this.p.patience)), { init: 0 });

  protected override logic() {
    const { used, old, chosen } = this;
    const bits = clog2(this.p.entries) as number;
    const none = u(this.p.entries, 0);
    const free = lowestBit(used.not());
    const first = fromOneHot(free).as(bits);
    const request = this.request_in;
    const may = this.enable.not().or(chosen).or(free.any());
    const entry = mux(chosen, this.entry, first);
    const { header } = request.payload;
    this.request_out.valid.set(request.valid.and(may));
    this.request_out.put({
      ...request.payload,
      header: {
        ...header,
        requester_id: mux(this.enable, this.own_id, header.requester_id),
        tag: mux(this.enable, entry.zext(10), header.tag),
      },
    });
    request.ready.set(this.request_out.ready.and(may));
    const begins = allOf([this.request_out.valid, this.enable, chosen.not()]);
    when(this.request_out.valid.and(this.enable), () => {
      chosen.set(this.request_out.fire.and(request.payload.last).not());
      this.entry.set(entry);
    });
    when(begins, () => this.asked.write(first, { requester_id: header.requester_id, tag: header.tag }));

    const { done, busy } = this.giveBack();
    const ends = this.elapsed.eq(this.p.patience - 1);
    this.elapsed.set(mux(ends, u(this.elapsed.width, 0), this.elapsed.add(1)));
    const given_up = mux(ends, old.and(busy.or(mux(chosen, toOneHot(this.entry, this.p.entries), none)).not()), none);
    const stay = used.and(done.or(given_up).not());
    used.set(stay.or(mux(begins, free, none)));
    old.set(mux(ends, stay, old.and(stay)));
  }

  /** Completions go back to who asked. @returns the entry that is free again, and those of which a completion is here, by bit. */
  private giveBack() {
    const { completion_in: incoming, completion_out: out, used } = this;
    const bits = clog2(this.p.entries) as number;
    const { header, last } = incoming.payload;
    const entry = header.tag.trunc(bits);
    const known = used
      .shr(entry)
      .bit(0)
      .and(
        header.tag
          .part(bits, 10 - bits)
          .any()
          .not(),
      )
      .and(this.enable);
    const { requester_id, tag } = this.asked.peek(entry);
    out.valid.set(incoming.valid.and(known));
    out.put({ ...incoming.payload, header: { ...header, requester_id, tag } });
    incoming.ready.set(out.ready.or(known.not()));
    const { status, byte_count, lower_address } = completionFields(header);
    // Bytes of this completion: its DW but for what lies before the first byte.
    const bytes = cat(lengthDw(header), u(2, 0)).as(13).sub(lower_address.bits(1, 0).zext(13));
    const left = cat(byte_count.any().not(), byte_count).as(13);
    const final = anyOf([hasData(header).not(), status.ne(Status.success), bytes.ge(left)]);
    const ends: Bool = out.fire.and(last).and(final);
    const none = u(this.p.entries, 0);
    const mine = toOneHot(entry, this.p.entries);
    when(out.fire, () => this.returning.set(mux(last, none, mine)));
    return { done: mux(ends, mine, none), busy: this.returning.or(mux(out.valid, mine, none)) };
  }
}
