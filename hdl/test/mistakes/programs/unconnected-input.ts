/** A child with an input that was forgotten. */
import { bool, checked, drive, elaborate, input, Module, uint } from '../../../src/index.ts';

class Sink extends Module {
  readonly valid = input(bool);
  readonly data = input(uint(8));
  protected override logic() {}
}
class Top extends Module {
  readonly valid = input(bool);
  private readonly sink = new Sink();
  protected override logic() {
    drive(this.sink.valid).set(this.valid);
  }
}

checked(elaborate(() => new Top()).design);
