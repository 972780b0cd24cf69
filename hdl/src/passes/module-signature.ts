import type { Expr, Module, Statement, Target } from '../ir/ir.ts';
import { expressions, operands, postOrder, targetName } from '../ir/visit.ts';

/**
 * A text that two modules share exactly if they are equal but for their own name and their sites. `childKey` gives a text that is equal for
 * equal children. Linear in the size of the module.
 */
export function moduleSignature(module: Module, childKey: (child: Module) => string): string {
  const text: string[] = [];
  for (const { name, kind, width, init, states } of module.signals) {
    text.push(`${kind} ${name} ${width} ${init ?? ''} ${states?.join() ?? ''}`);
  }
  for (const { name, width, depth, lane, style } of module.memories)
    text.push(`memory ${name} ${width} ${depth} ${lane} ${style}`);
  for (const instance of module.instances) text.push(`instance ${instance.name} ${childKey(instance.module)}`);

  const numbers = new Map<Expr, number>();
  const seen = new Set<Expr>();
  const number = (expr: Expr) => numbers.get(expr) ?? -1;
  const body = (statements: readonly Statement[]) => {
    for (const statement of statements) {
      for (const root of expressions(statement)) {
        postOrder(root, seen, expr => {
          numbers.set(expr, numbers.size);
          text.push(`${expr.kind} ${expr.width} ${operands(expr).map(number)} ${detail(expr)}`);
        });
      }
      begin(statement);
    }
  };
  const begin = (statement: Statement) => {
    switch (statement.kind) {
      case 'assign':
        text.push(`assign ${target(statement.target)} ${statement.low} ${number(statement.value)}`);
        break;
      case 'memory-write':
        text.push(`write ${statement.memory.name} ${expressions(statement).map(number)}`);
        break;
      case 'if':
        for (const arm of statement.arms) {
          text.push(`if ${number(arm.condition)}`);
          body(arm.body);
        }
        text.push('else');
        body(statement.otherwise);
        text.push('end');
        break;
      case 'match':
        text.push(`match ${number(statement.subject)}`);
        for (const arm of statement.arms) {
          text.push(`case ${arm.value} ${arm.label}`);
          body(arm.body);
        }
        text.push('default');
        body(statement.otherwise);
        text.push('end');
    }
  };
  body(module.body);
  return text.join('\n');
}

const target = (t: Target) => `${t.instance ? 'child' : 'own'} ${targetName(t)}`;

/** What tells nodes of one kind, width and operands apart. */
function detail(expr: Expr): string {
  switch (expr.kind) {
    case 'const':
      return expr.value.toString(36);
    case 'signal':
      return expr.signal.name;
    case 'instance':
      return `${expr.instance.name}.${expr.port.name}`;
    case 'unary':
      return expr.op;
    case 'binary':
      return `${expr.op} ${expr.signed}`;
    case 'slice':
      return `${expr.low}`;
    case 'extend':
      return `${expr.signed}`;
    case 'memory-read':
      return expr.memory.name;
    case 'mux':
    case 'concat':
      return '';
  }
}
