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
  protected constructor() {
    super();
    // V8 gives each error a stack of its own, which would be printed.
    Object.defineProperty(this, 'stack', { get: () => this.text, configurable: true });
    printWholeWhenUncaught(error => error instanceof DescriptionError);
  }

  /** The whole text, as it is printed. */
  abstract get text(): string;

  /** The text without the word `error` in front. */
  override get message(): string {
    return this.text.slice(opening.length);
  }

  /** Node prints errors by their stack, in brackets if there are no frames in it. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.text;
  }
}

/** What to do about a mistake. */
export interface Help {
  readonly help: string;
}

/** A mistake that shows while hardware is being described: widths, literals, names. */
export class HdlError extends DescriptionError {
  override readonly name = 'HdlError';
  readonly #what: string;
  readonly #sites: readonly Site[];
  readonly #help: string | undefined;
  readonly #made: Site[] = [];

  /** @param details where it happened, most telling first (without any, the caller's own place), and what to do about it. */
  constructor(what: string, ...details: readonly (Site | Help)[]) {
    super();
    const sites = details.flatMap(detail => ('help' in detail ? [] : [detail]));
    this.#what = what;
    this.#sites = sites.length > 0 ? sites : [new CallSite(everything)];
    this.#help = details.flatMap(detail => ('help' in detail ? [detail.help] : []))[0];
  }

  get sites(): readonly Site[] {
    return this.#sites;
  }

  /** @internal Told on the way out of a module's description: where the module was made. */
  '~in'(made: Site): void {
    this.#made.push(made);
  }

  get text(): string {
    const problem: Problem = { severity: 'error', message: this.#what, sites: this.#sites, made: this.#made, hint: this.#help };
    return layout(problem);
  }
}
