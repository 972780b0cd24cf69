/** Arms of a when that are never taken. */
import { diagnose, elaborate, formatDiagnostic, input, Module, output, shareModules, u, uint, when } from '../../../src/index.ts';

class Top extends Module {
  readonly a = input(uint(4));
  readonly q = output(uint(4));
  protected override logic() {
    this.q.set(0);
    when(this.a.eq(1), () => this.q.set(1))
      .elsewhen(this.a.eq(1), () => this.q.set(2))
      .elsewhen(u(1, 0), () => this.q.set(3))
      .elsewhen(u(1, 1), () => this.q.set(4))
      .otherwise(() => this.q.set(5));
  }
}

const { design } = elaborate(() => new Top());
console.log(
  diagnose(shareModules(design))
    .map(found => formatDiagnostic(found))
    .join('\n\n'),
);
