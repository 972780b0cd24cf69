import { bool, clog2, HdlError, input, Module, mux, output, reg, select, stream, u, uint, vec, when } from '@hdl/ts-hdl';
import { at } from '../at.ts';
import { FcClass, FcKind, FcUpdate, fcClasses, type LinkCredits, PartnerState } from './fc-update.ts';
import { roundRobin, servedUpTo } from './round-robin.ts';

export interface CreditSenderParams {
  readonly credits: LinkCredits;
  /** Cycles from one refresh of all limits to the next; PCI Express wants one at least every 30 µs. */
  readonly refresh_cycles: number;
}

/**
 * Sends the flow control packets of one end (3.4, 2.6.1.2). First the initial credits: InitFC1 of the three classes in turn until the partner's are known
 * (FC_INIT1), then at least three InitFC2 and on until the partner has shown that it knows ours (FC_INIT2). Then UpdateFC of the classes that are due, in
 * turn. A class with infinite credits has initial credits 0 and no updates (C70c).
 *
 * A packet per cycle; `fc` comes from registers. Reset begins anew.
 */
export class CreditSender extends Module<CreditSenderParams> {
  readonly partner = input(PartnerState);
  /** A TLP came: the partner knows our credits. */
  readonly tlp_came = input(bool);
  /** Of each class: an update is due, and its limits. */
  readonly due = input(uint(3));
  readonly headers = input(vec(3, uint(8)));
  readonly data = input(vec(3, uint(12)));
  /** Begins anew, as after a reset: the link is down. */
  readonly restart = input(bool);
  /** The update of this class goes out. */
  readonly take = output(uint(3));
  /** All limits have to be sent again. */
  readonly refresh = output(bool);
  readonly fc = output(stream(FcUpdate));

  /** 0: FC_INIT1, 1: FC_INIT2, 2: normal operation. */
  private readonly phase = reg(uint(2), { init: 0 });
  private readonly turn = reg(uint(2), { init: 0 });
  private readonly known_to_partner = reg(bool, { init: 0 });
  /** Classes up to and including the one last served: they come after the others. */
  private readonly served = reg(uint(3), { init: 0 });
  private readonly timer = reg(uint(clog2(this.p.refresh_cycles)), { init: 0 });
  private readonly packet_valid = reg(bool, { init: 0 });
  private readonly packet = reg(FcUpdate);

  protected override logic() {
    const { refresh_cycles } = this.p;
    if (refresh_cycles < 2) throw new HdlError(`limits are refreshed every 2 cycles at most, not every ${refresh_cycles}`);
    const { timer, packet_valid, packet, phase } = this;
    const free = packet_valid.not().or(this.fc.ready);
    const initialising = phase.ne(2);

    const expires = timer.eq(refresh_cycles - 1);
    timer.set(mux(expires, u(timer.width, 0), timer.add(1)));
    this.refresh.set(expires.and(initialising.not()));

    when(this.partner.ready.or(this.tlp_came), () => this.known_to_partner.set(1));
    this.take.set(0);
    when(free, () => packet_valid.set(initialising.or(this.due.any())));
    when(free.and(initialising), () => this.initialise()).elsewhen(free, () => {
      roundRobin(this.due.words(1), this.served).forEach((chosen, i) => {
        when(chosen, () => {
          this.take.set(1 << i);
          this.served.set(servedUpTo(i));
          packet.set({ kind: FcKind.update, traffic: i, headers: at(this.headers, i), data: at(this.data, i) });
        });
      });
    });
    when(this.restart, () => {
      phase.set(0);
      this.turn.set(0);
      this.known_to_partner.set(0);
      packet_valid.set(0);
    });
    this.fc.valid.set(packet_valid);
    this.fc.put(packet);
  }

  private initialise(): void {
    const { phase, turn, packet } = this;
    const given = fcClasses.map(name => this.p.credits[name]);
    const first = (pick: 'headers' | 'data', width: number) => given.map(c => u(width, c === 'infinite' ? 0 : c[pick]));
    packet.set({
      kind: mux(phase.eq(0), u(2, FcKind.init1), u(2, FcKind.init2)),
      traffic: turn,
      headers: select(turn, first('headers', 8)).as(8),
      data: select(turn, first('data', 12)).as(12),
    });
    turn.set(turn.add(1));
    when(turn.eq(FcClass.completion), () => {
      turn.set(0);
      when(phase.eq(0).and(this.partner.limits_known), () => phase.set(1));
      when(phase.eq(1).and(this.known_to_partner), () => phase.set(2));
    });
  }
}
