import type { Location, Site } from '../ir/ir.ts';
import { userFrames } from './stack.ts';

/** Enough to pass the language's own frames and still keep the user's callers. */
const depth = 10;

let made = 0;

/** A call site. Capturing keeps frames only; text is made when somebody asks. */
export class CallSite implements Site {
  readonly order = made++;
  private resolved: readonly Location[] | undefined;
  /** Leading frames that are constructors: of a class without its own constructor the first is the class itself. */
  private constructors = 0;
  private readonly holder: { stack?: string } = {};

  /** @param frames how many to keep; @param above the caller of this function is the first. */
  constructor(frames = depth, above: (...args: never) => unknown = CallSite as never) {
    const limit = Error.stackTraceLimit;
    // There are very many sites, and setting the limit takes a good part of the time of one. Mostly it is that of the engine.
    if (limit !== frames) Error.stackTraceLimit = frames;
    Error.captureStackTrace(this.holder, above);
    if (limit !== frames) Error.stackTraceLimit = limit;
  }

  get frames(): readonly Location[] {
    if (!this.resolved) {
      const stack = userFrames(this.holder);
      this.resolved = stack.map(f => f.location);
      const first = stack.findIndex(f => !f.constructs);
      this.constructors = Math.max(first, 0);
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

/** The site that all nodes made now belong to. */
let shared: CallSite | undefined;

/** The place that calls the language: where the node that is being made was written. */
export function callSite(): CallSite {
  return shared ?? new CallSite(depth, callSite);
}

/**
 * The nodes that `make` makes belong to one place, `site` or where this is called from: one operator of the user's may take many of them, made
 * far below the call. No code of the user runs in it.
 */
export function sharingSite<R>(make: () => R, site = callSite()): R {
  const outer = shared;
  shared = site;
  try {
    return make();
  } finally {
    shared = outer;
  }
}
