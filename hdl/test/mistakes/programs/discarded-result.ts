/** Operations whose results go nowhere. */
import {
  bool,
  diagnose,
  elaborate,
  formatDiagnostic,
  input,
  Module,
  output,
  reg,
  shareModules,
  uint,
  when,
} from '../../../src/index.ts';

class Top extends Module {
  readonly en = input(bool);
  readonly count = output(uint(8));
  private readonly value = reg(uint(8), { init: 0 });
  protected override logic() {
    this.value.add(1);
    when(this.en, () => this.value.add(1));
    this.value.set(this.value.xor(1));
    this.count.set(this.value);
  }
}

const { design } = elaborate(() => new Top());
console.log(
  diagnose(shareModules(design))
    .map(found => formatDiagnostic(found))
    .join('\n\n'),
);
