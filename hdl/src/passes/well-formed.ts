import type { Design, Expr, Module, Site, Statement } from '../ir/ir.ts';
import { ownDomains } from '../ir/state.ts';
import { ones, targetName, visitExpressions, walk } from '../ir/visit.ts';
import { quantity } from '../lang/errors.ts';
import type { Diagnostic } from './diagnostic.ts';

/** The widths and references that the IR promises. What this finds is a mistake of the program that built the IR, not of its user. */
export function wellFormed(design: Design): Diagnostic[] {
  const found: Diagnostic[] = [];
  for (const module of design.modules) {
    const report = (problem: string | undefined, site: Site) => {
      if (problem === undefined) return;
      found.push({
        check: 'well-formed',
        severity: 'error',
        message: `the netlist of ${module.name} is inconsistent: ${problem}`,
        sites: [site],
        hint: 'this is a fault of the language or of a pass, not of the design: please report it with this place',
      });
    };
    for (const signal of module.signals) {
      const { name, width, init, site } = signal;
      if (width < 1) report(`'${name}' has ${quantity(width, 'bit')}`, site);
      if (init !== undefined && (init < 0n || init > ones(width)))
        report(`'${name}' is reset to ${init}, beyond ${quantity(width, 'bit')}`, site);
    }
    const owned = new Set<object>([...module.signals, ...module.memories, ...module.instances, ...module.domains]);
    for (const { name, kind, domain, site } of module.signals) {
      if (kind === 'register' && !domain) report(`the register '${name}' has no clock`, site);
      if (domain && !owned.has(domain)) report(`the clock of '${name}' is no domain of it`, site);
    }
    for (const { name, of, reset, site } of module.domains) {
      if (!of) continue;
      const signal = module.signals.find(s => s.name === reset?.name);
      if (!owned.has(of) || of.of || signal?.width !== 1) report(`the domain '${name}' has no clock or reset of it`, site);
    }
    for (const { name, module: child, domains, site } of module.instances) {
      const missing = ownDomains(child).find(inner => {
        const outer = domains.get(inner.name);
        return !outer || !owned.has(outer);
      });
      if (missing) report(`the domain '${missing.name}' of '${name}' is not driven by one of it`, site);
    }
    visitExpressions(module, expr => report(wrong(expr) ?? foreign(expr, owned), expr.site));
    walk(module.body, statement => report(wrongStatement(statement) ?? foreignStatement(statement, owned), statement.site));
  }
  return found.concat(order(design));
}

function order(design: Design): Diagnostic[] {
  const seen = new Set<Module>();
  const found: Diagnostic[] = [];
  for (const module of design.modules) {
    for (const { name, module: child, site } of module.instances) {
      if (seen.has(child)) continue;
      found.push({
        check: 'well-formed',
        severity: 'error',
        message: `the design lists ${child.name} not before ${module.name}, which has it as '${name}'`,
        sites: [site],
        hint: 'this is a fault of the language or of a pass, not of the design: please report it with this place',
      });
    }
    seen.add(module);
  }
  return found;
}

function foreign(expr: Expr, owned: ReadonlySet<object>): string | undefined {
  if (expr.kind === 'signal' && !owned.has(expr.signal)) return `'${expr.signal.name}' is read, but is no signal of it`;
  if (expr.kind === 'instance' && !owned.has(expr.instance)) return `'${expr.instance.name}' is read, but is no child of it`;
  if (expr.kind === 'memory-read' && !owned.has(expr.memory)) return `'${expr.memory.name}' is read, but is no memory of it`;
  return undefined;
}

function foreignStatement(statement: Statement, owned: ReadonlySet<object>): string | undefined {
  if (statement.kind === 'assign') {
    const { instance, signal } = statement.target;
    return owned.has(instance ?? signal) ? undefined : `'${targetName(statement.target)}' is driven, but does not belong to it`;
  }
  if (statement.kind === 'memory-write' && !owned.has(statement.memory))
    return `'${statement.memory.name}' is written, but is no memory of it`;
  if ('domain' in statement && !owned.has(statement.domain)) return `a ${statement.kind} has a clock that is no domain of it`;
  return undefined;
}

const differ = (what: string, a: number, b: number) =>
  a === b ? undefined : `${what} has ${quantity(a, 'bit')} where ${b} belong`;

/** What is wrong with one node. */
function wrong(expr: Expr): string | undefined {
  const { width } = expr;
  if (!Number.isInteger(width) || width < 1) return `a ${expr.kind} has ${quantity(width, 'bit')}`;
  switch (expr.kind) {
    case 'const':
      return expr.value < 0n || expr.value > ones(width)
        ? `the constant ${expr.value} does not fit in ${quantity(width, 'bit')}`
        : undefined;
    case 'signal':
      return differ(`a read of '${expr.signal.name}'`, width, expr.signal.width);
    case 'instance':
      if (expr.port.kind !== 'output') return `'${expr.instance.name}.${expr.port.name}' is read, but is no output`;
      return differ(`a read of '${expr.instance.name}.${expr.port.name}'`, width, expr.port.width);
    case 'unary':
      return differ(`a ${expr.op}`, width, expr.op === 'not' ? expr.value.width : 1);
    case 'mux':
      return (
        differ('a condition', expr.condition.width, 1) ??
        differ('an arm of a mux', expr.whenTrue.width, width) ??
        differ('an arm of a mux', expr.whenFalse.width, width)
      );
    case 'concat':
      return differ(
        'a concatenation',
        width,
        expr.parts.reduce((sum, part) => sum + part.width, 0),
      );
    case 'slice':
      return expr.low < 0 || expr.low + width > expr.value.width
        ? `bits ${expr.low + width - 1} to ${expr.low} are taken of ${expr.value.width}`
        : undefined;
    case 'extend':
      return width <= expr.value.width ? `${quantity(expr.value.width, 'bit')} extended to ${width}` : undefined;
    case 'memory-read':
      return differ(`a word of '${expr.memory.name}'`, width, expr.memory.width);
    case 'binary': {
      const { op, left, right } = expr;
      if (op === 'shl' || op === 'shr') return differ(`a ${op}`, width, left.width);
      const result = ['eq', 'ne', 'lt', 'le', 'gt', 'ge'].includes(op) ? 1 : left.width;
      return differ(`the right side of ${op}`, right.width, left.width) ?? differ(`a ${op}`, width, result);
    }
  }
}

function wrongStatement(statement: Statement): string | undefined {
  switch (statement.kind) {
    case 'assign': {
      const { target, low, value } = statement;
      const beyond = low < 0 || low + value.width > target.signal.width;
      return beyond
        ? `bits ${low + value.width - 1} to ${low} of '${targetName(target)}' are driven, which has ${target.signal.width}`
        : undefined;
    }
    case 'if':
      return statement.arms.map(arm => differ('a condition', arm.condition.width, 1)).find(problem => problem !== undefined);
    case 'property':
      return differ('a property', statement.condition.width, 1);
    case 'match':
    case 'log':
      return undefined;
    case 'memory-write': {
      const { memory, data, mask } = statement;
      const lanes = memory.width / memory.lane;
      return (
        differ(`data for '${memory.name}'`, data.width, memory.width) ??
        (mask && differ(`a mask for '${memory.name}'`, mask.width, lanes))
      );
    }
  }
}
