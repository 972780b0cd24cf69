import { Status, TlpHeader, tlpBeat } from '@hdl/pcie-rtl';
import {
  allOf,
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
  ShowAheadFifo,
  stream,
  u,
  uint,
  when,
  wire,
} from '@hdl/ts-hdl';
import { agentBits, completionTlp, contentOf, postedTlp, requestTlp, stampBits, stampOf, tagBits, type Way } from './content.ts';
import { AgentControl } from './control.ts';
import { type AgentParams, forgetEntries, Outstanding } from './sources.ts';
import { PlannedTlp, TlpChecker, TlpMaker } from './tlp-streams.ts';

const pairs = 2 ** (agentBits + 1);

/** The agent that a requester ID names. */
const agentOf = (id: { part(low: number, n: 5): ReturnType<typeof u<5>> }) => id.part(11, 5);

/** Checks posted TLPs; takes them at once. */
export class PostedCheck extends Module<AgentParams> {
  readonly control = input(AgentControl);
  readonly walk = input(uint(6));
  readonly in = input(stream(tlpBeat(this.p.width)));
  /** Posted TLPs of an agent that have come wholly, modulo 2^14. */
  readonly named_request = input(uint(agentBits));
  readonly came_request = output(uint(stampBits));
  readonly named_completion = input(uint(agentBits));
  readonly came_completion = output(uint(stampBits));
  readonly expected = output(TlpHeader);
  readonly header_differs = output(bool);
  readonly data_differs = output(bool);
  readonly received_count = output(uint(32));
  private readonly received = memory(uint(32), { depth: pairs, style: 'distributed' });
  private readonly came = memory(uint(stampBits), { depth: 2 ** agentBits, style: 'distributed' });
  private readonly compare = new TlpChecker({ width: this.p.width });
  private readonly planned = wire(PlannedTlp);

  protected override logic() {
    const { control, compare, planned } = this;
    const { fire, payload: beat } = this.in;
    const { header } = beat;
    const source = agentOf(header.requester_id);
    const way: Way = { source, target: u(agentBits, this.p.own), relaxed: header.attr.bit(1) };
    const place = cat(source, way.relaxed).as(6);
    const number = this.received.peek(place);
    const content = contentOf(control.seed, way, true, number);
    planned.set(postedTlp(content, way, this.p.max_payload / 4));
    this.in.ready.set(1);
    connect(compare, { beat, take: fire, expected: planned });
    const counts = control.suspects.bit(source).not();
    this.expected.set(planned.header);
    this.header_differs.set(compare.header_differs.and(counts));
    this.data_differs.set(compare.data_differs.and(counts));
    when(allOf([fire, beat.first]), () => this.received.write(place, number.add(1)));
    when(allOf([fire, beat.last]), () => this.came.write(source, this.came.peek(source).add(1)));
    forgetEntries(control, this.walk, (pair, agent) => {
      this.received.write(pair, 0);
      this.came.write(agent, 0);
    });
    this.received_count.set(this.received.peek(control.look));
    this.came_request.set(this.came.peek(this.named_request));
    this.came_completion.set(this.came.peek(this.named_completion));
  }
}

/** What a completer needs of a request. */
class Answer extends Bundle({ content: uint(32), source: uint(agentBits), relaxed: bool, tag: uint(10) }) {}

/** Checks non-posted requests and answers them, in order. */
export class Completer extends Module<AgentParams> {
  readonly control = input(AgentControl);
  readonly walk = input(uint(6));
  readonly in = input(stream(tlpBeat(this.p.width)));
  readonly out = output(stream(tlpBeat(this.p.width)));
  readonly idle = output(bool);
  /** To the checker of posted TLPs and their source, and what they answer. */
  readonly named_source = output(uint(agentBits));
  readonly came = input(uint(stampBits));
  readonly named_target = output(uint(agentBits));
  readonly stamp = input(uint(stampBits));
  readonly expected = output(TlpHeader);
  readonly header_differs = output(bool);
  readonly data_differs = output(bool);
  /** It came before a posted TLP that was sent before it. */
  readonly passed = output(bool);
  readonly received_count = output(uint(32));
  private readonly received = memory(uint(32), { depth: pairs, style: 'distributed' });
  private readonly compare = new TlpChecker({ width: this.p.width });
  private readonly planned = wire(PlannedTlp);
  private readonly answers = new ShowAheadFifo({ type: Answer, depth: 4 });
  private readonly first_content = reg(uint(32));
  private readonly maker = new TlpMaker({ width: this.p.width });
  private readonly later = reg(bool, { init: 0 });

  protected override logic() {
    const { control, compare, planned, answers, maker, later } = this;
    const { fire, payload: beat } = this.in;
    const { header } = beat;
    const most = this.p.max_payload / 4;
    const source = agentOf(header.requester_id);
    const own = u(agentBits, this.p.own);
    const way: Way = { source, target: own, relaxed: header.attr.bit(1) };
    const place = cat(source, way.relaxed).as(6);
    const number = this.received.peek(place);
    const content = mux(beat.first, contentOf(control.seed, way, false, number), this.first_content);
    const stamp = stampOf(header);
    planned.set(requestTlp(content, way, stamp, { most, index: header.tag.part(0, tagBits), arrived: true }));
    connect(compare, { beat, take: fire, expected: planned });
    const counts = control.suspects.bit(source).not();
    this.expected.set(planned.header);
    this.header_differs.set(compare.header_differs.and(counts));
    this.data_differs.set(compare.data_differs.and(counts));
    this.named_source.set(source);
    // As far as the counts go: more than half of them is less than nothing. A relaxed request with data may pass (C60).
    const may_pass = way.relaxed.and(header.fmt.bit(1));
    this.passed.set(allOf([fire, beat.first, counts, may_pass.not(), this.came.sub(stamp).bit(stampBits - 1)]));
    when(allOf([fire, beat.first]), () => {
      this.received.write(place, number.add(1));
      this.first_content.set(content);
    });
    forgetEntries(control, this.walk, pair => this.received.write(pair, 0));
    this.received_count.set(this.received.peek(control.look));
    this.in.ready.set(answers.in.ready);
    answers.in.valid.set(allOf([this.in.valid, beat.last]));
    answers.in.put({ content, source, relaxed: way.relaxed, tag: header.tag });

    const answer = answers.out.payload;
    const back: Way = { source: answer.source, target: own, relaxed: answer.relaxed };
    this.named_target.set(answer.source);
    const tlp = completionTlp(answer.content, back, answer.tag, { later, stamp: this.stamp, most });
    maker.in.valid.set(answers.out.valid);
    maker.in.put({ header: tlp.header, key: tlp.key, dws: tlp.dws });
    answers.out.ready.set(maker.in.ready.and(tlp.final));
    when(answers.out.valid.and(maker.in.ready), () => later.set(tlp.final.not()));
    this.out.from(maker.out);
    this.idle.set(answers.out.valid.or(maker.out.valid).not());
  }
}

/** Knows what was asked for, and checks the completions; takes them at once. */
export class CompletionCheck extends Module<AgentParams> {
  readonly control = input(AgentControl);
  readonly walk = input(uint(6));
  readonly in = input(stream(tlpBeat(this.p.width)));
  readonly asks = input(bool);
  readonly tag = input(uint(tagBits));
  readonly asked = input(Outstanding);
  readonly now = input(uint(8));
  readonly busy = output(uint(2 ** tagBits));
  /** To the checker of posted TLPs, and its answer. */
  readonly named_source = output(uint(agentBits));
  readonly came = input(uint(stampBits));
  readonly expected = output(TlpHeader);
  readonly unexpected = output(bool);
  readonly header_differs = output(bool);
  readonly data_differs = output(bool);
  readonly passed = output(bool);
  readonly out_of_order = output(bool);
  readonly starves = output(bool);
  readonly done_count = output(uint(32));
  private readonly used = reg(uint(2 ** tagBits), { init: 0 });
  /** Of two completions, the first one has come. */
  private readonly half = reg(uint(2 ** tagBits), { init: 0 });
  private readonly entries = memory(Outstanding, { depth: 2 ** tagBits, style: 'distributed' });
  /** Requests that are answered wholly, by target and whether relaxed. */
  private readonly done = memory(uint(32), { depth: pairs, style: 'distributed' });
  private readonly compare = new TlpChecker({ width: this.p.width });
  private readonly planned = wire(PlannedTlp);

  protected override logic() {
    const { control, compare, planned, used, half } = this;
    const { fire, payload: beat } = this.in;
    const { header } = beat;
    const tag = header.tag.part(0, tagBits);
    const entry = this.entries.peek(tag);
    const way: Way = { source: u(agentBits, this.p.own), target: entry.target, relaxed: entry.relaxed };
    const stamp = header.address.part(7, stampBits);
    const later = half.bit(tag);
    const tlp = completionTlp(entry.content, way, entry.tag, { later, stamp, most: this.p.max_payload / 4 });
    planned.set({ header: tlp.header, key: tlp.key, dws: tlp.dws });
    this.in.ready.set(1);
    connect(compare, { beat, take: fire, expected: planned });
    const suspect = control.suspects.bit(entry.target);
    const counts = allOf([used.bit(tag), suspect.not()]);
    const begins = fire.and(beat.first);
    const place = cat(entry.target, entry.relaxed).as(6);
    const answered = this.done.peek(place);
    this.expected.set(planned.header);
    this.unexpected.set(allOf([begins, used.bit(tag).not(), control.suspects.any().not()]));
    this.header_differs.set(compare.header_differs.and(counts));
    this.data_differs.set(compare.data_differs.and(counts));
    this.named_source.set(entry.target);
    const early = this.came.sub(stamp).bit(stampBits - 1);
    this.passed.set(allOf([begins, counts, entry.relaxed.not(), control.other_way.not(), early]));
    this.out_of_order.set(allOf([begins, counts, answered.trunc(8).ne(entry.order)]));

    const refused = header.address.part(45, 3).ne(Status.success);
    const ends = allOf([fire, beat.last, used.bit(tag)]);
    // Who lost requests in a reset no longer knows how to answer those after: of suspects only a refusal counts, which the port above gives.
    const done = ends.and(mux(suspect, refused, tlp.final));
    when(ends, () => half.bit(tag).set(tlp.final.not()));
    when(done, () => {
      used.bit(tag).set(0);
      this.done.write(place, answered.add(1));
    });
    when(this.asks, () => {
      used.bit(this.tag).set(1);
      half.bit(this.tag).set(0);
      this.entries.write(this.tag, this.asked);
    });
    forgetEntries(control, this.walk, pair => this.done.write(pair, 0));
    this.done_count.set(this.done.peek(control.look));
    this.busy.set(used);
    this.watch();
  }

  /** Looks at one tag per cycle: whether it has waited for long, or is to be forgotten. */
  private watch(): void {
    const { control, used } = this;
    const looked_at = this.walk.trunc(tagBits);
    const entry = this.entries.peek(looked_at);
    const suspect = control.suspects.bit(entry.target);
    const waits = used.bit(looked_at);
    this.starves.set(allOf([waits, suspect.not(), this.now.sub(entry.since).gt(control.patience)]));
    when(allOf([control.forget, suspect, waits]), () => {
      used.bit(looked_at).set(0);
      this.half.bit(looked_at).set(0);
    });
  }
}

/** How long what stands at a stream has waited: `long` after `patience` times 4,096 cycles. */
export class Waiting extends Module {
  readonly valid = input(bool);
  readonly ready = input(bool);
  readonly patience = input(uint(8));
  readonly too_long = output(bool);
  private readonly cycles = reg(uint(20), { init: 0 });

  protected override logic() {
    const { cycles } = this;
    cycles.set(mux(allOf([this.valid, this.ready.not()]), cycles.add(1), 0));
    this.too_long.set(cycles.part(12, 8).gt(this.patience));
  }
}
