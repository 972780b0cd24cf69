/** An input that the child does not have. */
import { bool, connect, elaborate, input, Module } from '../../../src/index.ts';

class Sink extends Module {
  readonly d = input(bool);
  protected override logic() {}
}
class Top extends Module {
  readonly a = input(bool);
  private readonly sink = new Sink();
  protected override logic() {
    connect(this.sink, { d: this.a, enable: this.a } as never);
  }
}

elaborate(() => new Top());
