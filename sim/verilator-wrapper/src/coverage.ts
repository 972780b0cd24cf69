import type { CoverageKind } from './options.ts';

/** Something that coverage counts. */
export interface CoveragePoint {
  readonly kind: CoverageKind;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The instance, from the top module on. */
  readonly instance: string;
  /** What is counted: `if`, `else`, `block`; the bit that changed and how, as in `crc[3]:0->1`. */
  readonly what: string;
  readonly count: number;
}

/** The points of a source line, of all instances and kinds together. */
export interface LineCoverage {
  readonly line: number;
  readonly points: number;
  /** Points that were counted at least once. */
  readonly covered: number;
  /** The largest count. */
  readonly hits: number;
}

export interface FileCoverage {
  readonly file: string;
  /** Lines that have points, in order. */
  readonly lines: readonly LineCoverage[];
}

/** What was executed and what changed, since the model was made. */
export interface Coverage {
  readonly points: readonly CoveragePoint[];
  readonly files: readonly FileCoverage[];
  readonly total: number;
  readonly covered: number;
}

/** Reads Verilator's file: a line per point, `C '<key>\x02<value>\x01...' <count>`. */
export function coverageOf(text: string): Coverage {
  const points = [...text.matchAll(/^C '(.*)' (\d+)$/gm)].map(([, keys = '', count]) => {
    const values = new Map(
      keys
        .split('\x01')
        .filter(pair => pair !== '')
        .map(pair => pair.split('\x02') as [string, string]),
    );
    const value = (key: string) => values.get(key) ?? '';
    return {
      kind: value('page').startsWith('v_toggle') ? ('toggle' as const) : ('line' as const),
      file: value('f'),
      line: Number(value('l')),
      column: Number(value('n')),
      instance: value('h'),
      what: value('o'),
      count: Number(count),
    };
  });
  const files = [...grouped(points, ({ file }) => file)].map(([file, inFile]) => ({
    file,
    lines: [...grouped(inFile, ({ line }) => line)]
      .map(([line, onLine]) => ({
        line,
        points: onLine.length,
        covered: onLine.filter(({ count }) => count > 0).length,
        hits: Math.max(...onLine.map(({ count }) => count)),
      }))
      .toSorted((a, b) => a.line - b.line),
  }));
  return { points, files, total: points.length, covered: points.filter(({ count }) => count > 0).length };
}

function grouped<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}
