import { expect, test } from 'vitest';
import { embedded } from '../../src/engine/embedded.ts';
import type { Design, Expr } from '../../src/ir/ir.ts';
import { rewriteBody } from '../../src/ir/rewrite.ts';
import { randomDesign, resetKinds } from '../random-design.ts';
import { gatherShared } from './gather-shared.ts';
import { lockstep } from './lockstep.ts';
import { shrink, sizeOf } from './shrink.ts';

/** The design with differences in place of sums and arms exchanged: what a faulty engine would do. */
function withFault({ top, modules }: Design): Design {
  const now = {
    ...top,
    body: rewriteBody(top.body, {
      signal: expr => expr,
      output: (instance, port) => ({ instance, port }),
      target: target => target,
      statement: statement => [statement],
    }).map(statement => {
      if (statement.kind !== 'assign') return statement;
      return { ...statement, value: broken(statement.value) };
    }),
  };
  return { top: now, modules: modules.map(module => (module === top ? now : module)) };
}

const broken = (expr: Expr): Expr => {
  if (expr.kind === 'binary' && (expr.op === 'add' || expr.op === 'xor')) return { ...expr, op: 'sub' };
  if (expr.kind === 'mux') return { ...expr, whenTrue: expr.whenFalse, whenFalse: expr.whenTrue };
  if (expr.kind === 'slice' || expr.kind === 'extend') return { ...expr, value: broken(expr.value) };
  return expr;
};

test('a fault in a random design is made small', () => {
  const fails = (designs: readonly Design[]) =>
    designs.map(design => lockstep(design, [d => embedded(d), d => embedded(withFault(d))], 1, 30).size > 0);
  let shown = 0;
  for (let seed = 1; seed <= 30 && shown < 1; seed++) {
    const design = randomDesign(seed, { maxWidth: 20, expressions: 6, children: 0 });
    if (!fails([design])[0]) continue;
    shown++;
    const small = shrink(design, fails);
    expect(fails([small])).toEqual([true]);
    expect(sizeOf(small.top), `seed ${seed}`).toBeLessThan(25);
    expect(sizeOf(design.top)).toBeGreaterThan(60);
  }
  expect(shown).toBe(1);
});

test('gathered designs behave as each of them does', () => {
  const designs = Array.from({ length: 16 }, (_, i) => {
    const [a, b] = [resetKinds[i % 4], resetKinds[i >> 2]];
    return randomDesign(500 + i, { maxWidth: 40, expressions: 10, ...(a && b && { resets: [a, b] as const }) });
  });
  const found = lockstep(gatherShared(designs), [d => embedded(d), d => embedded(d, { gating: 'always' })], 3, 60);
  expect([...found]).toEqual([]);
});
