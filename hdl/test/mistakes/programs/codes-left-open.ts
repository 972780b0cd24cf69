/** A word read as a state, of which not all patterns are states. */
import { elaborate, input, Module, output, states, uint } from '../../../src/index.ts';

const Phase = states('Idle', 'Run', 'Stop');
class Top extends Module {
  readonly code = input(uint(2));
  readonly q = output(Phase);
  protected override logic() {
    this.q.set(Phase.from(this.code as never));
  }
}

elaborate(() => new Top());
