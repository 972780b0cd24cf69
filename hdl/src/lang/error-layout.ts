import type { Location, Site } from '../ir/ir.ts';
import { placeText, type ReadSource, readSource } from './source-text.ts';
import { isLibrary } from './stack.ts';

/** A step of a path through a design. */
export interface Step {
  readonly name: string;
  readonly site: Site;
}

/** What is wrong with a description. */
export interface Problem {
  readonly severity: 'error' | 'warning';
  /** The check that found it, if one did. */
  readonly check?: string | undefined;
  /** What is wrong; one line. */
  readonly message: string;
  /** Where, the most telling place first. */
  readonly sites: readonly Site[];
  /** What a value runs through, in its direction. */
  readonly path?: readonly Step[] | undefined;
  /** Where the modules around it are made, the innermost first: told where the place itself is the library's. */
  readonly made?: readonly Site[] | undefined;
  /** What to do about it. */
  readonly hint?: string | undefined;
}

/** Callers of a place that are told. */
const callers = 3;

/** The one form in which all mistakes are told: what is wrong, where (with the user's line), who called that, and what to do. */
export function layout(problem: Problem, read: ReadSource = readSource): string {
  const { severity, check, message, path, hint } = problem;
  const lines = [`${severity}: ${message}${check === undefined ? '' : ` [${check}]`}`];
  const [first = [], ...others] = placesOf(problem);
  const [place, ...calls] = first;
  const seen = new Set<string>();
  if (place) {
    seen.add(placeText(place));
    lines.push(`  at ${placeText(place)}`, ...codeFrame(place, read));
    // A callback's place and the call that takes it often share a line.
    const told = calls.filter(({ file, line }, i) => first[i]?.line !== line || first[i]?.file !== file);
    for (const call of told.slice(0, callers)) lines.push(`  called from ${placeText(call)}`);
  }
  for (const [other] of others) {
    if (!other || seen.has(placeText(other))) continue;
    seen.add(placeText(other));
    lines.push(`  and ${placeText(other)}`, ...codeFrame(other, read));
  }
  if (path) lines.push(...pathLines(path));
  if (hint !== undefined) lines.push(`  help: ${hint}`);
  return lines.join('\n');
}

/** The frames to tell of. Those inside the library are told only where there are no others: then a part of the library is wrong. */
function placesOf({ sites, made = [] }: Problem): readonly (readonly Location[])[] {
  const users = sites.map(({ frames }) => frames.filter(({ file }) => !isLibrary(file))).filter(frames => frames.length > 0);
  if (users.length > 0) return users;
  const [around] = made.filter(isUsers);
  return around ? [around.frames.filter(({ file }) => !isLibrary(file))] : sites.map(site => site.frames);
}

/** Whether a site has a place outside the library. */
export function isUsers({ frames }: Site): boolean {
  return frames.some(({ file }) => !isLibrary(file));
}

function pathLines(path: readonly Step[]): string[] {
  const width = Math.max(...path.map(({ name }) => name.length));
  return path.map(({ name, site: { frames } }, i) => {
    const place = frames.find(({ file }) => !isLibrary(file)) ?? frames[0];
    const text = place ? placeText(place) : '';
    return `  ${i === 0 ? 'from' : '  to'} ${text === '' ? name : `${name.padEnd(width)}  ${text}`}`;
  });
}

function codeFrame({ file, line, column }: Location, read: ReadSource): string[] {
  const source = read(file)?.split('\n')[line - 1];
  if (source === undefined) return [];
  const margin = `${line}`.padStart(5);
  return [`${margin} | ${source}`, `      | ${source.slice(0, Math.max(0, column - 1)).replace(/[^\t]/g, ' ')}^`];
}
