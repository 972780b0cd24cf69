import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bool, Coverage, type CoverageData, input, Module, output, reg, simulate, uint, when } from '@hdl/ts-hdl';
import { expect, test } from 'vitest';
import { Bins } from '../src/coverage/bins/bins.ts';
import { allBins, binText, whyNot } from '../src/coverage/bins/cross.ts';
import { binsSection } from '../src/coverage/bins/section.ts';
import { coverSwitch } from '../src/coverage/bins/switch-cover.ts';
import { Collector } from '../src/coverage/collector.ts';
import { parseRecord, recordText } from '../src/coverage/data.ts';
import { holesOf } from '../src/coverage/holes.ts';
import { writeHtml } from '../src/coverage/html.ts';
import { coveragePage } from '../src/coverage/page.ts';
import { pointsOf, tally } from '../src/coverage/points.ts';
import { explains } from '../src/coverage/reasons.ts';
import { tlp } from '../src/soak/tlp.ts';

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
  const page = coveragePage(files, new Bins(), { simulations: 2, seconds: 1 });
  expect(page).toContain(`[${name}:${way?.line}](../${name}#L${way?.line}) Counter: when 1`);
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

test('vectors count once, and constant and unread bits are no points', () => {
  const place = { file: here, line: 1, column: 1 };
  const signal = { module: 'M', place, width: 2 };
  const runs = {
    signals: [
      { ...signal, name: 'rx_0_data', rose: 1n, fell: 1n, constant: 2n, unread: 0n },
      { ...signal, name: 'rx_1_data', rose: 0n, fell: 0n, constant: 2n, unread: 0n },
      // What moves is not constant, whatever is said of it.
      { ...signal, name: 'other', rose: 3n, fell: 0n, constant: 2n, unread: 0n },
      // It moves, and makes no difference to anybody.
      { ...signal, name: 'spare', rose: 3n, fell: 1n, constant: 0n, unread: 2n },
    ],
    decisions: [],
    states: [],
  };
  const found = (pointsOf(runs, root).get(name) ?? []).map(({ what, count }) => [what, count]);
  expect(found).toEqual([
    ['rx_*_data[0] rose', 1],
    ['rx_*_data[0] fell', 1],
    ['other[0] rose', 1],
    ['other[0] fell', 0],
    ['other[1] rose', 1],
    ['other[1] fell', 0],
    ['spare[0] rose', 1],
    ['spare[0] fell', 1],
  ]);
  const record = { coverage: runs, simulations: 3, seconds: 2, bins: { a: 1 } };
  expect(parseRecord(recordText(record))).toEqual(record);
});

test('a reason is about the toggles, signals and bits that it names, and no others', () => {
  const reason = { file: /link/, kind: 'toggle', signal: /(^|_)count$/, bits: [4, 6], text: '' } as const;
  const point = { kind: 'toggle', module: 'M', line: 1, count: 0 } as const;
  const about = (what: string, file = 'rtl/src/link/a.ts', kind: 'toggle' | 'way' = 'toggle') =>
    explains(reason, file, { ...point, kind, what });
  expect(['a_count[4] rose', 'count[6] fell'].map(what => about(what))).toEqual([true, true]);
  expect(['count[3] rose', 'count[7] rose', 'counts[5] rose', 'count rose'].map(what => about(what))).toEqual(
    Array(4).fill(false),
  );
  expect([about('count[5] rose', 'rtl/src/host/a.ts'), about('count[5] rose', 'rtl/src/link/a.ts', 'way')]).toEqual([
    false,
    false,
  ]);
});

test('every combination that nobody has seen is told, and one that cannot be ends the run', () => {
  const bins = new Bins();
  const [first] = bins.holes();
  if (!first) throw new Error('all are seen');
  expect(binsSection(bins).join('\n')).toContain(`\n- ${binText(first)}\n`);
  bins.add({ [binText(first)]: 1 });
  expect(binsSection(bins).join('\n')).not.toContain(`\n- ${binText(first)}\n`);
  expect(bins.holes()).toHaveLength(allBins().filter(bin => !whyNot(bin)).length - 1);
  const write = tlp({ fmt: 2, body: new Uint8Array(4) });
  expect(() => bins.checked(write, { route: 'here', access: 'none', trouble: 'none' })).toThrow(
    'MWr · here · none · none was seen, of which the cross says that it cannot be: A switch is the target of',
  );
});

test('the campaign for combinations finds many of a switch within a batch', () => {
  const collector = new Collector();
  const bins = new Bins();
  const all = bins.holes().length;
  coverSwitch(collector.engine, bins, { seed: 1, batches: 1 });
  expect(all - bins.holes().length).toBeGreaterThan(150);
  const { decisions, signals } = collector.sum();
  expect(decisions.every(({ place }) => place?.file.includes('/rtl/src/'))).toBe(true);
  expect(signals.some(({ constant }) => constant !== 0n)).toBe(true);
  // The switch has no use for the interrupts that a port could send.
  expect(signals.some(({ constant, unread }) => (unread & ~constant) !== 0n)).toBe(true);
  expect(collector.simulations).toBe(1);
});
