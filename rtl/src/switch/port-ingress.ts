import {
  allOf,
  anyOf,
  assert,
  type Bool,
  Bundle,
  bool,
  cat,
  clog2,
  connect,
  input,
  Module,
  mux,
  output,
  reg,
  ShowAheadFifo,
  stream,
  type UInt,
  u,
  uint,
  vec,
  when,
  wire,
} from '@hdl/ts-hdl';
import { at } from '../at.ts';
import { ErrorEvent } from '../config/error-log.ts';
import { ErrorKind } from '../config/error-report.ts';
import { headerWords } from '../config/header-words.ts';
import { MulticastControls } from '../config/multicast-controls.ts';
import { ContainingErrors } from '../config/port-containment.ts';
import { portControls } from '../config/port-controls.ts';
import { payloadTooLong, undefinedType, wrongSingle } from '../endpoint/receive/header-rules.ts';
import { beatsToCome } from '../endpoint/receive/tlp-checker.ts';
import { CreditAllocator } from '../link/credit-allocator.ts';
import { CreditSender } from '../link/credit-sender.ts';
import { type ClassCredits, FcUpdate, fcClasses, PartnerState } from '../link/fc-update.ts';
import { dataCredits, type Header, isCompletion, isPosted, Status, TlpHeader, TlpType, tlpBeat } from '../tlp/tlp.ts';
import { note } from './agent-note.ts';
import { CopyWait } from './copy-wait.ts';
import { Moved } from './crossbar.ts';
import { agentEgress, casterEgress, egressesOf } from './egresses.ts';
import { multicastHit } from './multicast.ts';
import { type ErrorCase, errorMessage, firstOf } from './port-errors.ts';
import { survey, surveyFromAbove, surveyFromPort, type Way, wayOf } from './route.ts';
import { TlpClass } from './tlp-class.ts';
import { queuedBeat, senderOf } from './virtual-output-queues.ts';

/** What a switch port advertises: finite credits of all classes (C70b). */
export interface PortCredits {
  readonly posted: ClassCredits;
  readonly non_posted: ClassCredits;
  readonly completion: ClassCredits;
}

export interface PortIngressParams {
  /** Bits of a beat. */
  readonly width: number;
  /** Downstream ports of the switch. */
  readonly ports: number;
  readonly direction: 'upstream' | 'downstream';
  readonly credits: PortCredits;
  /** Largest payload in bytes. */
  readonly max_payload: number;
  readonly refresh_cycles: number;
  readonly multicast: boolean;
}

const seenFields = (ports: number) => ({
  /** A beat came; it begins a TLP that counts; it is not a first one; it is the last one, by its mark or by its header, which may differ. */
  came: bool,
  begins: bool,
  continues: bool,
  ends: bool,
  wrong_end: bool,
  /** The header or the number of beats is wrong; by port: the payload is too long to leave there; it is beyond the credits. */
  malformed: bool,
  too_long: uint(ports + 1),
  overflows: bool,
  /** An error message to the root complex that does not get there; one that is severe; that contains the port; that is fatal. */
  swallowed: bool,
  severe: bool,
  contains: bool,
  fatal: bool,
});

/** A write to a multicast group, as `MulticastHit`. */
class GroupHit extends Bundle({ hit: bool, blocked: bool }) {}

/** Cycles without a beat after which a TLP of a link that is down will not go on. */
const patience = 32;

/**
 * The receiving side of a switch port: decides for each TLP, hands it to the crossbar with its way, and gives the partner credits for what has left the
 * buffer of the crossbar.
 *
 *     rx ─► header, windows, access rules ─► register ─► way ─► out (crossbar)
 *                                                         └─ dropped, error              gone (crossbar) ─► CreditAllocator × 3 ─► CreditSender ─► tx_fc
 *
 * 1 cycle from `rx` to `out`, a beat per cycle; `rx.ready` is always 1, for the partner has credits for what it sends, and `out.ready` must be. `out` is found
 * from registers, `event` and what goes with it are such. From the end of a TLP that is copied, a broadcast or a write to a multicast group, `rx.ready` is 0 until its copies have
 * left, and they wait for the posted TLPs before it (`follows`), so that nothing overtakes anything (C60, C61); both wait for posted TLPs alone.
 *
 * A TLP goes to a port, or to the agent (the egress after those of the ports): configuration accesses of the switch's own spaces, non-posted requests that
 * nobody takes or access control forbids, broadcast messages. Posted TLPs and completions that nobody takes are dropped here, and so are malformed TLPs (C71d:
 * undefined type, length that does not fit the beats, payload beyond the limit of this port or of the one that it would leave by, C4) and those beyond the
 * credits (C70e). Messages that end here are dropped without a word, error messages from below too where the ports do not pass them on (C90).
 *
 * A TLP with more beats than its header says is cut there; one with fewer, or one that its link has left unfinished for `patience` cycles after it went down,
 * is passed on as it is, for the receiver to see that it is malformed. A link that is down (`link_up` = 0) puts credits back to the beginning: `restart` is 1
 * until it is up again and the buffer has given away what came before. Nothing passes behind a TLP that contains the port (`contains` says
 * so 2 cycles after it began, which the port does not wait for), and the message that does so is dropped (C91).
 */
export class PortIngress extends Module<PortIngressParams> {
  readonly rx = input(stream(tlpBeat(this.p.width)));
  readonly tx_fc = output(stream(FcUpdate));
  readonly partner = input(PartnerState);
  /** Number of this port: 0 upstream, j + 1 downstream port j. */
  readonly port = input(uint(6));
  /** What its own configuration space says, and those of all ports, the upstream one first. */
  readonly own = input(portControls(this.p.ports));
  readonly controls = input(vec(this.p.ports + 1, portControls(this.p.ports)));
  readonly link_up = input(bool);
  /** The port is contained since the cycle before: what begins does not pass, though the link is not down yet. */
  readonly contains = input(bool);
  /** With multicast: what its own configuration space says. */
  readonly groups = this.p.multicast ? input(MulticastControls) : undefined;
  /** Where TLPs that are copied come: the copies of the last one are gone. */
  readonly copied = this.isCopied ? input(bool) : undefined;
  /** There: posted TLPs before it have not left: it has to wait in the buffer. */
  readonly follows = this.isCopied ? output(bool) : undefined;
  readonly out = output(stream(queuedBeat(this.p.width, egressesOf(this.p))));
  /** Egresses that a TLP may begin for in this cycle, known before `out`: that of `out` is one of them. */
  readonly asks = output(uint(egressesOf(this.p)));
  /** A packet left the buffer. */
  readonly gone = input(Moved);
  readonly restart = output(bool);
  readonly event_valid = output(bool);
  readonly event = output(ErrorEvent);
  /** The errors that contain the port, by kind; `event` is one of them. */
  readonly containing = input(ContainingErrors);
  readonly event_contains = output(bool);
  /** Pulses: a TLP was dropped that somebody may miss; ERR_NONFATAL or ERR_FATAL came. */
  readonly dropped = output(bool);
  readonly system_error = output(bool);
  /** With `system_error`: which of them, and its requester ID. */
  readonly system_error_fatal = output(bool);
  readonly system_error_source = output(uint(16));

  private readonly limits: readonly ClassCredits[] = fcClasses.map(name => this.p.credits[name]);
  private readonly allocator = this.limits.map(
    // The longest non-posted TLP with data is a CAS of 32 bytes.
    (limit, i) => new CreditAllocator({ ...limit, payload: i === TlpClass.non_posted ? 2 : this.p.max_payload / 16 }),
  );
  private readonly sender = new CreditSender({ credits: this.p.credits, refresh_cycles: this.p.refresh_cycles });
  private readonly headers = this.limits.reduce((sum, { headers }) => sum + headers, 0);
  /** Class and data credits of dropped TLPs, which the partner has not got back. */
  private readonly refunds = new ShowAheadFifo({ type: uint(12), depth: Math.max(2, this.headers) });
  /** A TLP was dropped in the cycle before: its class and credits. */
  private readonly refunding = reg(bool, { init: 0 });
  private readonly refund = reg(uint(12));
  /** TLPs whose credits the partner has not got back, but for one that began in the cycle before. */
  private readonly held = reg(uint(clog2(this.headers + 1)), { init: 0 });
  private readonly restarting = reg(bool, { init: 0 });

  /** What was found of the beat that came in the cycle before, and where its TLP may go. */
  private readonly seen = reg(Bundle(seenFields(this.p.ports)), { init: 0 });
  private readonly found = reg(survey(this.p.ports));
  private readonly group_hit = this.p.multicast ? reg(GroupHit) : undefined;
  /** Its data; and of its TLP the header and what follows from that. */
  private readonly data = reg(uint(this.p.width));
  private readonly header = reg(TlpHeader);
  /** One-hot. */
  private readonly kind = reg(uint(3));
  private readonly credits = reg(uint(9));
  private readonly relaxed = reg(bool);
  private readonly origin = reg(uint(16));
  /** One-hot: where the TLP went that began last. */
  private readonly egress = reg(uint(egressesOf(this.p)));
  /** Within a TLP that goes on to the crossbar; its beats to come, the next one not counted. */
  private readonly passing = reg(bool, { init: 0 });
  private readonly left = reg(uint(10));
  private readonly idle = reg(uint(clog2(patience)), { init: 0 });
  /** No beat came in all the cycles of `patience`: a TLP that is not over is ended. */
  private readonly gives_up = reg(bool, { init: 0 });
  private readonly lost = reg(bool, { init: 0 });
  private readonly severe = reg(bool, { init: 0 });
  private readonly severe_fatal = reg(bool);
  private readonly severe_source = reg(uint(16));
  /** Contained, and the link is not down yet. */
  private readonly halted = reg(bool, { init: 0 });
  private readonly told = reg(bool, { init: 0 });
  private readonly report = reg(ErrorEvent);
  private readonly report_contains = reg(bool, { init: 0 });
  /** The TLP that began in the cycle before is a message that contains the port. */
  private readonly message_contains = reg(bool, { init: 0 });
  /** Of the beat that comes: the last of its TLP, which may be one that is copied. */
  private readonly coming = this.isCopied ? wire(Bundle({ last: bool, copyable: bool })) : undefined;
  private readonly copy_wait = this.isCopied ? new CopyWait({ posted: this.p.credits.posted.headers }) : undefined;
  /** By class: a TLP left the buffer or was dropped in the cycle before, and its data credits. */
  private readonly freed = reg(uint(3), { init: 0 });
  private readonly freed_credits = reg(vec(3, uint(9)));
  private readonly begins = wire(bool);
  private readonly overflows = wire(bool);
  private readonly drops = wire(bool);

  /** Some of the TLPs that come are copied: broadcasts come from above alone. */
  private get isCopied(): boolean {
    return this.p.multicast || this.p.direction === 'upstream';
  }

  protected override logic() {
    this.rx.ready.set(this.copy_wait ? this.copy_wait.stalls.not() : 1);
    this.begins.set(allOf([this.rx.fire, this.rx.payload.first, this.restarting.not()]));
    this.survey();
    this.receive();
    this.account();
    this.link();
    assert(this.out.valid.not().or(this.out.ready), 'a switch port got more than it gave credits for');
  }

  /** One-hot by class. */
  private classes(): readonly Bool[] {
    const { header } = this.rx.payload;
    const posted = isPosted(header);
    const completion = isCompletion(header);
    return [posted, posted.or(completion).not(), completion];
  }

  /** A beat comes: what of it and its header is found in this cycle goes to `seen`. */
  private survey(): void {
    const { width } = this.p;
    const { rx, begins, own, seen } = this;
    const { header, data, first, last } = rx.payload;
    const [posted = first, non_posted = first, completion = first] = this.classes();
    const remaining = mux(first, beatsToCome(header, Math.log2(width / 32)), this.left);
    const wrong_end = last.ne(remaining.any().not());
    when(rx.fire.and(first.not().or(begins)), () => this.left.set(remaining.sub(1)));

    const [upstream = at(this.controls, 0), ...downstream] = this.controls;
    const found =
      this.p.direction === 'upstream'
        ? surveyFromAbove(header, upstream, downstream)
        : surveyFromPort(header, upstream, downstream, own);
    this.found.set(found);
    const ends = anyOf([last, remaining.any().not()]);
    const malformed = anyOf([undefinedType(header), wrongSingle(header), payloadTooLong(header, own.mps), wrong_end.and(first)]);
    seen.set({
      came: rx.fire,
      begins,
      continues: rx.fire.and(first.not()),
      ends,
      wrong_end,
      malformed,
      too_long: cat(...this.controls.map(to => payloadTooLong(header, to.mps)).toReversed()),
      overflows: this.overflows,
      ...errorMessage(header, own, this.p.direction === 'upstream' ? undefined : upstream),
    });
    const cast = this.groups && multicastHit(header, this.groups);
    if (cast) this.group_hit?.set(cast);
    this.coming?.set({ last: ends, copyable: anyOf([found.broadcast, cast?.hit ?? u(1, 0)]) });
    this.data.set(data);
    when(begins, () => {
      this.header.set(header);
      this.kind.set(cat(completion, non_posted, posted));
      this.credits.set(dataCredits(header));
      this.relaxed.set(this.mayPass(header, completion, posted));
      this.origin.set(senderOf(header, completion));
    });
  }

  /** A cycle later: what becomes of it. */
  private receive(): void {
    const { width } = this.p;
    const { passing, gives_up, seen, port, out, header, data } = this;
    const { came, begins, ends, wrong_end } = seen;
    const posted = this.kind.bit(TlpClass.posted);
    const non_posted = this.kind.bit(TlpClass.non_posted);
    const completion = this.kind.bit(TlpClass.completion);

    const way = wayOf(this.found);
    const { cast, blocked } = this.castOf(way);
    const goes = way.egress.any().and(cast.or(blocked).not());
    const too_long = way.egress.and(seen.too_long).any().and(cast.or(blocked).not());
    const malformed = seen.malformed.or(too_long);
    const refused = anyOf([way.unsupported, way.violation, way.blocked]).and(cast.not()).or(blocked);
    const sound = malformed.or(seen.overflows).not();
    // Whatever else there is to know is and-ed to the way, late as it is, and nothing goes by `goes`.
    const may = allOf([begins, seen.malformed.not(), seen.overflows.not(), this.stopped().not()]);
    const to_port = mux(allOf([may, seen.swallowed.not(), cast.or(blocked).not()]), way.egress.and(seen.too_long.not()), 0);
    const to_caster = may.and(cast);
    // A request that nobody takes is refused, for whatever reason: sooner known than the reason.
    const to_agent = allOf([may, anyOf([way.access, way.broadcast, way.egress.any().not().and(non_posted)])]);
    const enters = anyOf([to_port.any(), to_caster, to_agent]);
    const loses = anyOf([sound.not(), refused.and(non_posted.not())]);
    this.drops.set(allOf([begins, enters.not()]));
    this.lost.set(begins.and(loses));
    this.dropped.set(this.lost);

    const goes_on = seen.continues.and(passing);
    const rests = this.restarting.and(came.not());
    this.idle.set(mux(rests, this.idle.add(1), 0));
    gives_up.set(allOf([rests, passing, this.idle.eq(patience - 2), this.rx.fire.not()]));
    out.valid.set(anyOf([enters, goes_on, gives_up]));
    const begun = this.egresses(to_port, to_agent, to_caster);
    const for_agent = begins.and(anyOf([way.access, way.broadcast, non_posted]));
    const unicast = mux(begins.and(cast.or(blocked).not()), way.egress, 0);
    this.asks.set(this.egresses(unicast, for_agent, begins.and(this.group_hit?.hit ?? 0)));
    assert(begun.and(this.asks.not()).any().not(), 'a TLP begins for an egress that was not asked');
    const egress = begun.or(mux(anyOf([goes_on, gives_up]), this.egress, 0));
    // What begins and goes nowhere does not go on: its rest finds `passing` 0.
    when(begins, () => this.egress.set(begun));
    const status = mux(way.violation.or(way.aborted), u(3, Status.abort), Status.unsupported);
    const told_agent = note(width, { data, port, access: way.access.and(isPoisoned(header).not()), status });
    const type = mux(begins.and(way.convert), u(5, TlpType.config0), header.type);
    out.put({
      beat: {
        header: { ...header, type },
        data: mux(allOf([begins, goes.not(), non_posted]), told_agent, data),
        first: begins,
        last: ends.or(gives_up),
      },
      egress,
      class: this.kind,
      credits: this.credits,
      relaxed: this.relaxed,
      sender: this.origin,
    });
    when(begins, () => passing.set(enters.and(ends.not())))
      .elsewhen(goes_on, () => passing.set(ends.not()))
      .elsewhen(gives_up, () => passing.set(0));

    const { copy_wait: wait, coming, copied, follows } = this;
    if (wait && coming && copied && follows) {
      connect(wait, {
        came: this.rx.fire,
        first: this.rx.payload.first,
        last: coming.last,
        copyable: coming.copyable,
        begins,
        copies: allOf([enters, cast.or(way.broadcast)]),
        posted: enters.and(posted),
        goes_on,
        ends,
        gives_up,
        gone: this.gone.valid.and(this.gone.class.bit(TlpClass.posted)),
        copied,
      });
      follows.set(wait.follows);
    }
    this.severe.set(allOf([begins, seen.severe, goes]));
    this.message_contains.set(allOf([begins, seen.contains, goes]));
    this.severe_fatal.set(seen.fatal);
    this.severe_source.set(header.requester_id);
    const poisoned = isPoisoned(header).and(anyOf([goes, cast, way.access, way.broadcast, way.terminate]));
    const told = anyOf([sound.not(), refused, poisoned]);
    const refusals: readonly ErrorCase[] = [
      [blocked, ErrorKind.multicastBlocked],
      [way.violation, ErrorKind.acsViolation],
      [way.blocked.and(cast.not()), ErrorKind.atomicEgressBlocked],
      [allOf([way.unsupported, cast.not(), completion]), ErrorKind.unexpectedCompletion],
      [way.unsupported.and(cast.not()), ErrorKind.unsupported],
    ];
    const refuses = sound.and(begins);
    const wrong = <W extends number>(of: (kind: number) => UInt<W>): UInt<W> =>
      mux(seen.overflows.and(begins), of(ErrorKind.overflow), of(ErrorKind.malformed)) as UInt<W>;
    // Whoever asked gets an answer, or the one that it is meant for sees it (C89).
    const advisory = allOf([sound, begins, anyOf([posted.not(), refused.not()])]);
    const ends_wrong = goes_on.and(wrong_end);
    // A kind means something beside `told` only: an enable would be a long path with many ends.
    const code = (kind: number) => u(5, kind);
    const kind = mux(refuses, firstOf(refusals, ErrorKind.poisoned, code), wrong(code));
    this.tell(begins.and(told).or(ends_wrong), kind, advisory);
    // By its kind alone, sooner than whether it is advisory: what is refused is, if somebody gets an answer, and what is poisoned always.
    const { containing } = this;
    const refusing = mux(posted, containing.other, containing.advisory);
    const containedBy = (kind: number): Bool => {
      if (kind === ErrorKind.poisoned) return isPoisoned(header).and(containing.advisory.bit(kind));
      return (kind === ErrorKind.overflow || kind === ErrorKind.malformed ? containing.other : refusing).bit(kind);
    };
    const by_wrong = wrong(containedBy).and(begins.or(ends_wrong));
    this.report_contains.set(mux(refuses, firstOf(refusals, ErrorKind.poisoned, containedBy), by_wrong));
  }

  /** The TLP before contained the port, which the port itself says a cycle later; or something did before. */
  private stopped(): Bool {
    return anyOf([this.report_contains, this.message_contains, this.contains, this.halted]);
  }

  /** Writes to multicast groups (C97), whatever their unicast way is; `blocked` ones are refused. */
  private castOf(way: Way): { readonly cast: Bool; readonly blocked: Bool } {
    if (!this.group_hit) return { cast: u(1, 0), blocked: u(1, 0) };
    const { hit, blocked } = this.group_hit;
    const allowed = this.p.direction === 'upstream' ? this.own.memory_enable : this.own.bus_master;
    const counts = allOf([hit, allowed, way.violation.not()]);
    const cast = counts.and(blocked.not());
    return { cast, blocked: counts.and(blocked) };
  }

  /** Relaxed ordering (C60, C64): completions, and non-posted requests with data. */
  private mayPass(header: Header, completion: Bool, posted: Bool): Bool {
    const writes = posted.not().and(header.fmt.bit(1));
    return header.attr.bit(1).and(completion.or(writes));
  }

  /** One-hot by egress of the crossbar. */
  private egresses(to_port: UInt<number>, to_agent: Bool, to_caster: Bool): UInt<number> {
    const bits = Array.from({ length: egressesOf(this.p) }, (_, e) => {
      if (e === agentEgress(this.p)) return to_agent;
      if (e <= this.p.ports) return to_port.bit(e);
      return e === casterEgress(this.p, this.p.direction) ? to_caster : u(1, 0);
    });
    return cat(...bits.toReversed());
  }

  private tell(valid: Bool, kind: UInt<5>, advisory: Bool): void {
    const { header } = this;
    this.told.set(valid);
    this.report.set({ correctable: 0, kind, advisory, header: headerWords(header) });
    this.event_valid.set(this.told);
    this.event.set(this.report);
    this.event_contains.set(this.report_contains);
    this.system_error.set(this.severe);
    this.system_error_fatal.set(this.severe_fatal);
    this.system_error_source.set(this.severe_source);
  }

  /** Credits: taken when a TLP comes, given back when it is gone from the buffer or was dropped. */
  private account(): void {
    const { header } = this.rx.payload;
    const { refunds, gone, begins, seen } = this;
    const credits = dataCredits(header);
    const classes = this.classes();
    const refund = { class: refunds.out.payload.part(9, 3), credits: refunds.out.payload.part(0, 9) };
    const collides = gone.valid.and(gone.class.and(refund.class).any());
    const pays = refunds.out.valid.and(collides.not());
    refunds.out.ready.set(collides.not());
    this.refunding.set(this.drops.and(seen.overflows.not()));
    this.refund.set(cat(this.kind, this.credits));
    refunds.in.valid.set(this.refunding);
    refunds.in.put(this.refund);

    this.allocator.forEach((allocator, i) => {
      const leaves = gone.valid.and(gone.class.bit(i));
      const refunded = pays.and(refund.class.bit(i));
      // Credits come from memories: a cycle later they do not hold up the sums.
      const freed_credits = at(this.freed_credits, i);
      this.freed.bit(i).set(leaves.or(refunded));
      freed_credits.set(mux(leaves, gone.credits, refund.credits));
      connect(allocator, {
        arrives: begins.and(at(classes, i)),
        arrives_data: credits,
        leaves: this.freed.bit(i),
        leaves_data: freed_credits,
        refresh: this.sender.refresh,
        take: this.sender.take.bit(i),
        restart: this.restarting,
      });
    });
    this.overflows.set(anyOf(this.allocator.map(a => a.overflow)));
    const { held } = this;
    const bit = (b: Bool) => b.zext(held.width);
    held.set(
      held
        .add(bit(seen.begins.and(seen.overflows.not())))
        .sub(bit(gone.valid))
        .sub(bit(pays)),
    );
  }

  private link(): void {
    const { sender, restarting } = this;
    const empty = this.held.any().or(this.seen.begins).not();
    when(this.link_up.not(), () => restarting.set(1)).elsewhen(empty, () => restarting.set(0));
    when(restarting, () => this.halted.set(0)).elsewhen(this.contains, () => this.halted.set(1));
    this.restart.set(restarting);
    connect(sender, {
      partner: this.partner,
      tlp_came: this.begins,
      due: cat(...this.allocator.map(a => a.due).toReversed()).as(3),
      headers: this.allocator.map(a => a.headers),
      data: this.allocator.map(a => a.data),
      restart: restarting,
    });
    this.tx_fc.from(sender.fc);
  }
}

/** Its data is not to be used (C71b): a configuration write that has it is answered with Unsupported Request. */
const isPoisoned = (h: Header): Bool => h.ep.and(h.fmt.bit(1));
