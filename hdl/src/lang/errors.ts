import type { Site } from '../ir/ir.ts';
import { CallSite } from './site.ts';

/** Frames of an error's place: it may be found deep inside the language, and it is rare. */
const everything = 50;

/** A mistake in the user's hardware description: what is wrong, and where it was written. */
export class HdlError extends Error {
  override readonly name = 'HdlError';
  readonly sites: readonly Site[];

  /** @param sites where it happened, most telling first; without any, the caller's own place. */
  constructor(message: string, ...sites: readonly Site[]) {
    const places = sites.length > 0 ? sites : [new CallSite(everything)];
    super([message, ...places.map(describe)].join('\n'));
    this.sites = places;
  }
}

function describe(site: Site): string {
  const [here, ...callers] = site.frames;
  if (!here) return '  at an unknown place';
  const text = (l: typeof here) => `${l.file}:${l.line}:${l.column}`;
  return [`  at ${text(here)}`, ...callers.slice(0, 3).map(l => `  called from ${text(l)}`)].join('\n');
}
