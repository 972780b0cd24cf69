import { allOf, bool, connect, input, Module, mux, output, reg, stream, u, uint, vec, when, wire } from '@hdl/ts-hdl';
import { at } from '../at.ts';
import { CreditGate } from '../link/credit-gate.ts';
import { FcKind, FcUpdate, fcClasses, PartnerState } from '../link/fc-update.ts';
import { tlpBeat } from '../tlp/tlp.ts';
import { Moved } from './crossbar.ts';
import { TlpClass } from './tlp-class.ts';

/**
 * The sending side of a switch port: tells the crossbar which classes the partner has credits for, and passes on what comes (C70a, C70c, C70d).
 *
 *     crossbar ─► in ─► tx           rx_fc ─► CreditGate × 3 ─► allowed ─► crossbar
 *
 * No latency: `tx` is `in`, without a path from a ready to a valid. A class may begin while there are a header credit and data credits for the longest payload of the
 * class, or for as many as the partner advertised if it has fewer: so a partner that can hold a single TLP is served. A limit counts 3 cycles after it came.
 * A TLP is counted in the cycle after it began, in which its data credits come (`begun.credits`); the next one of its class may begin in that cycle if there are credits
 * for two. `allowed` are a gate behind registers.
 *
 * While `restart` is 1 the link is down: everything may begin and is dropped, so that nobody waits. After it nothing begins before the partner's credits are
 * known, and the rest of a TLP whose beginning was dropped is dropped too.
 */
export class PortEgress extends Module<{
  /** Bits of a beat. */
  readonly width: number;
  /** Largest payload in bytes. */
  readonly max_payload: number;
}> {
  readonly in = input(stream(tlpBeat(this.p.width)));
  readonly begun = input(Moved);
  readonly rx_fc = input(stream(FcUpdate));
  readonly restart = input(bool);
  readonly allowed = output(uint(3));
  readonly partner = output(PartnerState);
  readonly tx = output(stream(tlpBeat(this.p.width)));
  /**
   * The partner has non-posted data credits for an AtomicOp of any size: who completes or routes AtomicOps advertises at least 2 (C70b). 0 before that is known, and
   * where it advertised 1: a CAS of 128-bit operands would wait for ever.
   */
  readonly takes_atomics = output(bool);

  private readonly gate = fcClasses.map(() => new CreditGate({ late: true }));
  /** By class: a TLP began in the cycle before, which its gate has not counted yet. */
  private readonly took = reg(uint(3), { init: 0 });
  /** By class, but for what began in the cycle before: there are credits for a TLP; for two. */
  private readonly may = reg(uint(3), { init: 0 });
  private readonly ample = reg(uint(3), { init: 0 });
  /** `restart` was 1 in the cycle before: `may` says so still. */
  private readonly restarted = reg(bool, { init: 0 });
  private readonly down = wire(bool);
  /** Data credits of a class that are enough for any of its TLPs. */
  private readonly wanted = reg(vec(3, uint(9)));
  private readonly known = reg(uint(3), { init: 0 });
  private readonly wide = reg(bool, { init: 0 });
  private readonly partner_knows = reg(bool, { init: 0 });
  /** Within a TLP. */
  private readonly midway = reg(bool, { init: 0 });
  /** TLPs go out; else they are dropped. */
  private readonly open = reg(bool, { init: 0 });

  protected override logic() {
    const { in: from, tx, midway, open } = this;
    this.restarted.set(this.restart);
    this.down.set(this.restart.or(this.restarted));
    this.listen();
    const sends = allOf([this.down.not(), open.or(this.partner_knows.and(midway.not()))]);
    open.set(sends);
    when(from.fire, () => midway.set(from.payload.last.not()));
    tx.valid.set(from.valid.and(sends));
    tx.put(from.payload);
    from.ready.set(tx.ready.or(sends.not()));
  }

  private listen(): void {
    const { valid, payload } = this.rx_fc;
    const { restart, down, begun, took } = this;
    const initial = payload.kind.eq(FcKind.init1).or(payload.kind.eq(FcKind.init2));
    this.rx_fc.ready.set(1);
    this.gate.forEach((gate, i) => {
      const mine = valid.and(payload.traffic.eq(i));
      const wanted = at(this.wanted, i);
      const most = i === TlpClass.non_posted ? 2 : this.p.max_payload / 16;
      connect(gate, {
        initialise: mine.and(initial),
        update: mine.and(payload.kind.eq(FcKind.update)),
        headers: payload.headers,
        data: payload.data,
        needed: begun.credits,
        // The next TLP of the class comes to the head at once, and may be as long as any.
        advances: 1,
        following: wanted,
        take: took.bit(i).and(down.not()),
        restart: down,
      });
      when(mine.and(initial), () => {
        this.known.bit(i).set(1);
        wanted.set(mux(payload.data.lt(most), payload.data.trunc(9), u(9, most)));
      });
      // That a TLP begins is known late, and goes through all ingresses again if it holds up the next one: it is looked at in the cycle after.
      took.bit(i).set(allOf([begun.valid, begun.class.bit(i), down.not()]));
      this.may.bit(i).set(restart.or(allOf([gate.enough_next, this.partner_knows, down.not()])));
      this.ample.bit(i).set(restart.or(gate.ample_next));
    });
    when(allOf([valid, this.known.all(), payload.kind.ne(FcKind.init1)]), () => this.partner_knows.set(1));
    when(allOf([valid, initial, payload.traffic.eq(TlpClass.non_posted)]), () => this.wide.set(payload.data.ne(1)));
    this.takes_atomics.set(this.wide);
    when(down, () => {
      this.known.set(0);
      this.wide.set(0);
      this.partner_knows.set(0);
    });
    this.partner.set({ limits_known: this.known.all(), ready: this.partner_knows });
    this.allowed.set(this.may.and(this.ample.or(took.not())));
  }
}
