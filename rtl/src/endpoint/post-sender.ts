import { bool, cat, input, Module, output, reg, type Sig, stream, u, when } from '@hdl/ts-hdl';
import { FunctionState } from '../config/function-state.ts';
import { tlpBeat } from '../tlp/tlp.ts';
import { PostedDword } from './engine-command.ts';
import { memoryRequest } from './memory-request.ts';

/**
 * Sends posted writes of one DW, one TLP each: those of the firmware (`post`) and MSI-X messages (`message`, C92). Writes leave
 * in the order in which they came: a message waits while a post is stored, and no post is stored while a message waits. 2
 * cycles from `post` to `tx`, 1 from `message`; one TLP per cycle at most. `tx` comes from registers; `post.ready` depends on
 * `message.valid`, and `message.ready` on `tx.ready`. A post that meets bus mastering off is dropped (C81); a message waits for
 * it. Reset drops what is stored.
 */
export class PostSender extends Module<{ width: number }> {
  readonly state = input(FunctionState);
  readonly post = input(stream(PostedDword));
  /** Pulse: a post was accepted by `tx`, or dropped. */
  readonly sent = output(bool);
  readonly message = input(stream(PostedDword));
  readonly tx = output(stream(tlpBeat(this.p.width)));
  private readonly stored = reg(bool, { init: 0 });
  private readonly store = reg(PostedDword);
  private readonly post_sent = reg(bool, { init: 0 });
  private readonly out_valid = reg(bool, { init: 0 });
  /** The TLP at the output is a post. */
  private readonly out_post = reg(bool, { init: 0 });
  private readonly beat = reg(tlpBeat(this.p.width));

  protected override logic() {
    const advance = this.out_valid.not().or(this.tx.ready);
    this.post.ready.set(this.stored.not().and(this.message.valid.not()));
    this.message.ready.set(this.stored.not().and(advance).and(this.state.bus_master));
    this.tx.valid.set(this.out_valid);
    this.tx.put(this.beat);
    this.sent.set(this.post_sent);
    this.post_sent.set(0);
    when(this.post.fire, () => {
      this.stored.set(1);
      this.store.set(this.post.payload);
    });
    when(advance, () => {
      this.post_sent.set(this.out_valid.and(this.out_post));
      this.out_valid.set(0);
      this.out_post.set(0);
      when(this.stored, () => {
        this.stored.set(0);
        this.out_valid.set(this.state.bus_master);
        this.out_post.set(this.state.bus_master);
        this.load(this.store);
        when(this.state.bus_master.not(), () => this.post_sent.set(1));
      }).elsewhen(this.message.valid.and(this.state.bus_master), () => {
        this.out_valid.set(1);
        this.load(this.message.payload);
      });
    });
  }

  private load({ address, data }: Sig<typeof PostedDword>) {
    this.beat.set({
      header: memoryRequest({
        data: true,
        address: cat(address.part(2, 62), u(2, 0)).as(64),
        extent: { length: 1, first_be: 0b1111, last_be: 0 },
        requester_id: this.state.id,
        tag: 0,
      }),
      data: data.zext(this.p.width),
      first: 1,
      last: 1,
    });
  }
}
