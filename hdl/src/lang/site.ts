import { fileURLToPath } from 'node:url';
import type { Location, Site } from '../ir/ir.ts';

/** Frames in this folder are the language itself and never the user's. */
const library = new URL('.', import.meta.url).href;
const libraryPath = fileURLToPath(library);

const frame = /(?:\(|at (?:async )?)((?:file:\/\/)?\/[^()]*?):(\d+):(\d+)\)?$/;

/** Enough to pass the language's own frames and still keep the user's callers. */
const depth = 10;

/** A call site. Capturing keeps frames only; text is made when somebody asks. */
export class CallSite implements Site {
  private resolved: readonly Location[] | undefined;
  private readonly holder: { stack?: string } = {};

  constructor() {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = depth;
    Error.captureStackTrace(this.holder, CallSite);
    Error.stackTraceLimit = limit;
  }

  get frames(): readonly Location[] {
    this.resolved ??= parse(this.holder.stack ?? '');
    return this.resolved;
  }
}

function parse(stack: string): readonly Location[] {
  const locations: Location[] = [];
  for (const text of stack.split('\n')) {
    const found = frame.exec(text);
    if (!found) continue;
    const [, place = '', line = '0', column = '0'] = found;
    if (place.includes('/node_modules/') || place.startsWith(library) || place.startsWith(libraryPath)) continue;
    locations.push({
      file: place.startsWith('file:') ? fileURLToPath(place) : place,
      line: Number(line),
      column: Number(column),
    });
  }
  return locations;
}
