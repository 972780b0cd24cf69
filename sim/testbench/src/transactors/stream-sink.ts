import { type HType, input, Module, memory, output, reg, stream, uint, when } from '@hdl/ts-hdl';
import { pointerWidth, ringControl, ringStatus } from './ring.ts';

/**
 * A consumer that software empties: stores what comes in a ring memory, a word per cycle, and stalls when it is full. Software reads words from
 * `ring`, then moves its pointer behind them. `attention` is 1 while software asked for it and at least `wake_level` words wait.
 */
export class StreamSink<T extends HType> extends Module<{ type: T; depth: number }> {
  readonly control = input(ringControl(this.p.depth));
  readonly status = output(ringStatus(this.p.depth));
  readonly in = input(stream(this.p.type));
  private readonly ring = memory(this.p.type, { depth: this.p.depth });
  private readonly position = reg(uint(pointerWidth(this.p.depth)), { init: 0 });

  protected override logic() {
    const waiting = this.position.sub(this.control.pointer);
    const room = waiting.ne(this.p.depth);
    this.in.ready.set(room);
    when(this.in.valid.and(room), () => {
      this.ring.write(this.position.part(0, this.position.width - 1), this.in.payload);
      this.position.set(this.position.add(1));
    });
    this.status.set({ pointer: this.position, attention: this.control.wake_enable.and(waiting.ge(this.control.wake_level)) });
  }
}
