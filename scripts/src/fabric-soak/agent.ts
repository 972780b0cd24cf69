import type { TlpBeatType } from '@hdl/pcie-rtl';
import { type LinkCredits, LinkPort, TlpHeader } from '@hdl/pcie-rtl';
import {
  allOf,
  type Bool,
  Bundle,
  bool,
  connect,
  input,
  mux,
  output,
  PacketArbiter,
  reg,
  type Stream,
  stream,
  u,
  uint,
  vec,
  when,
  wire,
} from '@hdl/ts-hdl';
import { Stall } from '../soak/stall.ts';
import { targetOf } from './content.ts';
import { AgentControl, FaultCode, Tally } from './control.ts';
import { Completer, CompletionCheck, PostedCheck, Waiting } from './receivers.ts';
import { type AgentParams, PostedSource, RequestSource } from './sources.ts';
import { StandIn } from './stand-in.ts';

/** The first thing that an agent found wrong. */
export class Fault extends Bundle({
  /** One of `FaultCode`; 0: nothing is wrong. */
  code: uint(4),
  /** The TLP that came or waits, and what should have come in its place. */
  header: TlpHeader,
  expected: TlpHeader,
}) {}

/** What came back for software: how many completions so far, and the last one's status and data. */
export class Answer extends Bundle({ count: uint(32), status: uint(3), data: uint(32) }) {}

export interface TrafficAgentParams extends AgentParams {
  readonly credits: LinkCredits;
  readonly refresh_cycles: number;
}

/** Tag of the configuration requests of software, which the agents' own requests never have. */
export const softwareTag = 0x3ff;

/**
 * What stands at the end of a link in the soak: sends posted and non-posted TLPs to random agents, answers requests, and checks all that comes to the last bit.
 *
 *     PostedSource ──┐             ┌─► stall ─► PostedCheck
 *     RequestSource ─┼─► LinkPort ─┼─► stall ─► Completer ─┐
 *     Completer ─────┘             └─► stall ─► CompletionCheck
 *
 * It has the ports of an endpoint of a `Fabric`; those of the firmware and the media do nothing. The agent 0 is a root complex: software sends configuration
 * requests through it (`software`, `answered`), and what comes up for another agent, since access control redirects it, goes down again.
 */
export class TrafficAgent extends StandIn<TrafficAgentParams> {
  readonly control = input(AgentControl);
  readonly fault = output(Fault);
  readonly tally = output(Tally);
  /** TLPs that it has sent since the reset, by class. */
  readonly sent = output(vec(3, uint(32)));
  /** Nothing of its own is under way, and nobody owes it a completion. */
  readonly idle = output(bool);
  /** Of agent 0: a configuration request of software, of one beat. */
  readonly software = this.p.own === 0 ? input(stream(this.beat)) : undefined;
  /** Of agent 0: completions of such requests. */
  readonly answered = this.p.own === 0 ? output(Answer) : undefined;

  private readonly link = new LinkPort(this.p);
  private readonly posted = new PostedSource(this.p);
  private readonly requests = new RequestSource(this.p);
  private readonly posted_check = new PostedCheck(this.p);
  private readonly completer = new Completer(this.p);
  private readonly completion_check = new CompletionCheck(this.p);
  private readonly stall = [0, 1, 2].map(i => new Stall({ seed: 0x1234_5678 + 0x0101_0101 * (3 * this.p.own + i) }));
  private readonly wait = [new Waiting(), new Waiting(), new Waiting()];
  private readonly arbiter =
    this.p.own === 0 ? [0, 1, 2].map(i => new PacketArbiter({ n: i === 1 ? 3 : 2, type: this.beat })) : [];
  private readonly received = [0, 1, 2].map(() => wire(stream(this.beat)));
  private readonly own = [0, 1, 2].map(() => wire(stream(this.beat)));
  private readonly reflected = this.p.own === 0 ? [0, 1, 2].map(() => wire(stream(this.beat))) : [];
  private readonly for_software = this.p.own === 0 ? wire(bool) : undefined;
  private readonly answer = this.p.own === 0 ? reg(Answer, { init: 0 }) : undefined;
  private readonly found = reg(Fault, { init: 0 });
  private readonly sent_count = reg(vec(3, uint(32)), { init: 0 });
  private readonly cycles = reg(uint(20), { init: 0 });

  protected override logic() {
    super.logic();
    this.receive();
    this.send();
    this.join();
    this.watch();
  }

  private receive(): void {
    const { link, control } = this;
    connect(link, { rx: this.rx, rx_fc: this.rx_fc, relaxed: 1, link_up: this.hot_reset.not() } as never);
    this.tx.from(link.tx);
    this.tx_fc.from(link.tx_fc);
    link.overflow.ready.set(1);
    const stalls = [control.stall_posted, control.stall_requests, control.stall_completions];
    [link.received_posted, link.received_non_posted, link.received_completion].forEach((from, i) => {
      const stall = at(this.stall, i);
      const to = at(this.received, i);
      const passes = stall.open.and(control.blocked.bit(i).not().or(control.free));
      connect(stall, { control: at(stalls, i), salt: control.seed, free: control.free, fires: to.fire });
      to.valid.set(from.valid.and(passes));
      to.put(from.payload);
      from.ready.set(to.ready.and(passes));
    });
    const inputs = [this.posted_check.in, this.completer.in, this.completion_check.in] as const;
    inputs.forEach((to, i) => {
      this.sort(at(this.received, i), to, i);
    });
  }

  /** What has come goes to its checker; at the root, what is for another agent goes down again, and software gets its own. */
  private sort(from: Stream<TlpBeatType>, to: Stream<TlpBeatType>, i: number): void {
    const { for_software, answer } = this;
    const away = this.reflected[i];
    if (!away || !for_software || !answer) {
      to.from(from);
      return;
    }
    const { header, data } = from.payload;
    const elsewhere = targetOf(header).any();
    const softwares = i === 2 ? allOf([elsewhere.not(), header.tag.eq(softwareTag)]) : u(1, 0);
    to.valid.set(allOf([from.valid, elsewhere.not(), softwares.not()]));
    to.put(from.payload);
    away.valid.set(from.valid.and(elsewhere));
    away.put(from.payload);
    from.ready.set(mux(elsewhere, away.ready, to.ready.or(softwares)));
    if (i !== 2) return;
    for_software.set(allOf([from.valid, softwares, from.payload.last]));
    when(for_software, () => {
      answer.set({ count: answer.count.add(1), status: header.address.part(45, 3), data: data.trunc(32) });
    });
    this.answered?.set(answer);
  }

  private send(): void {
    const { link, posted, requests, completer, software } = this;
    [posted.out, requests.out, completer.out].forEach((out, i) => {
      at(this.own, i).from(out);
    });
    [link.posted, link.non_posted, link.completion].forEach((to, i) => {
      const arbiter = this.arbiter[i];
      const reflected = this.reflected[i];
      if (!arbiter || !reflected) {
        to.from(at(this.own, i));
        return;
      }
      const extra = i === 1 && software ? [software] : [];
      connect(arbiter, { in: [at(this.own, i), reflected, ...extra] });
      to.from(arbiter.out);
    });
  }

  private join(): void {
    const { control, posted, requests, posted_check, completer, completion_check } = this;
    const now = this.cycles.part(12, 8);
    const walk = this.cycles.part(0, 6);
    this.cycles.set(this.cycles.add(1));
    connect(posted, { control, walk, named_request: requests.named_target, named_completion: completer.named_target });
    connect(requests, { control, walk, busy: completion_check.busy, now, stamp: posted.entered_request });
    connect(posted_check, {
      control,
      walk,
      named_request: completer.named_source,
      named_completion: completion_check.named_source,
    } as never);
    connect(completer, { control, walk, came: posted_check.came_request, stamp: posted.entered_completion } as never);
    connect(completion_check, {
      control,
      walk,
      asks: requests.asks,
      tag: requests.tag,
      asked: requests.asked,
      now,
      came: posted_check.came_completion,
    } as never);
    this.tally.set({
      posted_sent: posted.sent_count,
      posted_received: posted_check.received_count,
      requests_sent: requests.sent_count,
      requests_received: completer.received_count,
      requests_done: completion_check.done_count,
    });
    this.own.forEach((each, i) => {
      const count = at(this.sent_count, i);
      when(each.fire.and(each.payload.first), () => count.set(count.add(1)));
    });
    this.sent.set(this.sent_count);
    this.idle.set(allOf([posted.idle, requests.idle, completer.idle]));
  }

  private watch(): void {
    const { posted_check, completer, completion_check, found, link } = this;
    this.own.forEach((waits, i) => {
      connect(at(this.wait, i), { valid: waits.valid, ready: waits.ready, patience: this.control.patience });
    });
    const came = (i: number) => at(this.received, i).payload.header;
    const waiting = (i: number) => at(this.own, i).payload.header;
    const nothing = came(0);
    const list: readonly (readonly [condition: Bool, code: number, header: typeof nothing, expected: typeof nothing])[] = [
      [posted_check.header_differs, FaultCode.posted, came(0), posted_check.expected],
      [posted_check.data_differs, FaultCode.posted_data, came(0), posted_check.expected],
      [completer.header_differs, FaultCode.request, came(1), completer.expected],
      [completer.data_differs, FaultCode.request_data, came(1), completer.expected],
      [completer.passed, FaultCode.request_passes, came(1), completer.expected],
      [completion_check.unexpected, FaultCode.unexpected, came(2), completion_check.expected],
      [completion_check.out_of_order, FaultCode.completion_order, came(2), completion_check.expected],
      [completion_check.header_differs, FaultCode.completion, came(2), completion_check.expected],
      [completion_check.data_differs, FaultCode.completion_data, came(2), completion_check.expected],
      [completion_check.passed, FaultCode.completion_passes, came(2), completion_check.expected],
      [at(this.wait, 0).too_long, FaultCode.posted_starves, waiting(0), waiting(0)],
      [at(this.wait, 1).too_long, FaultCode.request_starves, waiting(1), waiting(1)],
      [at(this.wait, 2).too_long, FaultCode.completion_starves, waiting(2), waiting(2)],
      [completion_check.starves, FaultCode.completion_starves, waiting(1), waiting(1)],
      [link.overflow.valid, FaultCode.overflow, link.overflow.payload, link.overflow.payload],
    ];
    when(found.code.any().not(), () => {
      for (const [condition, code, header, expected] of list.toReversed())
        when(condition, () => {
          found.set({ code, header, expected });
        });
    });
    this.fault.set(found);
  }
}

export function at<T>(list: readonly T[], index: number): T {
  const item = list[index];
  if (item === undefined) throw new RangeError(`index ${index} of a list of ${list.length}`);
  return item;
}
