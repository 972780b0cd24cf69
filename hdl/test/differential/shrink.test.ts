import { expect, test } from 'vitest';
import { embedded } from '../../src/engine/embedded.ts';
import type { Engine } from '../../src/engine/simulate.ts';
import type { Design, Module } from '../../src/ir/ir.ts';
import { rewriteBody } from '../../src/ir/rewrite.ts';
import { rewriteChildren } from '../../src/passes/rewrite-children.ts';
import { hasIcarus } from '../emit/icarus.ts';
import { randomDesign, resetKinds } from '../random-design.ts';
import { gatherShared } from './gather-shared.ts';
import { icarusSample } from './icarus-sample.ts';
import { lockstep } from './lockstep.ts';
import { shrink } from './shrink.ts';
import { nodesOf } from './shrink-edits.ts';

/** The design with its wide multiplications, here and below, made differences: what a faulty engine would do. */
function withFault(design: Design): Design {
  const done = new Map<Module, Module>();
  for (const module of design.modules) {
    const now = rewriteChildren(module, child => done.get(child) ?? child);
    const body = rewriteBody(now.body, {
      signal: expr => expr,
      output: (instance, port) => ({ instance, port }),
      target: target => target,
      expression: (_, expr) => (expr.kind === 'binary' && expr.op === 'mul' && expr.width > 20 ? { ...expr, op: 'sub' } : expr),
      statement: statement => [statement],
    });
    done.set(module, { ...now, body });
  }
  return { top: done.get(design.top) ?? design.top, modules: [...done.values()] };
}

test('a fault anywhere in random designs is made small', () => {
  const faulty: Engine = (design, options) => embedded(withFault(design), options);
  const fails = (designs: readonly Design[]) => {
    const found = lockstep(gatherShared(designs), [embedded, faulty], 1, 30);
    return designs.map((_, i) => found.has(i));
  };
  let shown = 0;
  for (let seed = 1; seed <= 40 && shown < 2; seed++) {
    const [a, b] = [resetKinds[seed % 4], resetKinds[(seed >> 2) % 4]];
    const design = randomDesign(seed, { expressions: 20, ...(a && b && { resets: [a, b] as const }) });
    if (!fails([design])[0]) continue;
    shown++;
    let questions = 0;
    const small = shrink(design, designs => {
      questions++;
      return fails(designs);
    });
    expect(fails([small]), `seed ${seed}`).toEqual([true]);
    expect(nodesIn(small), `seed ${seed}`).toBeLessThanOrEqual(8);
    expect(nodesIn(design), `seed ${seed}`).toBeGreaterThan(200);
    expect(questions, `seed ${seed}`).toBeLessThan(100);
  }
  expect(shown).toBe(2);
});

const nodesIn = ({ modules }: Design) => modules.reduce((sum, module) => sum + nodesOf(module).length, 0);

test('gathered designs behave as each of them does', () => {
  const designs = Array.from({ length: 16 }, (_, i) => {
    const [a, b] = [resetKinds[i % 4], resetKinds[i >> 2]];
    return randomDesign(500 + i, { maxWidth: 40, expressions: 10, ...(a && b && { resets: [a, b] as const }) });
  });
  const found = lockstep(gatherShared(designs), [d => embedded(d), d => embedded(d, { gating: 'always' })], 3, 60);
  expect([...found]).toEqual([]);
});

test.skipIf(!hasIcarus())('random designs behave under Icarus as in-process', async () => {
  const designs = Array.from({ length: 8 }, (_, i) => {
    const [a, b] = [resetKinds[i % 4], resetKinds[(i + 1) % 4]];
    return randomDesign(900 + i, { maxWidth: 70, expressions: 8, ...(a && b && { resets: [a, b] as const }) });
  });
  expect([...(await icarusSample(gatherShared(designs), 5, 30))]).toEqual([]);
});
