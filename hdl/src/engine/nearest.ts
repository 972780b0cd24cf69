import { at } from './at.ts';

/** Edits that turn one text into the other (Levenshtein). */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++)
      next.push(Math.min(at(row, j) + 1, at(next, j - 1) + 1, at(row, j - 1) + (from[i - 1] === to[j - 1] ? 0 : 1)));
    row = next;
  }
  return at(row, to.length);
}

/** The names that are most like a name that does not exist, best first. */
export function nearest(name: string, names: readonly string[], count = 3): string[] {
  return names
    .map(candidate => ({ candidate, edits: distance(name, candidate) }))
    .sort((a, b) => a.edits - b.edits)
    .slice(0, count)
    .map(({ candidate }) => candidate);
}
