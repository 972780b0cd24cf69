/** A state that the enumeration does not have. */
import { bool, elaborate, Module, output, reg, states } from '../../../src/index.ts';

const Phase = states('Idle', 'Run');
class Top extends Module {
  readonly q = output(bool);
  private readonly phase = reg(Phase, { init: 'Idle' });
  protected override logic() {
    this.phase.set('Stop' as never);
    this.q.set(this.phase.is('Idle'));
  }
}

elaborate(() => new Top());
