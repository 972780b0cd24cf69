import type { Location } from '../ir/ir.ts';

/** Gives the text of a source file, or undefined if it cannot be read. */
export type ReadSource = (file: string) => string | undefined;

/** A part of Node's library, undefined in a browser: the one door to it, so that nothing else in the language depends on Node. */
export function builtin<Name extends keyof NodeJS.BuiltInModule>(name: Name): NodeJS.BuiltInModule[Name] | undefined {
  return typeof process === 'undefined' ? undefined : process.getBuiltinModule?.(name);
}

/** Reads from the file system, where there is one. */
export const readSource: ReadSource = file => {
  try {
    return builtin('node:fs')?.readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
};

/** `src/counter.ts:11:5`: below the current folder without its path. */
export function placeText({ file, line, column }: Location): string {
  const below = builtin('node:path')?.relative(process.cwd(), file) ?? '';
  return `${below === '' || below.startsWith('..') ? file : below}:${line}:${column}`;
}

/** The path of a file by its URL; a path stays as it is. */
export function pathOf(place: string): string {
  return place.startsWith('file:') ? decodeURIComponent(new URL(place).pathname) : place;
}
