/** A rest of a match that is never taken. */
import {
  bool,
  diagnose,
  elaborate,
  formatDiagnostic,
  Module,
  match,
  output,
  reg,
  shareModules,
  states,
} from '../../../src/index.ts';

const Phase = states('Idle', 'Run');
class Top extends Module {
  readonly q = output(bool);
  private readonly phase = reg(Phase, { init: 'Idle' });
  protected override logic() {
    this.phase.set('Run');
    match(Phase, this.phase, { Idle: () => this.q.set(0), Run: () => this.q.set(1) }, () => this.q.set(0));
  }
}

const { design } = elaborate(() => new Top());
console.log(
  diagnose(shareModules(design))
    .map(found => formatDiagnostic(found))
    .join('\n\n'),
);
