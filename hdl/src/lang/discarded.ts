import type { Module, Site } from '../ir/ir.ts';
import type { Bits } from './bits.ts';
import { readSource } from './source-text.ts';
import { isStatement } from './statement-text.ts';

/** A result that the user made and threw away. */
export interface Discarded {
  /** What made it: `add`. */
  readonly operation: string;
  readonly site: Site;
}

/** What was computed while a module describes itself. */
export interface Results {
  readonly made: Bits[];
  /** What the body of a `when` or of an arm gave back: nobody takes it. */
  readonly returned: Bits[];
}

let current: Results | undefined;

/** Collects the results that `make` computes. */
export function computed<R>(make: () => R): { readonly result: R; readonly results: Results } {
  const outer = current;
  const results: Results = { made: [], returned: [] };
  current = results;
  try {
    return { result: make(), results };
  } finally {
    current = outer;
  }
}

/** Called for every new node: those that only take values apart, and constants, are made in stock by operators of the language. */
export function noteMade(bits: Bits, kind: string): void {
  if (current && (kind === 'binary' || kind === 'unary' || kind === 'mux' || kind === 'concat')) current.made.push(bits);
}

/** Called for a value that the body of a conditional statement gives back. */
export function noteReturned(bits: Bits): void {
  current?.returned.push(bits);
}

const byModule = new WeakMap<Site, readonly Discarded[]>();

/** The results that were thrown away in a module, also after passes have made another object of it. */
export function discardedIn(module: Module): readonly Discarded[] {
  return byModule.get(module.site) ?? [];
}

/**
 * Keeps what was thrown away of `results` in the module that stands at `module`: what no statement uses and the source shows to be a statement of its
 * own. A value that is held in a constant, a field or a list may be meant for another configuration; a compiler tells of those that never are used.
 */
export function keepDiscarded(module: Site, { made, returned }: Results, isUsed: (bits: Bits) => boolean): void {
  const unused = made.filter(bits => !isUsed(bits));
  if (unused.length === 0 && returned.length === 0) return;
  const used = new Set(made.flatMap(bits => (isUsed(bits) ? [bits.site] : [])));
  const candidates = new Map(unused.flatMap(bits => (used.has(bits.site) ? [] : [[bits.site, bits] as const])));
  const bodies = new Set(returned.filter(bits => !isUsed(bits)));
  const texts = new Map<string, string | undefined>();
  const places = new Map<string, Discarded>();
  for (const bits of [...candidates.values(), ...bodies]) {
    const [place] = bits.site.frames;
    if (!place || !['binary', 'unary', 'mux', 'concat'].includes(bits.operation.kind)) continue;
    const { file, line, column } = place;
    if (!texts.has(file)) texts.set(file, readSource(file));
    const text = texts.get(file);
    if (!bodies.has(bits) && (text === undefined || !isStatement(text, line, column))) continue;
    const { operation } = bits;
    places.set(`${file}:${line}:${column}`, { operation: 'op' in operation ? operation.op : operation.kind, site: bits.site });
  }
  if (places.size > 0) byModule.set(module, [...places.values()]);
}
