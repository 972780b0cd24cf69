import type { Design, Expr, If, Match, Module } from '../ir/ir.ts';
import { operands, walk } from '../ir/visit.ts';
import { quantity } from '../lang/errors.ts';
import type { Diagnostic } from './diagnostic.ts';

/**
 * Arms that can never be taken: of a match, values that the subject cannot have, values named twice, a rest that is empty; of a when, a condition that
 * is never 1, one that stood before, and all after one that is always 1.
 */
export function unreachableArm(design: Design): Diagnostic[] {
  return design.modules.flatMap(module => {
    const found: Diagnostic[] = [];
    walk(module.body, statement => {
      if (statement.kind === 'match') found.push(...ofMatch(module, statement));
      if (statement.kind === 'if') found.push(...ofWhen(module, statement));
    });
    return found;
  });
}

function ofMatch(module: Module, { subject, arms, otherwise, site }: Match): Diagnostic[] {
  const found: Diagnostic[] = [];
  const seen = new Set<bigint>();
  const report = (severity: Diagnostic['severity'], message: string, hint: string) =>
    found.push({ check: 'unreachable-arm', severity, message: `${message} in ${module.name}`, sites: [site], hint });
  for (const { value, label } of arms) {
    const arm = label === '' || label === String(value) ? `the arm ${value}` : `the arm ${label} (${value})`;
    if (value < 0n || value >> BigInt(subject.width) !== 0n) {
      report(
        'error',
        `${arm} can never be taken: the subject has ${quantity(subject.width, 'bit')}`,
        'remove the arm, or widen the subject',
      );
    }
    if (seen.has(value)) report('error', `${arm} stands twice`, 'remove one of the two arms');
    seen.add(value);
  }
  if (otherwise.length > 0 && BigInt(seen.size) === 1n << BigInt(subject.width))
    report('warning', 'the otherwise of a match can never be taken: the arms name every value', 'remove it');
  return found;
}

function ofWhen(module: Module, { arms, otherwise, site }: If): Diagnostic[] {
  const found: Diagnostic[] = [];
  const report = (what: string, why: string, sites: Diagnostic['sites'], hint: string) => {
    const message = `${what} of a when can never be taken in ${module.name}: ${why}`;
    found.push({ check: 'unreachable-arm', severity: 'warning', message, sites, hint });
  };
  const before = new Map<string, Expr[]>();
  for (const [i, { condition }] of arms.entries()) {
    const name = i === 0 ? 'the first arm' : `arm ${i + 1}`;
    if (condition.kind === 'const') {
      if (condition.value === 0n) {
        report(name, 'its condition is always 0', [condition.site, site], 'remove the arm, or mend the condition');
        continue;
      }
      const rest = i + 1 < arms.length ? `arm ${i + 2}` : otherwise.length > 0 ? 'the otherwise' : undefined;
      if (rest !== undefined)
        report(rest, 'the condition before it is always 1', [condition.site, site], 'remove what follows, or mend the condition');
      break;
    }
    const key = shape(condition, 3);
    const alike = before.get(key) ?? [];
    before.set(key, [...alike, condition]);
    const same = alike.find(other => equal(other, condition));
    if (same) report(name, 'its condition stood before', [condition.site, same.site], 'remove the arm, or mend its condition');
  }
  return found;
}

/** A text that is the same for equal expressions; what is further down than `depth` is left out. */
function shape(expr: Expr, depth: number): string {
  const inside = depth === 0 ? '' : operands(expr).map(operand => shape(operand, depth - 1));
  return `${own(expr)}(${inside})`;
}

/** Whether two expressions compute the same from the same: what a person writes as a condition, not what a program generates. */
function equal(a: Expr, b: Expr, budget = { nodes: 200 }): boolean {
  if (a === b) return true;
  if (budget.nodes-- <= 0 || own(a) !== own(b)) return false;
  const [left, right] = [operands(a), operands(b)];
  return left.every((operand, i) => {
    const other = right[i];
    return other !== undefined && equal(operand, other, budget);
  });
}

/** What a node is apart from its operands. */
function own(expr: Expr): string {
  switch (expr.kind) {
    case 'const':
      return `${expr.width}'${expr.value}`;
    case 'signal':
      return expr.signal.name;
    case 'instance':
      return `${expr.instance.name}.${expr.port.name}`;
    case 'memory-read':
      return `read ${expr.memory.name}`;
    case 'slice':
      return `slice ${expr.low} ${expr.width}`;
    case 'extend':
      return `extend ${expr.signed} ${expr.width}`;
    case 'unary':
      return expr.op;
    case 'binary':
      return `${expr.op} ${expr.signed}`;
    case 'mux':
      return 'mux';
    case 'concat':
      return `concat ${expr.parts.length}`;
  }
}
