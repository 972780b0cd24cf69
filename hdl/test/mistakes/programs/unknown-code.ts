/** A number that is the code of no state. */
import { bool, elaborate, Module, output, reg, states } from '../../../src/index.ts';

const Phase = states('Idle', 'Run', 'Stop');
class Top extends Module {
  readonly q = output(bool);
  private readonly phase = reg(Phase, { init: 'Idle' });
  protected override logic() {
    this.phase.set(3 as never);
    this.q.set(this.phase.is('Idle'));
  }
}

elaborate(() => new Top());
