import {
  allOf,
  assert,
  type Bool,
  bool,
  cat,
  clog2,
  connect,
  input,
  Module,
  mux,
  muxOneHot,
  output,
  reg,
  stream,
  toOneHot,
  type UInt,
  u,
  uint,
  vec,
  when,
  wire,
} from '@hdl/ts-hdl';
import { at } from '../at.ts';
import { ErrorMessageCode, ErrorMessages } from '../config/error-messages.ts';
import { PortInterrupt } from '../config/port-interrupt.ts';
import { dataCredits, isPosted, memoryFmt, TlpType, tlpBeat } from '../tlp/tlp.ts';
import { Broadcaster } from './broadcaster.ts';
import { Moved } from './crossbar.ts';
import { egressesOf } from './egresses.ts';
import { RequestAnswerer } from './request-answerer.ts';
import { TlpClass } from './tlp-class.ts';
import { every, some, word } from './trees.ts';
import { inTurn, turnBits, turnsAfter } from './turns.ts';
import { queuedBeat, senderOf } from './virtual-output-queues.ts';

export interface SwitchAgentParams {
  /** Bits of a beat. */
  readonly width: number;
  /** Downstream ports. */
  readonly ports: number;
  /** Largest payload in bytes. */
  readonly max_payload: number;
  /** Beats that the buffer of its ingress holds. */
  readonly slots: number;
  readonly multicast: boolean;
}

/** Completions that wait in the crossbar at once. */
const completions = 4;

/** Beats of the longest message, its digest included. */
const messageBeats = ({ width, max_payload }: Omit<SwitchAgentParams, 'multicast'>) => (8 * max_payload) / width + 1;

/** Messages that may wait in the crossbar at once: whatever their length, there is room beside `completions`. */
export const agentMessages = (p: Omit<SwitchAgentParams, 'multicast'>): number =>
  Math.floor((p.slots - completions) / messageBeats(p));

/**
 * What ends in a switch, and what the switch says itself: a port of the crossbar without a link.
 *
 *     in ─┬─ non-posted ─► RequestAnswerer ─┐            ids, access ports of the configuration spaces
 *         └─ broadcasts ─► Broadcaster ─────┼─► register ─► out
 *         raise ─► ErrorMessages × ports ───┤
 *         interrupts ───────────────────────┘
 *
 * One non-posted request and one broadcast at a time: `allowed` tells the crossbar. What comes is always taken, and what is sent always finds room in the crossbar: at
 * most `completions` completions and `agentMessages` messages are in it, and each waits for credits of its own class alone. So a request waits for
 * completions to leave, a message for messages, and nothing that passes by waits for either, but for what comes behind a broadcast: that waits for `copied`. Until then
 * nothing new joins the copies that are still inside.
 *
 * An error message of a downstream port goes through the upstream port as one from below does, if that passes it on (C90).
 * An interrupt is a write that goes up, whatever its address; one that the upstream port does not let up is dropped (C82).
 * 9 cycles from the request's beat to `out`, 4 from an error message to it. Reset drops what is inside.
 */
export class SwitchAgent extends Module<SwitchAgentParams> {
  readonly in = input(stream(tlpBeat(this.p.width)));
  /** A packet to the agent begins to move. */
  readonly begun = input(Moved);
  readonly allowed = output(uint(3));
  /** A packet of the agent's has left the crossbar's buffer. */
  readonly gone = input(Moved);
  readonly out = output(stream(queuedBeat(this.p.width, egressesOf(this.p))));
  /** By port: ID, the register that was accessed, the message that an error asks for. */
  readonly ids = input(vec(this.p.ports + 1, uint(16)));
  readonly read_data = input(vec(this.p.ports + 1, uint(32)));
  readonly raise = input(vec(this.p.ports + 1, uint(2)));
  /** Bit j: the link of downstream port j is up. */
  readonly links_up = input(uint(this.p.ports));
  /** The upstream port passes error messages from below: ERR_COR; others. */
  readonly passes_correctable = input(bool);
  readonly passes_severe = input(bool);
  /** It passes memory requests upward. */
  readonly passes_writes = input(bool);
  /** By port: an interrupt to write. */
  readonly interrupts = input(vec(this.p.ports + 1, stream(PortInterrupt)));
  readonly access_valid = output(uint(this.p.ports + 1));
  readonly access_write = output(bool);
  readonly access_register = output(uint(10));
  readonly access_data = output(uint(32));
  readonly access_mask = output(uint(4));
  readonly access_device = output(uint(13));
  readonly aborted = output(uint(this.p.ports + 1));
  /** All copies of a broadcast have left the crossbar's buffer: 1 for a cycle. */
  readonly copied = output(bool);

  private readonly answerer = new RequestAnswerer({ width: this.p.width, ports: this.p.ports });
  private readonly broadcaster = new Broadcaster(this.p);
  private readonly messages = Array.from(
    { length: this.p.ports + 1 },
    () => new ErrorMessages({ functions: 1, width: this.p.width }),
  );
  /** What came in the cycle before: in its own it leaves a block RAM. */
  private readonly came = reg(bool, { init: 0 });
  private readonly came_beat = reg(tlpBeat(this.p.width));
  private readonly answering = reg(bool, { init: 0 });
  private readonly broadcasting = reg(bool, { init: 0 });
  /** All copies of the broadcast are in the crossbar. */
  private readonly draining = reg(bool, { init: 0 });
  private readonly completions_inside = reg(uint(clog2(completions + 1)), { init: 0 });
  private readonly messages_inside = reg(uint(clog2(agentMessages(this.p) + 1)), { init: 0 });
  /** Of error messages, interrupts and copies: one-hot, who sends next; whose turn it is after the one before; it is taken. */
  private readonly chosen = reg(uint(2 * this.p.ports + 3), { init: 0 });
  private readonly turns = reg(uint(turnBits(2 * this.p.ports + 3)), { init: 0 });
  private readonly takes = wire(bool);
  /** Of error messages and interrupts: what they had to say in the cycle before may go where it goes. */
  private readonly passing = reg(uint(2 * this.p.ports + 2));
  /** What may be sent, from all that have something, and a cycle later the choice among them. */
  private readonly answer = reg(tlpBeat(this.p.width));
  private readonly message = reg(tlpBeat(this.p.width));
  private readonly copy = reg(tlpBeat(this.p.width));
  private readonly sends = reg(uint(3), { init: 0 });
  private readonly sends_to = reg(uint(this.p.ports + 1));
  private readonly beat_valid = reg(bool, { init: 0 });
  private readonly beat = reg(tlpBeat(this.p.width));
  private readonly egress = reg(uint(this.p.ports + 1));
  /** The beat is a completion; its data credits. */
  private readonly answered = reg(bool);
  private readonly credits = reg(uint(9));
  /** The interrupts as writes. */
  private readonly writes = wire(vec(this.p.ports + 1, tlpBeat(this.p.width)));
  /** In the middle of a copy. */
  private readonly copying = reg(bool, { init: 0 });

  protected override logic() {
    this.take();
    this.serve();
    this.writeInterrupts();
    this.send();
    this.out.valid.set(this.beat_valid);
    this.out.put({
      beat: this.beat,
      egress: this.egress.zext(egressesOf(this.p)),
      class: mux(this.answered, u(3, 1 << TlpClass.completion), 1 << TlpClass.posted),
      credits: this.credits,
      relaxed: 0,
      sender: senderOf(this.beat.header, this.answered),
    });
    assert(this.beat_valid.not().or(this.out.ready), 'the agent of a switch sends more than there is room for');
  }

  /** At most one request and one broadcast are on their way here or inside. */
  private take(): void {
    const { answering, broadcasting, draining, begun, answerer, broadcaster } = this;
    const begins = (kind: number) => begun.valid.and(begun.class.bit(kind));
    const copied = draining.and(this.messages_inside.any().not());
    this.copied.set(copied);
    when(begins(TlpClass.non_posted), () => answering.set(1)).elsewhen(answerer.done, () => answering.set(0));
    when(begins(TlpClass.posted), () => broadcasting.set(1)).elsewhen(copied, () => broadcasting.set(0));
    when(broadcaster.done, () => draining.set(1)).elsewhen(copied, () => draining.set(0));
    this.allowed.set(cat(u(1, 0), answering.not(), broadcasting.not()).as(3));
  }

  private serve(): void {
    const { answerer, broadcaster } = this;
    const { came, came_beat: beat } = this;
    const posted = isPosted(beat.header);
    this.in.ready.set(1);
    came.set(this.in.valid);
    beat.set(this.in.payload);
    connect(answerer, {
      take: allOf([came, posted.not(), beat.first]),
      beat,
      ids: this.ids,
      read_data: this.read_data,
    });
    this.access_valid.set(answerer.access_valid);
    this.access_write.set(answerer.access_write);
    this.access_register.set(answerer.access_register);
    this.access_data.set(answerer.access_data);
    this.access_mask.set(answerer.access_mask);
    this.access_device.set(answerer.access_device);
    this.aborted.set(answerer.aborted);
    connect(broadcaster, {
      put: came.and(posted),
      beat,
      wanted: this.links_up,
      room: this.messages_inside.ne(agentMessages(this.p)),
    });
    this.messages.forEach((own, i) => {
      connect(own, { raise: [at(this.raise, i)], ids: [at(this.ids, i)] });
    });
  }

  /** One beat per cycle: completions first, then error messages, interrupts and copies of a broadcast in turn. */
  private send(): void {
    const { answerer, broadcaster, copying, draining } = this;
    const may_message = this.messages_inside.ne(agentMessages(this.p));
    const answers = allOf([answerer.out.valid, copying.not(), this.completions_inside.ne(completions)]);
    answerer.out.ready.set(allOf([copying.not(), this.completions_inside.ne(completions)]));

    const said = [
      ...this.messages.map((own, i) => ({ from: own.tx, beat: own.tx.payload, passes: i === 0 ? u(1, 1) : this.passes(own) })),
      ...this.interrupts.map((from, i) => ({
        from,
        beat: at(this.writes, i),
        passes: this.passes_writes,
      })),
    ];
    const asking = word([...said.map(({ from }) => from.valid), broadcaster.out.valid]);
    this.choose(asking);
    const { chosen } = this;
    // What is counted with the copies waits until these have left: else there might always be something inside.
    const turn = allOf([copying.not(), answers.not(), may_message, draining.not()]);
    // Who is chosen asked in the cycle before, with the same.
    this.passing.set(word(said.map(({ passes }) => passes)));
    const passed = said.map(({ from }, i) => {
      from.ready.set(turn.and(chosen.bit(i)));
      return every([chosen.bit(i), from.valid, this.passing.bit(i)]);
    });
    const messages = turn.and(some(passed));
    this.takes.set(turn.and(asking.and(chosen).any()));

    const copy_goes = copying.or(turn.and(chosen.bit(said.length)));
    const copies = broadcaster.out.valid.and(copy_goes);
    broadcaster.out.ready.set(copy_goes);
    when(copies, () => copying.set(broadcaster.out.payload.last.not()));

    const error = muxOneHot(
      chosen.words(1).slice(0, said.length),
      said.map(({ beat }) => beat),
    );
    this.answer.set(answerer.out.payload);
    this.message.set(error);
    this.copy.set(broadcaster.out.payload);
    // Who sends is known too late to choose among so many bits.
    this.sends.set(cat(answers, messages, copies).as(3));
    const ports = this.p.ports + 1;
    const up = messages.zext(ports);
    const back = toOneHot(answerer.out_port.trunc(clog2(ports)), ports);
    const to = mux(copies, cat(broadcaster.out_port, u(1, 0)).as(ports), mux(answers, back, up));
    this.sends_to.set(to);
    this.beat_valid.set(this.sends.any());
    const beat = muxOneHot(this.sends.words(1), [this.copy, this.message, this.answer]);
    this.beat.set(beat);
    this.credits.set(dataCredits(beat.header));
    this.egress.set(this.sends_to);
    this.answered.set(this.sends.bit(2));
    this.count(answers, messages.or(copies.and(broadcaster.out.payload.first)));
  }

  /** Who has the next turn is known a cycle before: who asks goes on to ask until it is taken. */
  private choose(asking: UInt<number>): void {
    const { chosen, turns } = this;
    const next_turns = mux(chosen.any(), turnsAfter(chosen.words(1)), turns);
    const next = word(inTurn(asking.and(chosen.not()).words(1), next_turns));
    // A copy that goes on while it is chosen may be the last one.
    when(this.takes.or(asking.and(chosen).any().not()), () => {
      turns.set(next_turns);
      chosen.set(next);
    });
  }

  private count(completion: Bool, message: Bool): void {
    const { gone, completions_inside: c, messages_inside: m } = this;
    const left = (kind: number) => gone.valid.and(gone.class.bit(kind));
    // That one is sent is known late, so both sums are made.
    const next = <W extends number>(count: UInt<W>, sent: Bool, gone: Bool) =>
      mux(sent, mux(gone, count, count.add(1)), mux(gone, count.sub(1), count)) as UInt<W>;
    c.set(next(c, completion, left(TlpClass.completion)));
    m.set(next(m, message, left(TlpClass.posted)));
  }

  private passes(own: ErrorMessages): Bool {
    const { last_be, first_be } = own.tx.payload.header;
    const correctable = cat(last_be, first_be).eq(ErrorMessageCode.correctable);
    return mux(correctable, this.passes_correctable, this.passes_severe);
  }

  /** Interrupts as writes (7.7.1). */
  private writeInterrupts(): void {
    this.interrupts.forEach(({ payload: { address, data } }, i) => {
      at(this.writes, i).set({
        header: {
          fmt: memoryFmt(address, true),
          type: TlpType.memory,
          tc: 0,
          attr: 0,
          th: 0,
          td: 0,
          ep: 0,
          at: 0,
          length: 1,
          requester_id: at(this.ids, i),
          tag: 0,
          last_be: 0,
          first_be: 0xf,
          address,
        },
        data: data.zext(this.p.width),
        first: 1,
        last: 1,
      });
    });
  }
}
