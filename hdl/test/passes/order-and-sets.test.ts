import { expect, test } from 'vitest';
import { elaborate, input, Module, output, type UInt, uint } from '../../src/index.ts';
import type { Expr } from '../../src/ir/ir.ts';
import { Sets } from '../../src/ir/sets.ts';
import { operands, postOrder } from '../../src/ir/visit.ts';
import { constant, site } from '../engine/ir-builder.ts';
import { Random } from '../random.ts';

/** The operands of each node first, in reading order, each node once: as the definition says, with a stack of its own. */
function expected(root: Expr): Expr[] {
  const found: Expr[] = [];
  const seen = new Set<Expr>();
  const stack: { readonly expr: Expr; done: boolean }[] = [{ expr: root, done: false }];
  for (let top = stack.pop(); top; top = stack.pop()) {
    if (top.done) {
      found.push(top.expr);
    } else if (!seen.has(top.expr)) {
      seen.add(top.expr);
      stack.push({ expr: top.expr, done: true });
      for (const expr of operands(top.expr).toReversed()) stack.push({ expr, done: false });
    }
  }
  return found;
}

test.each([
  10, 199, 200, 201, 5000,
])('nodes of an expression of %i levels come after their operands, in reading order', levels => {
  const random = new Random(levels);
  const nodes: Expr[] = [constant(1, 0)];
  const last = () => nodes.at(-1) ?? constant(1, 0);
  for (let level = 0; level < levels; level++) {
    const left = last();
    // A leaf of its own can come before or after the rest; what is below it in any case cannot.
    const right = random.chance(0.5) ? constant(1, 1) : random.pick(nodes);
    // Mostly the long way down comes first: else all of it is seen before anything is deep.
    const [a, b] = level < levels - 100 || random.chance(0.5) ? [left, right] : [right, left];
    if (random.chance(0.3)) nodes.push({ kind: 'mux', width: 1, condition: a, whenTrue: b, whenFalse: random.pick(nodes), site });
    else nodes.push({ kind: 'binary', op: 'xor', signed: false, width: 1, left: a, right: b, site });
  }
  const seen = new Set<Expr>();
  const order: Expr[] = [];
  postOrder(last(), seen, expr => order.push(expr));
  const wanted = expected(last());
  expect(order.length, `seed ${levels}`).toBe(wanted.length);
  expect(
    order.findIndex((expr, i) => expr !== wanted[i]),
    `seed ${levels}`,
  ).toBe(-1);
  expect(seen.size).toBe(order.length);
  postOrder(last(), seen, () => expect.unreachable('it was seen'));
});

class Chain extends Module<{ readonly length: number }> {
  readonly a = input(uint(8));
  readonly sum = output(uint(8));
  protected override logic() {
    let sum: UInt<8> = this.a;
    for (let i = 0; i < this.p.length; i++) sum = i % 2 === 0 ? sum.add(this.a) : this.a.add(sum);
    this.sum.set(sum);
  }
}

test.each([199, 200, 201, 3000])('a chain of %i operators becomes as many nodes, each once', length => {
  const { top } = elaborate(() => new Chain({ length })).design;
  const [statement] = top.body;
  if (statement?.kind !== 'assign') throw new Error('an assignment');
  let count = 0;
  postOrder(statement.value, new Set(), () => count++);
  // The input is read by one node, however often it is used.
  expect(count).toBe(length + 1);
});

test('sets are told apart by their members, and equal ones have one number', () => {
  for (let seed = 0; seed < 20; seed++) {
    const random = new Random(seed);
    const sets = new Sets();
    const made: { readonly number: number; readonly members: Set<number> }[] = [{ number: Sets.empty, members: new Set() }];
    for (let i = 0; i < 200; i++) {
      if (random.chance(0.3)) {
        const member = random.below(100);
        made.push({ number: sets.of(member), members: new Set([member]) });
      } else {
        const [a, b] = [random.pick(made), random.pick(made)];
        made.push({ number: sets.union(a.number, b.number), members: new Set([...a.members, ...b.members]) });
      }
    }
    const numbers = new Map<string, number>();
    for (const { number, members } of made) {
      const list = [...members].sort((a, b) => a - b);
      expect(sets.members(number), `seed ${seed}`).toEqual(list);
      expect(numbers.get(list.join()) ?? number, `seed ${seed}`).toBe(number);
      numbers.set(list.join(), number);
    }
  }
});
