import {
  allOf,
  anyOf,
  type Bool,
  bool,
  cat,
  clog2,
  connect,
  HdlError,
  input,
  lowestBit,
  lowestOne,
  Module,
  match,
  memory,
  mux,
  output,
  reg,
  repeat,
  select,
  states,
  stream,
  type UInt,
  u,
  uint,
  when,
} from '@hdl/ts-hdl';
import { tlpBeat } from '../../tlp/tlp.ts';
import { bitWords } from './bit-words.ts';
import { DwordSender } from './dword-sender.ts';
import { intervalBits, Moderation } from './moderation.ts';

export interface MsixParams {
  /** Bits of a beat. */
  readonly width: number;
  /** 1 to 2,048. */
  readonly vectors: number;
}

/** What sends the messages: `Clear` forgets everything after a reset, one vector per cycle. */
const Sender = states('Clear', 'Scan', 'Read', 'Offer');

/** Vectors from which on the table is built in block RAM. */
const manyVectors = 16;

/**
 * MSI-X of one function (7.7.2, 6.1.4; C92): vector table, pending bits, masks, moderation, and the messages.
 *
 *     trigger ──► raised ⊕ sent = pending ──┐
 *     host ─────► masked ───────────────────┼─► Scan ─► Read (table) ─► Offer ─► DwordSender ─► tx
 *     firmware ─► Moderation ─► resting ────┘
 *
 * A trigger sets the vector's pending bit: one per cycle, always taken; it is merged into one that is pending. A pending vector that is
 * neither masked nor resting, with `enable` 1, is sent and no longer pending; a trigger that comes in that cycle or later makes it pending again. Vectors are looked
 * at in words of 32, a word per cycle, in turn; within a word each pending vector has its turn before the first one again.
 *
 * 4 cycles from `trigger` to `tx` with up to 32 vectors, up to one more for each further word; a message each 3 cycles at most. `Read` waits while the host reads the
 * table, and until `tx` has room. A message under way is not held back by a mask, or `enable`, that changes meanwhile.
 *
 * After a message a vector rests for its interval of cycles, and up to twice the number of vectors longer: see `Moderation`. An interval is 0 after a reset, and one
 * that is set holds from the next message on.
 *
 * The host's side takes an access per cycle: DW `4 v` to `4 v + 3` of the table are address, upper address, data and vector control (bit 0: mask) of vector v. `word` is
 * valid 1 cycle after `read_table` or `read_pending`, which count DW; DW beyond the vectors read 0.
 *
 * `rst`, and the beginning of `reset`, mask all vectors and clear pending bits and intervals, one vector per cycle (a power of two of them); triggers and the host's
 * writes meanwhile, and triggers during `reset`, are lost. Addresses and data are unknown then. `busy` is 1 meanwhile and while a message is under way.
 */
export class Msix extends Module<MsixParams> {
  private readonly vectors = countOf(this.p.vectors);
  private readonly bits = clog2(this.vectors);
  private readonly layout = bitWords(this.vectors);
  readonly write = input(bool);
  readonly write_index = input(uint(this.bits + 2));
  readonly write_data = input(uint(32));
  readonly write_mask = input(uint(4));
  readonly read_table = input(bool);
  readonly read_pending = input(bool);
  readonly read_index = input(uint(this.bits + 2));
  readonly word = output(uint(32));

  readonly trigger = input(bool);
  readonly trigger_vector = input(uint(this.bits));
  readonly set_interval = input(bool);
  readonly interval_vector = input(uint(this.bits));
  readonly interval = input(uint(intervalBits));

  /** MSI-X enable, no function mask, bus master enable (C81). */
  readonly enable = input(bool);
  readonly id = input(uint(16));
  /** The function is being reset. */
  readonly reset = input(bool);
  readonly busy = output(bool);
  readonly tx = output(stream(tlpBeat(this.p.width)));

  private readonly entries = memory(uint(128), {
    depth: 2 ** this.bits,
    lane: 8,
    style: this.vectors >= manyVectors ? 'block' : 'distributed',
  });
  private readonly masked = memory(uint(this.layout.width), { depth: this.layout.words, style: 'distributed' });
  /** A vector is pending where these differ: each has one writer. */
  private readonly raised = memory(uint(this.layout.width), { depth: this.layout.words, style: 'distributed' });
  private readonly sent = memory(uint(this.layout.width), { depth: this.layout.words, style: 'distributed' });
  private readonly moderation = new Moderation({ count: this.vectors });
  private readonly sender_out = new DwordSender({ width: this.p.width });

  private readonly sender = reg(Sender, { init: 'Clear' });
  /** What is cleared, or sent. */
  private readonly vector = reg(uint(this.bits), { init: 0 });
  private readonly scanned = reg(uint(clog2(this.layout.words)), { init: 0 });
  /** Vectors of the word that had no turn yet. */
  private readonly turn = reg(uint(this.layout.width));
  private readonly was_reset = reg(bool, { init: 0 });
  private readonly read_value = reg(uint(32));
  private readonly read_lane = reg(uint(2));
  private readonly from_entry = reg(bool);

  protected override logic() {
    const { layout, moderation, sender_out } = this;
    const clearing = this.sender.is('Clear');
    const picked = this.pick();
    this.busy.set(anyOf([clearing, this.sender.is('Read'), this.sender.is('Offer'), sender_out.tx.valid]));

    const cleared = layout.word(this.vector);
    const trigger = allOf([this.trigger, clearing.not(), this.reset.not(), this.exists(this.trigger_vector)]);
    const into = mux(clearing, cleared, layout.word(this.trigger_vector));
    const hit = layout.place(this.trigger_vector);
    // If the vector is sent in this cycle, `sent` is about to become what `raised` is.
    const same = picked.any.and(into.eq(this.scanned)).and(picked.place.and(hit).any());
    const target = mux(same, this.raised.peek(into).not(), this.sent.peek(into).not());
    const keep = this.raised.peek(into).and(hit.not());
    when(clearing.or(trigger), () => this.raised.write(into, mux(clearing, u(layout.width, 0), keep.or(target.and(hit)))));

    const from = mux(clearing, cleared, this.scanned);
    const flipped = this.sent.peek(from).xor(picked.place);
    when(clearing.or(picked.any), () => this.sent.write(from, mux(clearing, u(layout.width, 0), flipped)));

    connect(moderation, {
      set_interval: this.set_interval.and(clearing.not()),
      set_thing: this.interval_vector,
      interval: this.interval,
      start: picked.any,
      start_thing: picked.vector,
      clear: clearing,
      clear_thing: this.vector,
      word: this.scanned,
    });
    this.hostSide();
    this.send(picked);
  }

  /** The vector to be sent next, if there is one in the word that is looked at. */
  private pick() {
    const { layout, scanned } = this;
    const pending = this.raised.peek(scanned).xor(this.sent.peek(scanned));
    const due = pending.and(this.masked.peek(scanned).not()).and(this.moderation.resting.not());
    const fresh = due.and(this.turn);
    const chosen = mux(fresh.any(), fresh, due);
    const any = allOf([this.sender.is('Scan'), this.enable, this.reset.not(), this.moderation.busy.not(), due.any()]);
    const low = lowestOne(chosen).as(Math.min(5, this.bits));
    const vector = layout.words > 1 ? cat(scanned, low).as(this.bits) : low.as(this.bits);
    return { any, vector, place: mux(any, lowestBit(chosen), u(layout.width, 0)), last: fresh.and(fresh.sub(1)).any().not() };
  }

  private send(picked: ReturnType<Msix['pick']>) {
    const { layout, sender_out, vector, scanned } = this;
    // The entry is there in the next cycle only, and whoever has room now has it then.
    const reading = allOf([this.sender.is('Read'), this.read_table.not(), sender_out.in_ready]);
    const entry = this.entries.read(
      mux(this.read_table, this.read_index.part(2, this.bits), vector),
      this.read_table.or(reading),
    );
    connect(sender_out, {
      in_valid: this.sender.is('Offer'),
      in_address: entry.part(0, 64),
      in_data: entry.part(64, 32),
      id: this.id,
    });
    this.tx.from(sender_out.tx);
    match(Sender, this.sender, {
      Clear: () => {
        vector.set(vector.add(1));
        when(vector.all(), () => this.sender.set('Scan'));
      },
      Scan: () => {
        const next = scanned.eq(layout.words - 1);
        when(picked.any, () => {
          vector.set(picked.vector);
          this.sender.set('Read');
          // Bits up to the one that is sent had their turn.
          this.turn.set(picked.place.sub(1).or(picked.place).not());
        });
        when(this.moderation.busy.not().and(picked.any.not().or(picked.last)), () => {
          scanned.set(mux(next, u(scanned.width, 0), scanned.add(1)));
          this.turn.set(repeat(u(1, 1), layout.width));
        });
      },
      Read: () => {
        when(reading, () => this.sender.set('Offer'));
      },
      Offer: () => {
        this.sender.set('Scan');
      },
    });
    this.was_reset.set(this.reset);
    when(this.reset.and(this.was_reset.not()), () => {
      this.sender.set('Clear');
      vector.set(0);
    });
    const lanes = [entry.part(0, 32), entry.part(32, 32), entry.part(64, 32)];
    this.word.set(mux(this.from_entry, select(this.read_lane, lanes), this.read_value));
  }

  private hostSide() {
    const { layout } = this;
    const clearing = this.sender.is('Clear');
    const lane = this.write_index.trunc(2);
    const vector = this.write_index.part(2, this.bits);
    const write = allOf([this.write, clearing.not(), this.exists(vector)]);
    when(write, () => {
      this.entries.write(vector, repeat(this.write_data, 4), this.write_mask.zext(16).shl(cat(lane, u(2, 0))));
    });
    const masks = allOf([write, lane.eq(3), this.write_mask.bit(0)]);
    const word = mux(clearing, layout.word(this.vector), layout.word(vector));
    const others = this.masked.peek(word).and(layout.place(vector).not());
    const given = mux(this.write_data.bit(0), layout.place(vector), u(layout.width, 0));
    when(clearing.or(masks), () => this.masked.write(word, mux(clearing, repeat(u(1, 1), layout.width), others.or(given))));

    const asked = this.read_index.part(2, this.bits);
    const exists = this.exists(asked);
    const control = this.masked.peek(layout.word(asked)).and(layout.place(asked)).any().and(exists);
    const row = this.read_index.trunc(clog2(layout.words));
    const within = this.read_index.lt(layout.words);
    const pending = mux(within, this.raised.peek(row).xor(this.sent.peek(row)), u(layout.width, 0));
    this.read_lane.set(this.read_index.trunc(2));
    this.from_entry.set(allOf([this.read_table, exists, this.read_index.trunc(2).eq(3).not()]));
    this.read_value.set(mux(this.read_pending, pending.zext(32), control.and(this.read_index.trunc(2).eq(3)).zext(32)));
  }

  private exists(vector: UInt<number>): Bool {
    return this.vectors === 2 ** this.bits ? u(1, 1) : vector.lt(this.vectors);
  }
}

function countOf(vectors: number): number {
  if (!Number.isInteger(vectors) || vectors < 1 || vectors > 2048)
    throw new HdlError(`a function has 1 to 2048 MSI-X vectors, not ${vectors}`, { help: 'give it 1 to 2048, or no MSI-X' });
  return vectors;
}
