import type { If, Log, Match, MemoryWrite, Property, Statement, Target } from '../ir/ir.ts';
import { ones } from '../ir/visit.ts';
import { type Expressions, guarded } from './expressions.ts';
import { enumerated } from './labels.ts';
import { comment, fits, lines } from './lines.ts';

/** What the statements of a block need to know of the module around them. */
export interface StatementContext {
  readonly expressions: Expressions;
  readonly nameOf: (target: Target) => string;
  /** The loop variable of masked memory writes; calling it declares it. */
  readonly lane: () => string;
  /** The lines of a property or a log line; there are none in blocks of hardware. */
  readonly observe?: (statement: Property | Log, indent: string) => readonly string[];
}

/** The lines of procedural statements: `=` in `always @*` blocks, `<=` under a clock. */
export function statementLines(
  body: readonly Statement[],
  context: StatementContext,
  assign: '=' | '<=',
  indent: string,
): string[] {
  return body.flatMap(statement => statementText(statement, context, assign, indent));
}

function statementText(statement: Statement, context: StatementContext, assign: '=' | '<=', indent: string): readonly string[] {
  const { expressions } = context;
  const inner = (statements: readonly Statement[]) => statementLines(statements, context, assign, `${indent}  `);
  switch (statement.kind) {
    case 'assign': {
      const { target, low, offset, value, site } = statement;
      const part = offset ? `[${expressions.index(offset, value.width)}]` : bits(low, value.width, target.signal.width);
      const name = context.nameOf(target) + part;
      return lines(indent, `${name} ${assign} ${expressions.value(value, target.signal)};`, comment(site));
    }
    case 'memory-write':
      return memoryWrite(statement, context, indent);
    case 'if':
      return ifLines(statement, expressions, inner, indent);
    case 'match':
      return caseLines(statement, expressions, body => statementLines(body, context, assign, `${indent}    `), indent);
    case 'property':
    case 'log':
      return context.observe?.(statement, indent) ?? [];
  }
}

type Inner = (body: readonly Statement[]) => string[];

function ifLines({ arms, otherwise }: If, expressions: Expressions, inner: Inner, indent: string): string[] {
  const [first, ...others] = arms;
  if (!first) return inner(otherwise);
  if (first.body.length === 0 && others.length === 0) {
    return [...lines(indent, `if (${expressions.inverse(first.condition)}) begin`), ...inner(otherwise), `${indent}end`];
  }
  const never = first.condition.kind === 'const' ? ' // never: hardware does not write it' : '';
  const result = [...lines(indent, `if (${expressions.value(first.condition)}) begin`, never), ...inner(first.body)];
  for (const arm of others) {
    result.push(...lines(indent, `end else if (${expressions.value(arm.condition)}) begin`), ...inner(arm.body));
  }
  if (otherwise.length > 0) result.push(`${indent}end else begin`, ...inner(otherwise));
  return [...result, `${indent}end`];
}

function caseLines({ subject, arms, otherwise }: Match, expressions: Expressions, inner: Inner, indent: string): string[] {
  const like = enumerated(subject);
  const result = lines(indent, `case (${expressions.subject(subject)})`);
  const arm = (head: string, note: string, body: readonly Statement[]) => {
    const [only = '', ...others] = inner(body);
    const short = body.length === 1 && body[0]?.kind === 'assign' && note === '' ? `${head} ${only.trimStart()}` : '';
    if (body.length === 0) result.push(`${head} ;${note}`);
    else if (short !== '' && others.length === 0 && fits(short)) result.push(short);
    else result.push(`${head} begin${note}`, only, ...others, `${indent}  end`);
  };
  for (const { value, label, body } of arms) {
    const text = expressions.constant(subject.width, value, like);
    arm(`${indent}  ${text}:`, label === '' || text.endsWith(label) ? '' : ` // ${label}`, body);
  }
  const full = BigInt(arms.length) === 1n << BigInt(subject.width);
  if (otherwise.length > 0 || !full) arm(`${indent}  default:`, '', otherwise);
  return [...result, `${indent}endcase`];
}

function bits(low: number, width: number, whole: number): string {
  if (width === whole) return '';
  return width === 1 ? `[${low}]` : `[${low + width - 1}:${low}]`;
}

function memoryWrite(statement: MemoryWrite, context: StatementContext, indent: string): string[] {
  const { memory, address, data, mask, site } = statement;
  const { expressions } = context;
  const { lane } = memory;
  const lanes = memory.width / lane;
  const place = expressions.element(memory, address);
  const whole = (margin: string) => lines(margin, `${place} <= ${expressions.value(data)};`, comment(site));
  const under = (condition: string, body: (margin: string) => string[], margin: string) => [
    ...lines(margin, `if (${condition}) begin`),
    ...body(`${margin}  `),
    `${margin}end`,
  ];
  const body = (margin: string): string[] => {
    if (mask === undefined || (mask.kind === 'const' && mask.value === ones(lanes))) return whole(margin);
    if (lanes === 1) return under(expressions.value(mask), whole, margin);
    if (mask.kind === 'const') {
      return Array.from({ length: lanes }, (_, i) => i * lane)
        .filter(low => ((mask.value >> BigInt(low / lane)) & 1n) === 1n)
        .flatMap(low => {
          const part = lane === 1 ? `[${low}]` : `[${low + lane - 1}:${low}]`;
          return lines(margin, `${place}${part} <= ${expressions.part(data, low, lane)};`, comment(site));
        });
    }
    const name = context.lane();
    const part = lane === 1 ? `[${name}]` : `[${name} * ${lane} +: ${lane}]`;
    const move = (deeper: string) => lines(deeper, `${place}${part} <= ${expressions.value(data)}${part};`, comment(site));
    return [
      ...lines(margin, `for (${name} = 0; ${name} < ${lanes}; ${name} = ${name} + 1) begin`),
      ...under(`${expressions.value(mask)}[${name}]`, move, `${margin}  `),
      `${margin}end`,
    ];
  };
  return guarded(memory, address) ? under(expressions.inside(memory, address), body, indent) : body(indent);
}
