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
  /** Leading frames that are constructors: of a class without its own constructor the first is the class itself. */
  private constructors = 0;
  private readonly holder: { stack?: string } = {};

  constructor() {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = depth;
    Error.captureStackTrace(this.holder, CallSite);
    Error.stackTraceLimit = limit;
  }

  get frames(): readonly Location[] {
    if (!this.resolved) {
      const stack = user(this.holder.stack ?? '');
      this.resolved = stack.map(f => f.location);
      const made = stack.findIndex(f => !f.constructs);
      this.constructors = Math.max(made, 0);
    }
    return this.resolved;
  }

  /** For a site captured in a constructor: where `new` was written. */
  get creation(): Site {
    const whole = this;
    return {
      get frames() {
        const { frames } = whole;
        return frames.slice(whole.constructors);
      },
    };
  }
}

interface Frame {
  readonly location: Location;
  readonly constructs: boolean;
}

function user(stack: string): readonly Frame[] {
  const frames: Frame[] = [];
  for (const text of stack.split('\n')) {
    const found = frame.exec(text);
    if (!found) continue;
    const [, place = '', line = '0', column = '0'] = found;
    if (place.includes('/node_modules/') || place.startsWith(library) || place.startsWith(libraryPath)) continue;
    const file = place.startsWith('file:') ? fileURLToPath(place) : place;
    frames.push({ location: { file, line: Number(line), column: Number(column) }, constructs: /^\s*at new /.test(text) });
  }
  return frames;
}
