/** A child whose input is connected in two places. */
import { checked, connect, elaborate, input, Module, uint } from '../../../src/index.ts';

class Sink extends Module {
  readonly data = input(uint(8));
  protected override logic() {}
}
class Top extends Module {
  readonly a = input(uint(8));
  readonly b = input(uint(8));
  private readonly sink = new Sink();
  protected override logic() {
    connect(this.sink, { data: this.a });
    connect(this.sink, { data: this.b });
  }
}

checked(elaborate(() => new Top()).design);
