/** A parent that reads what it drives itself. */
import { bool, connect, elaborate, input, Module, output } from '../../../src/index.ts';

class Sink extends Module {
  readonly d = input(bool);
  protected override logic() {}
}
class Top extends Module {
  readonly a = input(bool);
  readonly q = output(bool);
  private readonly sink = new Sink();
  protected override logic() {
    connect(this.sink, { d: this.a });
    this.q.set(this.sink.d);
  }
}

elaborate(() => new Top());
