/** A register of a child is called as a field of one of its outputs. */
import { Bundle, bool, checked, connect, elaborate, input, Module, output, reg } from '../../../src/index.ts';

class Partner extends Bundle({ ready: bool }) {}

class Child extends Module {
  readonly x = input(bool);
  readonly partner = output(Partner);
  private readonly partner_ready = reg(bool, { init: 0 });
  protected override logic() {
    this.partner_ready.set(this.x);
    this.partner.ready.set(this.partner_ready);
  }
}

class Parent extends Module {
  readonly x = input(bool);
  readonly y = output(bool);
  private readonly child = new Child();
  protected override logic() {
    connect(this.child, { x: this.x });
    this.y.set(this.child.partner.ready);
  }
}

checked(elaborate(() => new Parent()).design);
