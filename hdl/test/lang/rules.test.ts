import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { clog2, simulate, type UInt } from '../../src/index.ts';
import { type Bits, literal, node, typed } from '../../src/lang/bits.ts';
import { amountWidth, type Numbers, type Operands } from './rule.ts';
import { rules } from './rules.ts';
import { Rules, secondWidth } from './rules-module.ts';

/** Edge values of W bits and a few others, the same in each run. */
function values(W: number, more: number): bigint[] {
  const all = (1n << BigInt(W)) - 1n;
  const top = 1n << BigInt(W - 1);
  const edges = [0n, 1n, all, all - 1n, top, top - 1n, top + 1n].map(v => BigInt.asUintN(W, v));
  let state = BigInt(W) + 88172645463325252n;
  for (let k = 0; k < more; k++) {
    state = (state * 6364136223846793005n + 1442695040888963407n) & ((1n << 128n) - 1n);
    edges.push((state >> 20n) & all);
  }
  return [...new Set(edges)];
}

function* stimuli(W: number, C: number): Generator<Numbers> {
  const all = values(W, 3);
  const small = values(C, 2);
  let k = 0;
  for (const a of all) {
    // Every value beside itself, and beside others in turn.
    for (const b of [a, ...[1, 2, 3].map(step => all[(k * 3 + step) % all.length] ?? a)]) {
      const c = small[k % small.length] ?? 0n;
      const n = BigInt.asUintN(amountWidth(W), BigInt(k));
      const i = BigInt.asUintN(clog2(W), BigInt(k * 3));
      const signed = { x: BigInt.asIntN(W, a), y: BigInt.asIntN(W, b), z: BigInt.asIntN(C, c) };
      yield { a, b, c, n, i, s: BigInt((k * 7) % 3 === 0), ...signed, W, C };
      k++;
    }
  }
}

const expected = (r: number, v: Numbers) => {
  const rule = rules[r];
  if (!rule) throw new Error('no such rule');
  const value = rule.value(v);
  return rule.signed ? BigInt.asIntN(rule.width(v.W, v.C), value) : BigInt.asUintN(rule.width(v.W, v.C), value);
};

const text = (r: number, v: Numbers) =>
  `${rules[r]?.call} with ${Object.entries(v)
    .map(([name, value]) => `${name} = ${value}`)
    .join(', ')}`;

const widths = Array.from({ length: 70 }, (_, i) => i + 1);

test('every rule gives on the engine what integer arithmetic says, for widths 1 to 70', () => {
  for (const W of widths) {
    const C = secondWidth(W);
    using sim = simulate(() => new Rules({ W, C }));
    const { dut } = sim;
    for (const v of stimuli(W, C)) {
      for (const name of ['a', 'b', 'c', 'n', 'i', 's'] as const) sim.poke(dut[name], v[name]);
      dut.results.forEach((result, r) => {
        const found = sim.peek(result);
        if (found !== expected(r, v)) expect.fail(`${text(r, v)}: ${found}, not ${expected(r, v)}`);
      });
    }
  }
});

test('of constants every rule gives a constant, the same one', () => {
  for (const W of [1, 2, 3, 5, 8, 31, 32, 33, 64, 70]) {
    const C = secondWidth(W);
    let k = 0;
    for (const v of stimuli(W, C)) {
      if (k++ % 5 !== 0) continue;
      const known = <T>(width: number, value: bigint, signed = false) =>
        typed<T>(literal(width, value, signed ? 'signed' : undefined));
      const operands: Operands = {
        a: known(W, v.a),
        b: known(W, v.b),
        c: known(C, v.c),
        n: known(amountWidth(W), v.n),
        i: known(clog2(W), v.i),
        s: known(1, v.s),
        x: known(W, v.x, true),
        y: known(W, v.y, true),
        z: known(C, v.z, true),
      };
      rules.forEach((rule, r) => {
        const bits: Bits = node(rule.hardware(operands) as UInt<number>);
        const found = bits.signed && bits.known !== undefined ? BigInt.asIntN(bits.width, bits.known) : bits.known;
        if (found !== expected(r, v)) expect.fail(`${text(r, v)}: ${found}, not ${expected(r, v)}`);
        if (bits.signed !== rule.signed || bits.width !== rule.width(W, C)) expect.fail(`${rule.call}: width or sign`);
      });
    }
  }
});

test('the document has just these rules', () => {
  const page = readFileSync(new URL('../../../docs/language-rules.md', import.meta.url), 'utf8');
  // The table of checks is compared with the checks by a test of theirs.
  const [operators = ''] = page.split('\n## Checks\n');
  const written = operators
    .split('\n')
    .filter(line => /^\| `/.test(line))
    .map(line => line.trim());
  const wanted = rules.map(({ call, result, edges }) => `| \`${call}\` | ${result.replace('S ', 'signed ')} | ${edges} |`);
  expect(written).toEqual(wanted);
});
