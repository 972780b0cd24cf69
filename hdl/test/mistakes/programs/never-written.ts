/** A register, half a register and a memory that nothing writes. */
import {
  diagnose,
  elaborate,
  formatDiagnostic,
  input,
  Module,
  memory,
  output,
  reg,
  shareModules,
  uint,
} from '../../../src/index.ts';

class Top extends Module {
  readonly a = input(uint(4));
  readonly q = output(uint(8));
  private readonly offset = reg(uint(8), { init: 3 });
  private readonly level = reg(uint(8), { init: 0 });
  private readonly store = memory(uint(8), { depth: 16 });
  protected override logic() {
    this.level.part(0, 4).set(this.a);
    this.q.set(this.offset.add(this.level).add(this.store.peek(this.a)));
  }
}

const { design } = elaborate(() => new Top());
console.log(
  diagnose(shareModules(design))
    .map(found => formatDiagnostic(found))
    .join('\n\n'),
);
