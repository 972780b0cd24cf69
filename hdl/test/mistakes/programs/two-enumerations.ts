/** States of two enumerations compared. */
import { bool, elaborate, Module, output, reg, states } from '../../../src/index.ts';

const Phase = states('Idle', 'Run');
const Power = states('Off', 'On');
class Top extends Module {
  readonly same = output(bool);
  private readonly phase = reg(Phase, { init: 'Idle' });
  private readonly power = reg(Power, { init: 'Off' });
  protected override logic() {
    this.same.set(this.phase.eq(this.power as never));
  }
}

elaborate(() => new Top());
