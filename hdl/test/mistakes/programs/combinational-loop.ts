/** A value that depends on itself, by way of a child. */
import { bool, checked, connect, elaborate, input, Module, output, wire } from '../../../src/index.ts';

class Inverter extends Module {
  readonly d = input(bool);
  readonly q = output(bool);
  private readonly middle = wire(bool);
  protected override logic() {
    this.middle.set(this.d.not());
    this.q.set(this.middle);
  }
}
class Top extends Module {
  readonly q = output(bool);
  private readonly inverter = new Inverter();
  protected override logic() {
    connect(this.inverter, { d: this.inverter.q });
    this.q.set(this.inverter.q);
  }
}

checked(elaborate(() => new Top()).design);
