import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import type { Location, Site } from '../ir/ir.ts';

/** What a check found wrong in a design. */
export interface Diagnostic {
  /** The check that found it, such as `undriven`. */
  readonly check: string;
  /** Errors make a design unusable; warnings do not. */
  readonly severity: 'error' | 'warning';
  /** What is wrong, with the names involved; one line, or more for a path. */
  readonly message: string;
  /** Where, the most telling place first. */
  readonly sites: readonly Site[];
  /** What to do about it. */
  readonly hint: string;
}

export interface FormatOptions {
  /** Gives the text of a source file, or undefined if it cannot be read. Reads the file system by default. */
  readonly readSource?: (file: string) => string | undefined;
}

/** The diagnostic as text: what is wrong, where (with the user's line), who called that, and what to do. */
export function formatDiagnostic(diagnostic: Diagnostic, options: FormatOptions = {}): string {
  const { check, severity, message, sites, hint } = diagnostic;
  const read = options.readSource ?? readFile;
  const [first, ...others] = sites.filter(site => site.frames.length > 0);
  const lines = [`${severity}: ${message} [${check}]`];
  const [place, ...callers] = first?.frames ?? [];
  if (place) {
    lines.push(`  at ${text(place)}`, ...codeFrame(place, read));
    lines.push(...callers.slice(0, 3).map(caller => `  called from ${text(caller)}`));
  }
  const seen = new Set(place ? [text(place)] : []);
  for (const { frames } of others) {
    const [other] = frames;
    if (!other || seen.has(text(other))) continue;
    seen.add(text(other));
    lines.push(`  and ${text(other)}`, ...codeFrame(other, read));
  }
  return [...lines, `  help: ${hint}`].join('\n');
}

function readFile(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** `src/counter.ts:11:5`, below the current folder without its path. */
function text({ file, line, column }: Location): string {
  const below = relative(process.cwd(), file);
  return `${below.startsWith('..') || below === '' ? file : below}:${line}:${column}`;
}

function codeFrame({ file, line, column }: Location, read: (file: string) => string | undefined): string[] {
  const source = read(file)?.split('\n')[line - 1];
  if (source === undefined) return [];
  const margin = `${line}`.padStart(5);
  return [`${margin} | ${source}`, `      | ${' '.repeat(Math.max(0, column - 1))}^`];
}
