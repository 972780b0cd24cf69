import { expect, test } from 'vitest';
import { simulate } from '../../hdl/src/engine/simulate.ts';
import { Random } from '../../hdl/test/random.ts';
import { ErrorCollector } from '../src/endpoint/receive/error-collector.ts';

interface Event {
  readonly kind: number;
  readonly functions: number;
  readonly advisory: number;
  readonly tag: number;
}

function bench() {
  const sim = simulate(
    () =>
      new ErrorCollector({
        events: 3,
        kinds: [
          { kind: 18, sources: [0, 1] },
          { kind: 20, sources: [1, 2] },
          { kind: 12, sources: [2] },
        ],
      }),
  );
  const { out } = sim.dut;
  const received: Event[] = [];
  const cycle = (ready: boolean, ...events: (Event | undefined)[]) => {
    sim.dut.event.forEach(({ valid, report }, i) => {
      const event = events[i];
      sim.poke(valid, event ? 1 : 0);
      if (!event) return;
      sim.poke(report.kind, event.kind);
      sim.poke(report.functions, event.functions);
      sim.poke(report.advisory, event.advisory);
      sim.poke(report.header.tag, event.tag);
    });
    sim.poke(out.ready, ready ? 1 : 0);
    sim.settle();
    const { kind, functions, advisory, header } = out.payload;
    if (ready && sim.peek(out.valid)) {
      const [k, f, a, tag] = [kind, functions, advisory, header.tag].map(signal => Number(sim.peek(signal)));
      received.push({ kind: k ?? 0, functions: f ?? 0, advisory: a ?? 0, tag: tag ?? 0 });
    }
    sim.step();
  };
  return { sim, received, cycle };
}
const event = (kind: number, tag: number, functions = 0xff, advisory = 0): Event => ({ kind, functions, advisory, tag });

test('C88: single errors come out as they are, 2 cycles later; errors of several kinds in one cycle all do', () => {
  const { sim, received, cycle } = bench();
  using _ = sim;
  cycle(true, event(18, 1));
  cycle(true);
  expect(received).toEqual([]);
  cycle(true);
  expect(received).toEqual([event(18, 1)]);
  cycle(true, event(18, 2, 1), event(20, 3, 2), event(12, 4, 4, 1));
  for (let i = 0; i < 6; i++) cycle(true);
  expect(received.slice(1).toSorted((a, b) => a.tag - b.tag)).toEqual([event(18, 2, 1), event(20, 3, 2), event(12, 4, 4, 1)]);
});

test('C88: a burst of one kind keeps four headers, then joins functions and the higher severity; other kinds are not lost', () => {
  const { sim, received, cycle } = bench();
  using _ = sim;
  for (let i = 0; i < 40; i++) cycle(false, event(18, i, 1 << (i % 8), 1));
  cycle(false, undefined, event(20, 100), event(12, 101));
  cycle(false, undefined, event(18, 200, 1, 0));
  for (let i = 0; i < 12; i++) cycle(true);
  expect(received.slice(0, 4).map(e => e.tag)).toEqual([0, 1, 2, 3]);
  expect(received.slice(4).toSorted((a, b) => a.kind - b.kind)).toEqual([event(12, 101), event(18, 4, 0xff, 0), event(20, 100)]);
});

test('C88: errors of one kind in one cycle are joined', () => {
  const { sim, received, cycle } = bench();
  using _ = sim;
  cycle(true, undefined, event(20, 5, 1, 1), event(20, 6, 2, 0));
  for (let i = 0; i < 4; i++) cycle(true);
  expect(received).toEqual([event(20, 5, 3, 0)]);
});

test('C88: whatever comes, and however slowly it is taken: every kind, function and severity arrives, and nothing else', () => {
  const random = new Random(4);
  const { sim, received, cycle } = bench();
  using _ = sim;
  const sent = new Map<number, { functions: number; advisory: number; tags: Set<number> }>();
  const sources = [[18], [18, 20], [20, 12]];
  for (let i = 0; i < 3000; i++) {
    const events = sources.map((kinds, s) => {
      if (!random.chance(0.15)) return undefined;
      const e = event(
        random.pick(kinds),
        (3 * i + s) % 1024,
        random.below(4) === 0 ? 0xff : 1 << random.below(8),
        random.below(2),
      );
      const all = sent.get(e.kind) ?? { functions: 0, advisory: 1, tags: new Set<number>() };
      sent.set(e.kind, {
        functions: all.functions | e.functions,
        advisory: all.advisory & e.advisory,
        tags: all.tags.add(e.tag),
      });
      return e;
    });
    cycle(random.chance(0.3), ...events);
    if (i % 50 !== 49) continue;
    for (let k = 0; k < 12; k++) cycle(true);
    const kinds = [...sent.keys()].sort();
    expect([...new Set(received.map(e => e.kind))].sort()).toEqual(kinds);
    for (const kind of kinds) {
      const mine = received.filter(e => e.kind === kind);
      expect(mine.reduce((sum, e) => sum | e.functions, 0)).toBe(sent.get(kind)?.functions);
      expect(mine.reduce((all, e) => all & e.advisory, 1)).toBe(sent.get(kind)?.advisory);
      for (const { tag } of mine) expect(sent.get(kind)?.tags.has(tag)).toBe(true);
    }
    sent.clear();
    received.length = 0;
  }
});
