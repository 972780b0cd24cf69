import type { Assign, Design, Module, Statement } from '../ir/ir.ts';
import { bodies, ones, targetName } from '../ir/visit.ts';
import type { Diagnostic } from './diagnostic.ts';
import { describeTarget, subjectOf } from './nets.ts';

/**
 * Assignments that a later one in the same block drives all bits of again, whatever happens: two drivers, of which the first has no effect. That the
 * last assignment wins is for defaults, which stay allowed: a constant, a value before a `when`, a whole word of which parts are set afterwards.
 */
export function multiplyDriven(design: Design): Diagnostic[] {
  return design.modules.flatMap(module => overwritten(module, module.body));
}

function overwritten(module: Module, body: readonly Statement[]): Diagnostic[] {
  const found: Diagnostic[] = [];
  const drivers = new Map<string, Driven>();
  for (const statement of body) {
    for (const inner of bodies(statement)) found.push(...overwritten(module, inner));
    if (statement.kind !== 'assign' || statement.offset) continue;
    const name = targetName(statement.target);
    const driven = drivers.get(name) ?? new Driven();
    drivers.set(name, driven);
    for (const lost of driven.add(statement)) {
      if (lost.value.kind !== 'const') found.push(diagnostic(module, lost, statement));
    }
  }
  return found;
}

/** The assignments to one target that have an effect so far, by the bit that they begin at. */
class Driven {
  private readonly byLow = new Map<number, Assign[]>();

  /** Adds an assignment. @returns those that it takes the effect of. */
  add(later: Assign): readonly Assign[] {
    const { low, value } = later;
    const lost: Assign[] = [];
    // Bit by bit or from all there are, whichever is shorter: a long word may be set in many small pieces.
    const starts =
      value.width < this.byLow.size ? Array.from({ length: value.width }, (_, i) => low + i) : [...this.byLow.keys()];
    for (const start of starts) {
      const here = this.byLow.get(start) ?? [];
      const covered = here.filter(earlier => low <= start && low + value.width >= start + earlier.value.width);
      if (covered.length === 0) continue;
      lost.push(...covered);
      this.byLow.set(
        start,
        here.filter(earlier => !covered.includes(earlier)),
      );
    }
    this.byLow.set(low, [...(this.byLow.get(low) ?? []), later]);
    return lost;
  }
}

function diagnostic(module: Module, { target, low, value, site }: Assign, later: Assign): Diagnostic {
  const { text, is } = subjectOf(describeTarget(module, target), target.signal.width, ones(value.width) << BigInt(low));
  return {
    check: 'multiply-driven',
    severity: 'error',
    message: `${text} ${is} driven twice: the first has no effect`,
    sites: [later.site, site],
    hint: 'remove one of the two, or put the second under a condition',
  };
}
