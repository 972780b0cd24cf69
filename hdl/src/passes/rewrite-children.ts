import type { Expr, Instance, Module, Signal, Statement, Target } from '../ir/ir.ts';
import { expressions, postOrder, walk } from '../ir/visit.ts';

/**
 * The module with other modules behind its instances: `replacement` gives the module that stands for a child, with ports of the same names.
 * Expressions keep their sharing.
 */
export function rewriteChildren(module: Module, replacement: (child: Module) => Module): Module {
  if (module.instances.length === 0) return module;
  const instances = new Map<Instance, Instance>(module.instances.map(i => [i, { ...i, module: replacement(i.module) }]));
  const ports = new Map([...instances].map(([old, now]) => [old, new Map(now.module.signals.map(s => [s.name, s]))]));
  const child = (instance: Instance, port: Signal) => {
    const now = instances.get(instance);
    const signal = ports.get(instance)?.get(port.name);
    if (!now || !signal) throw new Error(`${module.name} uses ${instance.name}.${port.name}, which its instance list lacks`);
    return { instance: now, signal };
  };
  const done = new Map<Expr, Expr>();
  const seen = new Set<Expr>();
  const of = (expr: Expr) => done.get(expr) ?? expr;
  const target = (t: Target): Target => (t.instance ? child(t.instance, t.signal) : t);
  const body = (statements: readonly Statement[]): Statement[] => statements.map(statement);
  const statement = (s: Statement): Statement => {
    switch (s.kind) {
      case 'assign':
        return { ...s, target: target(s.target), offset: s.offset && of(s.offset), value: of(s.value) };
      case 'if': {
        const arms = s.arms.map(arm => ({ condition: of(arm.condition), body: body(arm.body) }));
        return { ...s, arms, otherwise: body(s.otherwise) };
      }
      case 'match': {
        const arms = s.arms.map(arm => ({ ...arm, body: body(arm.body) }));
        return { ...s, subject: of(s.subject), arms, otherwise: body(s.otherwise) };
      }
      case 'memory-write':
        return { ...s, address: of(s.address), data: of(s.data), mask: s.mask && of(s.mask) };
      case 'property':
        return { ...s, condition: of(s.condition) };
      case 'log':
        return { ...s, parts: s.parts.map(part => (typeof part === 'string' ? part : { ...part, value: of(part.value) })) };
    }
  };
  walk(module.body, s => {
    for (const root of expressions(s)) {
      postOrder(root, seen, expr => {
        const now = rewritten(expr, of, child);
        if (now !== expr) done.set(expr, now);
      });
    }
  });
  return { ...module, instances: [...instances.values()], body: body(module.body) };
}

/** The node with new operands; the same node if none changed. */
function rewritten(
  expr: Expr,
  of: (expr: Expr) => Expr,
  child: (instance: Instance, port: Signal) => { readonly instance: Instance; readonly signal: Signal },
): Expr {
  switch (expr.kind) {
    case 'const':
    case 'signal':
      return expr;
    case 'instance': {
      const { instance, signal } = child(expr.instance, expr.port);
      return { ...expr, instance, port: signal };
    }
    case 'unary':
    case 'slice':
    case 'extend':
      return of(expr.value) === expr.value ? expr : { ...expr, value: of(expr.value) };
    case 'binary': {
      const [left, right] = [of(expr.left), of(expr.right)];
      return left === expr.left && right === expr.right ? expr : { ...expr, left, right };
    }
    case 'mux': {
      const [condition, whenTrue, whenFalse] = [of(expr.condition), of(expr.whenTrue), of(expr.whenFalse)];
      const same = condition === expr.condition && whenTrue === expr.whenTrue && whenFalse === expr.whenFalse;
      return same ? expr : { ...expr, condition, whenTrue, whenFalse };
    }
    case 'concat': {
      const parts = expr.parts.map(of);
      return parts.every((part, i) => part === expr.parts[i]) ? expr : { ...expr, parts };
    }
    case 'memory-read':
      return of(expr.address) === expr.address ? expr : { ...expr, address: of(expr.address) };
  }
}
