import {
  bool,
  cat,
  clog2,
  HdlError,
  input,
  Module,
  match,
  memory,
  mux,
  output,
  reg,
  states,
  stream,
  u,
  uint,
  when,
  wire,
} from '@hdl/ts-hdl';
import { PostedDword } from './engine-command.ts';

/** What the sender of messages does: it reads the three DW of an entry, one per cycle, and offers the message. */
const Sender = states('Idle', 'Low', 'High', 'Data', 'Offer');

/**
 * MSI-X table and pending bits (7.7.2, C92). A trigger sets the vector's pending bit; while the bit is set, the vector is not
 * masked and `enable` is 1, the message is sent and the bit cleared. The lowest such vector goes first. 5 cycles from `trigger`
 * to `message`, which comes from registers; one message per 5 cycles at most. A message that is on its way is not held back by
 * a mask that is set meanwhile.
 *
 * The table is DW `4 v` (address), `4 v + 1` (upper address), `4 v + 2` (data), `4 v + 3` (bit 0: mask) for vector v.
 * `table_word` is valid 1 cycle after `read`. Reset masks all vectors and clears the pending bits; addresses and data are
 * unknown then.
 */
export class Msix extends Module<{ vectors: number }> {
  readonly write = input(bool);
  readonly write_index = input(uint(this.indexWidth()));
  readonly write_data = input(uint(32));
  readonly write_mask = input(uint(4));
  readonly read = input(bool);
  readonly read_index = input(uint(this.indexWidth()));
  readonly table_word = output(uint(32));
  readonly trigger = input(bool);
  readonly trigger_vector = input(uint(clog2(this.p.vectors)));
  /** MSI-X enable, no function mask, bus master enable. */
  readonly enable = input(bool);
  readonly pending = output(uint(this.p.vectors));
  readonly message = output(stream(PostedDword));

  private readonly entries = memory(uint(32), { depth: 2 ** this.indexWidth(), lane: 8, style: 'distributed' });
  private readonly masked = reg(uint(this.p.vectors), { init: 2 ** this.p.vectors - 1 });
  private readonly pending_bits = reg(uint(this.p.vectors), { init: 0 });
  /** The last read was of a vector control DW, and that vector's mask. */
  private readonly read_control = reg(bool);
  private readonly read_masked = reg(bool);
  private readonly sender = reg(Sender, { init: 'Idle' });
  private readonly vector = reg(uint(clog2(this.p.vectors)));
  private readonly entry = reg(PostedDword);
  private readonly set_bits = wire(uint(this.p.vectors));
  private readonly clear_bits = wire(uint(this.p.vectors));

  /** Bits that number the DW of the table. */
  private indexWidth(): number {
    return clog2(this.p.vectors) + 2;
  }

  protected override logic() {
    const { vectors } = this.p;
    if (vectors < 1 || vectors > 32) throw new HdlError(`an endpoint has 1 to 32 MSI-X vectors, not ${vectors}`);
    this.hostSide();

    this.set_bits.set(0);
    this.clear_bits.set(0);
    when(this.trigger, () => this.set_bits.set(u(vectors, 1).shl(this.trigger_vector)));
    const due = this.pending_bits.and(this.masked.not());
    this.message.valid.set(this.sender.is('Offer'));
    this.message.put(this.entry);
    const part = (n: number) => this.entries.peek(cat(this.vector, u(2, n)));
    match(Sender, this.sender, {
      Idle: () => {
        when(this.enable.and(due.any()), () => {
          // The last assignment wins, so the lowest vector does.
          for (let v = vectors - 1; v >= 0; v--) when(due.bit(v), () => this.vector.set(v));
          this.clear_bits.set(due.and(due.not().add(1)));
          this.sender.set('Low');
        });
      },
      Low: () => {
        this.entry.address.set(part(0).zext(64));
        this.sender.set('High');
      },
      High: () => {
        this.entry.address.set(cat(part(1), this.entry.address.trunc(32)).as(64));
        this.sender.set('Data');
      },
      Data: () => {
        this.entry.data.set(part(2));
        this.sender.set('Offer');
      },
      Offer: () => {
        when(this.message.ready, () => this.sender.set('Idle'));
      },
    });
    this.pending_bits.set(this.pending_bits.and(this.clear_bits.not()).or(this.set_bits));
    this.pending.set(this.pending_bits);
  }

  private hostSide() {
    const { vectors } = this.p;
    const bits = clog2(vectors);
    when(this.write, () => {
      this.entries.write(this.write_index, this.write_data, this.write_mask);
      when(this.write_index.trunc(2).eq(3).and(this.write_mask.bit(0)), () => {
        const chosen = u(vectors, 1).shl(this.write_index.part(2, bits));
        this.masked.set(mux(this.write_data.bit(0), this.masked.or(chosen), this.masked.and(chosen.not())));
      });
    });
    const word = this.entries.read(this.read_index, this.read);
    when(this.read, () => {
      this.read_control.set(this.read_index.trunc(2).eq(3));
      this.read_masked.set(this.masked.bit(this.read_index.part(2, bits)));
    });
    this.table_word.set(mux(this.read_control, this.read_masked.zext(32), word));
  }
}
