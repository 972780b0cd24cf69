/** Fields that Verilog keeps for itself. */
import { checked, elaborate, input, Module, output, uint } from '../../../src/index.ts';

class Top extends Module {
  readonly input = input(uint(8));
  readonly output = output(uint(8));
  protected override logic() {
    this.output.set(this.input);
  }
}

checked(elaborate(() => new Top()).design);
