import type { CoverageData, SignalCoverage, Tally } from '@hdl/ts-hdl';
import type { SignalBits } from './data.ts';

/** Something in the source that is to be exercised, in any variant of its module. */
export interface Point {
  /** `block`: the body of a `when` or of an arm. `way`: what a decision may do. `toggle`: a bit that rises, or falls. `state`: of an enumeration. */
  readonly kind: 'block' | 'way' | 'toggle' | 'state';
  readonly module: string;
  readonly line: number;
  /** What is there, such as `when 1` or `count[3] fell`. */
  readonly what: string;
  readonly count: number;
}

/** The points of each source file, by its path below `root`. */
export type FilePoints = ReadonlyMap<string, readonly Point[]>;

/** Ways in which a decision does something: the condition holds, or an arm is taken. */
const isBlock = (kind: string, way: string): boolean => (kind === 'when' ? way.endsWith(' 1') : kind === 'match');

/** What runs exercised, with or without knowledge of what is constant and what nothing depends on. */
export interface Runs extends CoverageData {
  readonly signals: readonly (SignalCoverage & Partial<Pick<SignalBits, 'constant' | 'unread'>>)[];
}

/** Elements of a vector are one signal, as instances of a module are: `rx_3_data` is `rx_*_data`. */
const signalName = (name: string): string => name.replace(/_\d+(?=_|$)/g, '_*');

/**
 * What several runs exercised, by the places in the source. A module that was made with several parameters counts once: a place is exercised if it was in one of
 * them, and a signal has the bits of its widest variant, without those that in all of them are constant, or that nothing depends on.
 */
export function pointsOf({ signals, decisions, states }: Runs, root: string): FilePoints {
  const files = new Map<string, Map<string, Point>>();
  const add = (file: string | undefined, point: Point) => {
    if (!file?.startsWith(root)) return;
    const name = file.slice(root.length).replace(/^\//, '');
    const points = files.get(name) ?? new Map<string, Point>();
    files.set(name, points);
    const key = `${point.kind} ${point.line} ${point.what}`;
    const other = points.get(key);
    points.set(key, other ? { ...other, count: other.count + point.count } : point);
  };
  for (const { module, name: own, place, width, rose, fell, constant = 0n, unread = 0n } of signals) {
    const line = place?.line ?? 0;
    const name = signalName(own);
    const none = (constant & ~(rose | fell)) | unread;
    for (let bit = 0; bit < width; bit++) {
      if ((none >> BigInt(bit)) & 1n) continue;
      const signal = width > 1 ? `${name}[${bit}]` : name;
      const seen = (bits: bigint) => Number((bits >> BigInt(bit)) & 1n);
      add(place?.file, { kind: 'toggle', module, line, what: `${signal} rose`, count: seen(rose) });
      add(place?.file, { kind: 'toggle', module, line, what: `${signal} fell`, count: seen(fell) });
    }
  }
  for (const { module, kind, place, ways } of decisions) {
    for (const { way, count } of ways) {
      const what = `${way} (column ${place?.column ?? 0})`;
      add(place?.file, { kind: 'way', module, line: place?.line ?? 0, what, count });
      if (isBlock(kind, way)) add(place?.file, { kind: 'block', module, line: place?.line ?? 0, what, count });
    }
  }
  for (const { module, name, place, states: all } of states) {
    for (const { state, cycles } of all)
      add(place?.file, { kind: 'state', module, line: place?.line ?? 0, what: `${name} was ${state}`, count: cycles });
  }
  return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)).map(([file, points]) => [file, [...points.values()]]));
}

/** How many points of a kind there are, and how many were exercised. */
export function tally(points: readonly Point[], kind: Point['kind']): Tally {
  const of = points.filter(point => point.kind === kind);
  return { covered: of.filter(({ count }) => count > 0).length, total: of.length };
}
