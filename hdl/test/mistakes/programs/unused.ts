/** A wire, a register and a memory that nobody reads. */
import {
  diagnose,
  elaborate,
  formatDiagnostic,
  input,
  Module,
  memory,
  reg,
  shareModules,
  uint,
  wire,
} from '../../../src/index.ts';

class Top extends Module {
  readonly a = input(uint(4));
  private readonly next = wire(uint(4));
  private readonly last = reg(uint(4), { init: 0 });
  private readonly history = memory(uint(4), { depth: 16 });
  protected override logic() {
    this.next.set(this.a.add(1));
    this.last.set(this.a);
    this.history.write(this.a, this.a);
  }
}

const { design } = elaborate(() => new Top());
console.log(
  diagnose(shareModules(design))
    .map(found => formatDiagnostic(found))
    .join('\n\n'),
);
