import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bool, Coverage, type CoverageData, input, Module, output, reg, simulate, uint, when } from '@hdl/ts-hdl';
import { expect, test } from 'vitest';
import { holesOf } from '../src/coverage/holes.ts';
import { writeHtml } from '../src/coverage/html.ts';
import { coveragePage } from '../src/coverage/page.ts';
import { pointsOf, tally } from '../src/coverage/points.ts';

const here = fileURLToPath(import.meta.url);
const root = fileURLToPath(new URL('../..', import.meta.url));
const name = here.slice(root.length);

class Counter extends Module<{ width: number }> {
  readonly enable = input(bool);
  readonly clear = input(bool);
  readonly count = output(uint(this.p.width));
  private readonly value = reg(uint(this.p.width), { init: 0 });

  protected override logic() {
    when(this.clear, () => this.value.set(0)).elsewhen(this.enable, () => this.value.set(this.value.add(1)));
    this.count.set(this.value);
  }
}

function run(width: number, cycles: number): CoverageData {
  using sim = simulate(() => new Counter({ width }), { coverage: true });
  sim.poke(sim.dut.enable, 1);
  sim.step(cycles);
  return sim.coverage();
}

const files = pointsOf(Coverage.merge(run(4, 9), run(2, 3)), root);
const points = files.get(name) ?? [];

test('variants of a module are one: a place counts once, a signal has the bits of the widest', () => {
  expect([...files.keys()]).toEqual([name]);
  expect(points.filter(({ what }) => what === 'value[3] rose')).toHaveLength(1);
  expect(points.filter(({ kind }) => kind === 'block').map(({ what, count }) => [what.split(' (')[0], count > 0])).toEqual([
    ['when 1', false],
    ['elsewhen 1', true],
  ]);
  // `clear` never moves, `enable` does not fall, and of the 4 bits of each of the others the two low ones fall within 9 cycles, and bit 2 falls at 8.
  const toggles = points.filter(({ kind }) => kind === 'toggle');
  expect(toggles.filter(({ count }) => count === 0).map(({ what }) => what)).toEqual(
    expect.arrayContaining(['clear rose', 'clear fell', 'enable fell', 'value[3] fell', 'count[3] fell']),
  );
  expect(tally(points, 'toggle').total).toBe(2 * (1 + 1 + 4 + 4));
});

test('what was not exercised is told by line, blocks as the ways that they are', () => {
  const holes = holesOf(name, points);
  const way = holes.find(({ kind }) => kind === 'way');
  const line = readFileSync(here, 'utf8').split('\n')[(way?.line ?? 0) - 1];
  expect(line).toContain('when(this.clear');
  expect(way?.what.map(text => text.split(' (')[0])).toEqual(['when 1']);
  expect(holes.some(({ kind }) => kind === 'block')).toBe(false);
  expect(coveragePage(files)).toContain(`[${name}:${way?.line}](../${name}#L${way?.line}) Counter: when 1`);
});

test('the source with its lines coloured is written as HTML', () => {
  const folder = mkdtempSync(join(tmpdir(), 'coverage-test-'));
  try {
    writeHtml(files, root, folder);
    expect(readFileSync(join(folder, 'index.html'), 'utf8')).toContain('coverage.test.ts');
    expect(readFileSync(join(folder, 'coverage.test.ts.html'), 'utf8')).toContain('branch not covered');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
