import { findSourceMap } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Location } from '../ir/ir.ts';

/** Frames in this folder are the language itself and never the user's. */
const library = fileURLToPath(new URL('.', import.meta.url));

/** A frame of the user's. */
export interface Frame {
  readonly location: Location;
  /** It is the constructor of a class. */
  readonly constructs: boolean;
}

type Prepare = typeof Error.prepareStackTrace;

/**
 * The user's frames of a stack that `Error.captureStackTrace` has put into `holder`, innermost first. Node would make text of all frames, with source
 * maps, of which each place would be taken apart again: a design has tens of thousands of them, but few different places, so places are kept.
 */
export function userFrames(holder: { readonly stack?: string }): readonly Frame[] {
  const frames: Frame[] = [];
  const outer = Error.prepareStackTrace;
  Error.prepareStackTrace = (error, sites) => {
    for (const site of sites) {
      const location = located(site, error, outer);
      if (location) frames.push({ location, constructs: site.isConstructor() });
    }
    return '';
  };
  try {
    // Reading it is what calls the function above.
    const text = holder.stack;
    return frames.length > 0 || !text ? frames : parsed(text);
  } finally {
    Error.prepareStackTrace = outer;
  }
}

/** By file and position in the code that runs: the place in the source, undefined if it is not the user's. */
const places = new Map<string, Map<number, Location | undefined>>();

function located(site: NodeJS.CallSite, error: Error, outer: Prepare): Location | undefined {
  const file = site.getFileName();
  if (!file) return undefined;
  let known = places.get(file);
  if (!known) {
    known = new Map();
    places.set(file, known);
  }
  const position = site.getPosition();
  if (known.has(position)) return known.get(position);
  const location = outer ? parsed(String(outer(error, [site])))[0]?.location : mapped(file, site);
  const own = location && isUsers(location.file) ? location : undefined;
  known.set(position, own);
  return own;
}

const isUsers = (file: string) => file.startsWith('/') && !file.includes('/node_modules/') && !file.startsWith(library);

const path = (place: string) => (place.startsWith('file:') ? fileURLToPath(place) : place);

/** The place of a frame by the source map of its file, if it has one. */
function mapped(file: string, site: NodeJS.CallSite): Location {
  const line = site.getLineNumber() ?? 1;
  const column = site.getColumnNumber() ?? 1;
  const entry = findSourceMap(file)?.findEntry(line - 1, column - 1);
  if (!entry || !('originalSource' in entry)) return { file: path(file), line, column };
  return { file: path(entry.originalSource), line: entry.originalLine + 1, column: entry.originalColumn + 1 };
}

const frame = /(?:\(|at (?:async )?)((?:file:\/\/)?\/[^()]*?):(\d+):(\d+)\)?$/;

/** The frames of a stack as text: of engines that give nothing else, and of test runners, which have source maps of their own. */
function parsed(stack: string): readonly Frame[] {
  return stack.split('\n').flatMap(text => {
    const [, place = '', line = '0', column = '0'] = frame.exec(text) ?? [];
    const file = path(place);
    if (!isUsers(file)) return [];
    return [{ location: { file, line: Number(line), column: Number(column) }, constructs: /^\s*at new /.test(text) }];
  });
}
