import type { Expr, If, Statement } from '../ir/ir.ts';
import { sameSource } from './fold.ts';

/**
 * Statements with less nesting that do the same: an `if` in an `if` with nothing beside it becomes one. What drives one net is taken out of conditions
 * that the source has for many, which leaves such.
 */
export function flattened(statements: readonly Statement[]): Statement[] {
  return statements.map(statement => {
    if (statement.kind === 'match') {
      const arms = statement.arms.map(arm => ({ ...arm, body: flattened(arm.body) }));
      return { ...statement, arms, otherwise: flattened(statement.otherwise) };
    }
    if (statement.kind !== 'if') return statement;
    const arms = statement.arms.map(arm => ({ ...arm, body: flattened(arm.body) }));
    return inOne({ ...statement, arms, otherwise: flattened(statement.otherwise) });
  });
}

function inOne(outer: If): If {
  const [around] = outer.arms;
  const [inner, ...others] = around?.body ?? [];
  if (!around || !lone(outer) || inner?.kind !== 'if' || others.length > 0 || !lone(inner)) return outer;
  const arms = inner.arms.map(({ condition, body }) => ({ condition: both(around.condition, condition), body }));
  return { ...outer, arms };
}

const lone = ({ arms, otherwise }: If) => arms.length === 1 && otherwise.length === 0;

const both = (left: Expr, right: Expr): Expr => ({
  kind: 'binary',
  op: 'and',
  signed: false,
  width: 1,
  left,
  right,
  site: right.site,
});

/**
 * As `flattened`, for statements under a clock, of which neighbours under one condition are joined too: a read of a memory is a statement of its own,
 * though the user has a `when` for the same cycle. Under a clock nothing that one of them assigns can change the condition of the next.
 */
export function joined(statements: readonly Statement[]): Statement[] {
  const result: Statement[] = [];
  for (const statement of flattened(statements)) {
    const last = result.at(-1);
    const both = last?.kind === 'if' && statement.kind === 'if' ? together(last, statement) : undefined;
    if (both) result[result.length - 1] = both;
    else result.push(statement);
  }
  return result;
}

function together(first: If, second: If): If | undefined {
  const [one] = first.arms;
  const [same, ...others] = second.arms;
  if (!one || !lone(first) || !same || !sameSource(one.condition, same.condition)) return undefined;
  return { ...second, arms: [{ condition: one.condition, body: [...one.body, ...same.body] }, ...others] };
}
