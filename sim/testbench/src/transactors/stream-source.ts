import { bool, type HType, input, Module, memory, output, reg, stream, uint, when } from '@hdl/ts-hdl';
import { pointerWidth, ringControl, ringStatus } from './ring.ts';

/**
 * A producer that software fills: sends the words of a ring memory in order, a word per cycle. Software writes words into `ring`, then moves its
 * pointer behind them; the pointer of `status` follows as words are fetched. `attention` is 1 while software asked for it and at most
 * `wake_level` words wait.
 */
export class StreamSource<T extends HType> extends Module<{ type: T; depth: number }> {
  readonly control = input(ringControl(this.p.depth));
  readonly status = output(ringStatus(this.p.depth));
  readonly out = output(stream(this.p.type));
  private readonly ring = memory(this.p.type, { depth: this.p.depth });
  private readonly position = reg(uint(pointerWidth(this.p.depth)), { init: 0 });
  private readonly word_valid = reg(bool, { init: 0 });

  protected override logic() {
    const waiting = this.control.pointer.sub(this.position);
    const fetch = waiting.any().and(this.word_valid.not().or(this.out.ready));
    const word = this.ring.read(this.position.part(0, this.position.width - 1), fetch);
    when(fetch, () => {
      this.position.set(this.position.add(1));
      this.word_valid.set(1);
    }).elsewhen(this.out.ready, () => this.word_valid.set(0));
    this.out.valid.set(this.word_valid);
    this.out.put(word);
    this.status.set({ pointer: this.position, attention: this.control.wake_enable.and(waiting.le(this.control.wake_level)) });
  }
}
