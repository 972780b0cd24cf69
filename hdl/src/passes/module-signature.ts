import type { Expr, Module, Statement, Target } from '../ir/ir.ts';
import { expressions, operands, postOrder, targetName } from '../ir/visit.ts';

/**
 * A text that two modules share exactly if they are equal but for their own name and their sites. `childKey` gives a text that is equal for
 * equal children. Linear in the size of the module.
 */
export function moduleSignature(module: Module, childKey: (child: Module) => string): string {
  const text: string[] = [];
  for (const { name, clock, reset, of } of module.domains)
    text.push(`domain ${name} ${clock} ${JSON.stringify(reset)} ${of?.name}`);
  const { external } = module;
  if (external) text.push(`external ${external.name} ${JSON.stringify([...external.parameters], quoted)} ${external.sources}`);
  for (const { name, kind, width, init, states, domain, crossing } of module.signals) {
    // Instances state the values of parameters: modules that differ in nothing else are one.
    const value = kind === 'parameter' ? '' : init;
    text.push(`${kind} ${name} ${width} ${value ?? ''} ${states?.join() ?? ''} ${domain?.name} ${crossing}`);
  }
  for (const { name, width, depth, lane, style, collisions, init } of module.memories)
    text.push(`memory ${name} ${width} ${depth} ${lane} ${style} ${collisions} ${init ?? ''}`);
  for (const { name, module: child, domains, parameters } of module.instances) {
    const clocks = [...domains].map(([inner, outer]) => `${inner}=${outer.name}`);
    text.push(`instance ${name} ${childKey(child)} ${clocks} ${[...parameters]}`);
  }

  const numbers = new Map<Expr, number>();
  const seen = new Set<Expr>();
  const number = (expr: Expr) => numbers.get(expr) ?? -1;
  const body = (statements: readonly Statement[]) => {
    for (const statement of statements) {
      for (const root of expressions(statement)) {
        postOrder(root, seen, expr => {
          numbers.set(expr, numbers.size);
          let line = `${expr.kind} ${expr.width} `;
          for (const operand of operands(expr)) line += `${number(operand)},`;
          text.push(line + detail(expr));
        });
      }
      begin(statement);
    }
  };
  const begin = (statement: Statement) => {
    switch (statement.kind) {
      case 'assign':
        text.push(`assign ${target(statement.target)} ${statement.low} ${expressions(statement).map(number)}`);
        break;
      case 'memory-write':
        text.push(`write ${statement.memory.name} ${statement.domain.name} ${expressions(statement).map(number)}`);
        break;
      case 'property':
        text.push(`${statement.property} ${statement.domain.name} ${number(statement.condition)} ${statement.message}`);
        break;
      case 'log': {
        const parts = statement.parts.map(part =>
          typeof part === 'string' ? part : [part.format, number(part.value), part.states],
        );
        text.push(`log ${statement.domain.name} ${JSON.stringify(parts)}`);
        break;
      }
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

const quoted = (_: string, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value);

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
