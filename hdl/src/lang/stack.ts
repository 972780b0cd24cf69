import type { Location } from '../ir/ir.ts';
import { pathOf, sourceOf } from './source-text.ts';

/** Undefined where a bundler has made a plain script of everything: nobody's lines can be told apart there, so no places are told. */
const here: string | undefined = import.meta.url;
const folder = (name: string) => (here === undefined ? '' : pathOf(new URL(name, here).href));

/** Frames in this folder are the language itself and never the user's. */
const language = folder('.');
/** What is in this one, cells for example, comes with the language: its own places are of no use to somebody whose description is wrong. */
const library = folder('..');
/** What calls elaboration has nothing to do with what is described there. */
const elaboration = `${language}elaborate.`;

/** Whether a file comes with the language. */
export function isLibrary(file: string): boolean {
  return file.startsWith(library);
}

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
    for (const [i, site] of sites.entries()) {
      if (frames.length > 0 && isElaboration(site)) break;
      // A constructor that only runs the initialisers of fields is no place of its own.
      if (site.isConstructor() && sites[i - 1]?.getFunctionName() === '<instance_members_initializer>') continue;
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
  const location = outer
    ? parsed(String(outer(error, [site])))[0]?.location
    : sourceOf(file, site.getLineNumber() ?? 1, site.getColumnNumber() ?? 1);
  const own = location && isUsers(location.file) ? location : undefined;
  known.set(position, own);
  return own;
}

/** A path, or in a browser the address of a module. */
const isPlace = (file: string) => /^(?:\/|https?:)/.test(file);
const isUsers = (file: string) => isPlace(file) && !file.includes('/node_modules/') && !file.startsWith(language);

const elaborating = new Map<string, boolean>();

function isElaboration(site: NodeJS.CallSite): boolean {
  const file = site.getFileName() ?? '';
  let known = elaborating.get(file);
  if (known === undefined) {
    known = pathOf(file).startsWith(elaboration);
    elaborating.set(file, known);
  }
  return known;
}

const frame = /(?:\(|at (?:async )?)((?:file:\/\/|https?:\/)?\/[^()]*?):(\d+):(\d+)\)?$/;

/** The frames of a stack as text: of engines that give nothing else, and of test runners, which have source maps of their own. */
function parsed(stack: string): readonly Frame[] {
  return stack.split('\n').flatMap(text => {
    const [, place = '', line = '0', column = '0'] = frame.exec(text) ?? [];
    const file = pathOf(place);
    if (!isUsers(file)) return [];
    return [{ location: { file, line: Number(line), column: Number(column) }, constructs: /^\s*at new /.test(text) }];
  });
}
