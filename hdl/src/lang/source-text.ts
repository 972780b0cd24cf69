import type { Location } from '../ir/ir.ts';

/** Gives the text of a source file, or undefined if it cannot be read. */
export type ReadSource = (file: string) => string | undefined;

/** Node's process, undefined in a browser: the one door to Node's library, so that the language does not depend on it. */
export const host = typeof process === 'undefined' ? undefined : process;

/** Reads from the file system, where there is one. */
export const readSource: ReadSource = file => {
  try {
    return host?.getBuiltinModule?.('node:fs').readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
};

/** `src/counter.ts:11:5`: below the current folder without its path. */
export function placeText({ file, line, column }: Location): string {
  const below = host?.getBuiltinModule?.('node:path').relative(host.cwd(), file) ?? '';
  return `${below === '' || below.startsWith('..') ? file : below}:${line}:${column}`;
}

/** The path of a file by its URL; a path stays as it is. */
export function pathOf(place: string): string {
  return place.startsWith('file:') ? decodeURIComponent(new URL(place).pathname) : place;
}

/** The place in the source of a place in the code that runs, if the file has a source map. */
export function sourceOf(file: string, line: number, column: number): Location {
  const entry = host
    ?.getBuiltinModule?.('node:module')
    .findSourceMap(file)
    ?.findEntry(line - 1, column - 1);
  if (!entry || !('originalSource' in entry)) return { file: pathOf(file), line, column };
  return { file: pathOf(entry.originalSource), line: entry.originalLine + 1, column: entry.originalColumn + 1 };
}
