/** A match with a type that the subject does not have. */
import { bool, elaborate, Module, match, output, reg, states } from '../../../src/index.ts';

const Phase = states('Idle', 'Run');
const Power = states('Off', 'On');
class Top extends Module {
  readonly q = output(bool);
  private readonly phase = reg(Phase, { init: 'Idle' });
  protected override logic() {
    this.phase.set('Run');
    match(Power, this.phase as never, { Off: () => this.q.set(0), On: () => this.q.set(1) });
  }
}

elaborate(() => new Top());
