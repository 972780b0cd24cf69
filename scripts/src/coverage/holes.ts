import type { Point } from './points.ts';
import { explains, type Reason, reasons } from './reasons.ts';

/** Points of one line that were not exercised. */
export interface Hole {
  readonly file: string;
  readonly line: number;
  readonly kind: Point['kind'];
  readonly module: string;
  readonly what: readonly string[];
  /** Why that is as it should be; undefined where a test is missing. */
  readonly reason: Reason | undefined;
}

/** The reason why a point need not be exercised. */
export const reasonOf = (file: string, point: Point): Reason | undefined => reasons.find(reason => explains(reason, file, point));

/** What was not exercised in a file, by line, kind and reason. */
export function holesOf(file: string, points: readonly Point[]): Hole[] {
  const holes = new Map<string, Hole & { readonly what: string[] }>();
  for (const point of points) {
    // A block is told as the way that it is.
    if (point.count > 0 || point.kind === 'block') continue;
    const reason = reasonOf(file, point);
    const { line, kind, module } = point;
    const key = `${line} ${kind} ${reason?.text}`;
    const hole = holes.get(key);
    if (hole) hole.what.push(point.what);
    else holes.set(key, { file, line, kind, module, what: [point.what], reason });
  }
  return [...holes.values()].sort((a, b) => a.line - b.line);
}
