import type { Site } from '../ir/ir.ts';
import { layout, type Problem } from './error-layout.ts';
import { CallSite } from './site.ts';
import { printWholeWhenUncaught } from './uncaught.ts';

/** Frames of an error's place: it may be found deep inside the language, and it is rare. */
const everything = 50;

/** How the text of every mistake begins. */
const opening = 'error: ';

/**
 * A mistake in a description of hardware. Its text is for the person who wrote it: what is wrong, where, and what to do; the stack of the language
 * itself is nowhere in it. The text is made when it is read.
 */
export abstract class DescriptionError extends Error {
  #tell = () => opening;

  /** @param tell gives the whole text, as it is printed. */
  protected constructor(tell: () => string) {
    super();
    // V8 gives each error a stack of its own, which would be printed. It is made here, with what the text is by now.
    Object.defineProperty(this, 'stack', { get: tell, configurable: true });
    this.#tell = tell;
    printWholeWhenUncaught(error => error instanceof DescriptionError);
  }

  /** The whole text, as it is printed. */
  get text(): string {
    return this.#tell();
  }

  /** The text without the word `error` in front. */
  override get message(): string {
    return this.text.slice(opening.length);
  }

  /** Node prints errors by their stack, in brackets if there are no frames in it. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.text;
  }
}

/** A number of things in a message: `1 bit`, `8 bits`. */
export function quantity(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}

/** What to do about a mistake. */
export interface Help {
  readonly help: string;
}

/** A mistake that shows while hardware is being described: widths, literals, names. */
export class HdlError extends DescriptionError {
  override readonly name = 'HdlError';
  readonly #problem: Problem;
  readonly #made: Site[];

  /** @param details where it happened, most telling first (without any, the caller's own place), and what to do about it. */
  constructor(message: string, ...details: readonly (Site | Help)[]) {
    const stated = details.flatMap(detail => ('help' in detail ? [] : [detail]));
    const sites = stated.length > 0 ? stated : [new CallSite(everything)];
    const [hint] = details.flatMap(detail => ('help' in detail ? [detail.help] : []));
    const made: Site[] = [];
    const problem: Problem = { severity: 'error', message, sites, made, hint };
    super(() => layout(problem));
    this.#problem = problem;
    this.#made = made;
  }

  get sites(): readonly Site[] {
    return this.#problem.sites;
  }

  /** @internal Told on the way out of a module's description: where the module was made. */
  '~in'(made: Site): void {
    this.#made.push(made);
  }
}
