import type { Design, Location, Site } from '../../src/ir/ir.ts';
import { type Check, type Diagnostic, formatDiagnostic } from '../../src/passes/index.ts';

/** A made-up source, so that the texts of the tests depend on no file. */
export const source = `export class Example extends Module {
  readonly a = input(uint(4));
  readonly x = output(uint(4));
  protected override logic() {
    when(this.a.any(), () => this.x.set(1));
  }
}
`;

const file = 'example.ts';

/** A place in the made-up source, called from another. */
export function place(line: number, column: number, ...callers: readonly number[]): Site {
  const at = (l: number, c: number): Location => ({ file, line: l, column: c });
  return { frames: [at(line, column), ...callers.map(caller => at(caller, 1))] };
}

export function texts(check: Check, design: Design): string[] {
  return check(design).map(asText);
}

export function asText(diagnostic: Diagnostic): string {
  return formatDiagnostic(diagnostic, { readSource: name => (name === file ? source : undefined) });
}

export const messages = (check: Check, design: Design): string[] => check(design).map(d => d.message);
