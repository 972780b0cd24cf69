/** A match that forgets a state. */
import { bool, elaborate, Module, match, output, reg, states } from '../../../src/index.ts';

const Phase = states('Idle', 'Run', 'Stop');
class Top extends Module {
  readonly q = output(bool);
  private readonly phase = reg(Phase, { init: 'Idle' });
  protected override logic() {
    this.phase.set('Run');
    match(Phase, this.phase, { Idle: () => this.q.set(0), Run: () => this.q.set(1) } as never);
  }
}

elaborate(() => new Top());
