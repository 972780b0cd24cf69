import type { Log, Property } from '../ir/ir.ts';
import { blockHead, isReset, notReset } from './domains.ts';
import { project } from './drivers.ts';
import type { Expressions } from './expressions.ts';
import type { ObservedBlock } from './items.ts';
import { comment, lines } from './lines.ts';
import { literal } from './literals.ts';
import type { Names } from './names.ts';
import { quoted } from './quoted.ts';
import { type StatementContext, statementLines } from './statements.ts';

/** For whom properties are written: tools that prove them, or simulators. */
export type Audience = 'formal' | 'simulation';

/** What concerns them of a block: log lines and covers are for one of them only. */
export function concerning(audience: Audience, block: ObservedBlock): ObservedBlock[] {
  const concerns = (statement: { readonly kind: string; readonly property?: string }) =>
    audience === 'formal' ? statement.kind === 'property' : statement.property !== 'cover';
  const statements = block.statements.flatMap(s => project(s, concerns));
  return statements.length > 0 ? [{ ...block, statements }] : [];
}

/**
 * The blocks as Verilog. Formal tools take immediate assertions, which Yosys reads with `-formal`, and begin in reset. Simulators print, and stop where a
 * property fails: `$stop` is what Verilog-2005 has for that.
 */
export function observedLines(
  audience: Audience,
  blocks: readonly ObservedBlock[],
  context: StatementContext,
  names: Names,
): string[] {
  if (audience === 'formal') {
    const state = (s: Property | Log, indent: string) => (s.kind === 'property' ? property(s, context.expressions, indent) : []);
    const resets = blocks.flatMap(({ domain }) => (domain.reset ? [`  initial assume (${isReset(domain.reset)});`] : []));
    return [...resets, ...blocks.flatMap(b => block(b, `always @(posedge ${b.domain.clock})`, { ...context, observe: state }))];
  }
  const states = new StateNames(names);
  const observe = (s: Property | Log, indent: string) =>
    s.kind === 'property' ? checked(s, context.expressions, indent) : logged(s, context.expressions, states, indent);
  const body = blocks.flatMap(b => block(b, blockHead(b.domain, true), { ...context, observe }));
  return [...states.functions, ...body];
}

function block({ domain, statements }: ObservedBlock, head: string, context: StatementContext): string[] {
  const { reset } = domain;
  if (!reset) return [`  ${head} begin`, ...statementLines(statements, context, '<=', '    '), '  end'];
  const body = statementLines(statements, context, '<=', '      ');
  return [`  ${head} begin`, `    if (${notReset(reset)}) begin`, ...body, '    end', '  end'];
}

function property({ property: verb, condition, message, site }: Property, expressions: Expressions, indent: string): string[] {
  return lines(indent, `${verb} (${expressions.value(condition)});`, comment(site, message.replace(/\s+/g, ' ')));
}

function checked({ condition, message, site }: Property, expressions: Expressions, indent: string): string[] {
  const [place] = site.frames;
  const where = place ? ` (${place.file.replace(/^.*[/\\]/, '')}:${place.line})` : '';
  return [
    ...lines(indent, `if (${expressions.inverse(condition)}) begin`, comment(site)),
    ...lines(`${indent}  `, `$display("%m: ${quoted(`${message}${where}`, true)}");`),
    `${indent}  $stop;`,
    `${indent}end`,
  ];
}

function logged({ parts, site }: Log, expressions: Expressions, states: StateNames, indent: string): string[] {
  const values: string[] = [];
  const format = parts.map(part => {
    if (typeof part === 'string') return quoted(part, true);
    const text = expressions.subject(part.value);
    if (part.format === 'state') values.push(`${states.of(part.value.width, part.states ?? [])}(${text})`);
    else values.push(part.format === 'signed' ? `$signed(${text})` : text);
    return { unsigned: '%0d', signed: '%0d', hex: '%h', binary: '%b', state: '%0s' }[part.format];
  });
  return lines(indent, `$display(${[`"${format.join('')}"`, ...values].join(', ')});`, comment(site));
}

/** Functions that give the name of a state; one that no state has is a question mark. */
class StateNames {
  readonly functions: string[] = [];
  private readonly known = new Map<string, string>();
  private readonly names: Names;

  constructor(names: Names) {
    this.names = names;
  }

  of(width: number, states: readonly string[]): string {
    const key = `${width} ${states}`;
    const found = this.known.get(key);
    if (found !== undefined) return found;
    const name = this.names.unique('state_name');
    this.known.set(key, name);
    const longest = states.reduce((most, state) => Math.max(most, state.length), 1);
    const text = (state: string) => {
      const padding = longest - state.length;
      return padding === 0 ? `"${state}"` : `{${literal(8 * padding, 0n)}, "${state}"}`;
    };
    const arms = states.flatMap((state, code) =>
      state ? [`      ${literal(width, BigInt(code))}: ${name} = ${text(state)};`] : [],
    );
    this.functions.push(
      `  function [${8 * longest - 1}:0] ${name};`,
      `    input ${width === 1 ? '' : `[${width - 1}:0] `}state;`,
      '    case (state)',
      ...arms,
      ...(arms.length === 2 ** width ? [] : [`      default: ${name} = ${text('?')};`]),
      '    endcase',
      '  endfunction',
    );
    return name;
  }
}
