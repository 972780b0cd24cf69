import { tlpBeat } from '@hdl/pcie-rtl';
import {
  allOf,
  anyOf,
  type Bool,
  Bundle,
  bool,
  cat,
  connect,
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
import { agentBits, contentOf, postedTlp, requestTlp, stampBits, tagBits, tagOf, type Way } from './content.ts';
import { AgentControl } from './control.ts';
import { RandomNumbers } from './random.ts';
import { TlpMaker } from './tlp-streams.ts';

export interface AgentParams {
  /** Bits of a beat. */
  readonly width: number;
  /** Number of the agent, and how many there are. */
  readonly own: number;
  readonly agents: number;
  /** Largest payload in bytes: 128, 256 or 512. */
  readonly max_payload: number;
}

/** Words of a table by agent and whether relaxed. */
const pairs = 2 ** (agentBits + 1);

/** Chooses in each cycle, at random, whether to send, to whom, and whether relaxed: the first of three agents that may be sent to, so that few targets get as much as many. */
function chosen(random: UInt<32>, control: Pick<AgentControlSig, 'targets' | 'hot' | 'hot_rate'>, rate: UInt<8>, p: AgentParams) {
  const hot = random.part(24, 8).lt(control.hot_rate);
  const allowed = (agent: UInt<5>) => allOf([control.targets.bit(agent), agent.ne(p.own), agent.lt(p.agents)]);
  const [first, second, third] = [random.part(0, 5), random.part(16, 5), random.part(19, 5)];
  const target = mux(hot, control.hot, mux(allowed(first), first, mux(allowed(second), second, third)));
  const may = allowed(target);
  return { goes: may.and(random.part(8, 8).lt(rate)), target, relaxed: random.part(6, 2).any().not() };
}
type AgentControlSig = {
  readonly targets: UInt<32>;
  readonly hot: UInt<5>;
  readonly hot_rate: UInt<8>;
};

/**
 * Forgets entries of a table by number of agent, one after the other: all while `load` is 1, those of suspects while `forget` is. `write` writes 0. There are two entries per
 * agent, or one.
 */
export function forgetEntries(
  control: { readonly load: Bool; readonly forget: Bool; readonly suspects: UInt<32> },
  walk: UInt<6>,
  write: (pair: UInt<6>, agent: UInt<5>) => void,
): void {
  const suspect = control.suspects.bit(walk.part(1, 5));
  when(control.load.or(control.forget.and(suspect)), () => write(walk, walk.part(1, 5)));
}

/** A request that is chosen and not made yet. */
class Choice extends Bundle({ target: uint(agentBits), relaxed: bool }) {}

/**
 * Sends posted TLPs to random agents. `sent` counts them by target and whether relaxed; `entered` those whose first beat has left, by target: it stands in what
 * follows them (C60).
 */
export class PostedSource extends Module<AgentParams> {
  readonly control = input(AgentControl);
  /** Counts up. */
  readonly walk = input(uint(6));
  readonly sent_count = output(uint(32));
  readonly out = output(stream(tlpBeat(this.p.width)));
  readonly idle = output(bool);
  /** Posted TLPs for these agents that have entered the link, modulo 2^14. */
  readonly named_request = input(uint(agentBits));
  readonly entered_request = output(uint(stampBits));
  readonly named_completion = input(uint(agentBits));
  readonly entered_completion = output(uint(stampBits));
  private readonly random = new RandomNumbers({ own: 2 * this.p.own });
  private readonly maker = new TlpMaker({ width: this.p.width });
  private readonly sent = memory(uint(32), { depth: pairs, style: 'distributed' });
  private readonly entered = memory(uint(stampBits), { depth: 2 ** agentBits, style: 'distributed' });
  private readonly waiting = reg(bool, { init: 0 });
  private readonly choice = reg(Choice);
  /** Target of the TLP in the maker. */
  private readonly target = reg(uint(agentBits));

  protected override logic() {
    const { control, random, maker, waiting, choice } = this;
    connect(random, { load: control.load, seed: control.seed });
    const { goes, target, relaxed } = chosen(random.value, control, control.posted_rate, this.p);
    const free = waiting.not().or(maker.in.ready);
    when(free, () => {
      waiting.set(goes.and(control.send_posted));
      choice.set({ target, relaxed });
    });

    const place = cat(choice.target, choice.relaxed).as(6);
    const number = this.sent.peek(place);
    const way: Way = { source: u(agentBits, this.p.own), target: choice.target, relaxed: choice.relaxed };
    const content = contentOf(control.seed, way, true, number);
    maker.in.valid.set(waiting);
    maker.in.put(postedTlp(content, way, this.p.max_payload / 4));
    when(waiting.and(maker.in.ready), () => {
      this.sent.write(place, number.add(1));
      this.target.set(choice.target);
    });
    this.out.from(maker.out);
    when(this.out.fire.and(this.out.payload.first), () => this.entered.write(this.target, this.entered.peek(this.target).add(1)));
    forgetEntries(control, this.walk, (pair, agent) => {
      this.sent.write(pair, 0);
      this.entered.write(agent, 0);
    });
    this.sent_count.set(this.sent.peek(control.look));
    this.entered_request.set(this.entered.peek(this.named_request));
    this.entered_completion.set(this.entered.peek(this.named_completion));
    this.idle.set(waiting.or(maker.out.valid).not());
  }
}

/** What the requester remembers of a request. */
export class Outstanding extends Bundle({
  content: uint(32),
  target: uint(agentBits),
  relaxed: bool,
  /** Number among the requests to the target, relaxed or not, modulo 2^8. */
  order: uint(8),
  tag: uint(10),
  /** When it was made, in units of 4,096 cycles. */
  since: uint(8),
}) {}

/** Sends non-posted requests to random agents, one per tag at a time. */
export class RequestSource extends Module<AgentParams> {
  readonly control = input(AgentControl);
  readonly walk = input(uint(6));
  readonly sent_count = output(uint(32));
  readonly out = output(stream(tlpBeat(this.p.width)));
  readonly idle = output(bool);
  /** Tags in use. */
  readonly busy = input(uint(2 ** tagBits));
  readonly now = input(uint(8));
  /** A request is made: its tag, and what there is to remember. */
  readonly asks = output(bool);
  readonly tag = output(uint(tagBits));
  readonly asked = output(Outstanding);
  /** To the posted source, and its answer. */
  readonly named_target = output(uint(agentBits));
  readonly stamp = input(uint(stampBits));
  private readonly random = new RandomNumbers({ own: 2 * this.p.own + 1 });
  private readonly maker = new TlpMaker({ width: this.p.width });
  private readonly sent = memory(uint(32), { depth: pairs, style: 'distributed' });
  private readonly waiting = reg(bool, { init: 0 });
  private readonly choice = reg(Choice);
  private readonly next_tag = reg(uint(tagBits), { init: 0 });

  protected override logic() {
    const { control, random, maker, waiting, choice, next_tag } = this;
    connect(random, { load: control.load, seed: control.seed });
    const { goes, target, relaxed } = chosen(random.value, control, control.request_rate, this.p);
    const tag_free = this.busy.bit(next_tag).not();
    const moves = allOf([waiting, maker.in.ready, tag_free]);
    when(waiting.not().or(moves), () => {
      waiting.set(goes.and(control.send_requests));
      choice.set({ target, relaxed });
    });
    when(moves.or(tag_free.not()), () => next_tag.set(next_tag.add(1)));

    const place = cat(choice.target, choice.relaxed).as(6);
    const number = this.sent.peek(place);
    const way: Way = { source: u(agentBits, this.p.own), target: choice.target, relaxed: choice.relaxed };
    const content = contentOf(control.seed, way, false, number);
    const options = { most: this.p.max_payload / 4, index: next_tag, arrived: false };
    maker.in.valid.set(waiting.and(tag_free));
    maker.in.put(requestTlp(content, way, this.stamp, options));
    when(moves, () => this.sent.write(place, number.add(1)));
    forgetEntries(control, this.walk, pair => this.sent.write(pair, 0));
    this.sent_count.set(this.sent.peek(control.look));
    this.asks.set(moves);
    this.tag.set(next_tag);
    this.asked.set({
      content,
      target: choice.target,
      relaxed: choice.relaxed,
      order: number.trunc(8),
      tag: tagOf(this.stamp, next_tag),
      since: this.now,
    });
    this.named_target.set(choice.target);
    this.out.from(maker.out);
    this.idle.set(anyOf([waiting, maker.out.valid, this.busy.any()]).not());
  }
}
