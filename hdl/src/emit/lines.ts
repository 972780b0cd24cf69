import type { Site } from '../ir/ir.ts';

/** Columns of a statement without its comment. */
const columns = 110;

/** ` // counter.ts:11` for the place where it was written, with `note` before it; nothing if neither is known. */
export function comment(site: Site, note = ''): string {
  const [place] = site.frames;
  const file = place && `${place.file.replace(/^.*[/\\]/, '')}:${place.line}`;
  const text = [note, file].filter(part => part).join(' ');
  return text === '' ? '' : ` // ${text}`;
}

/** Whether a line with its comment is short enough not to be broken. */
export const fits = (line: string): boolean => line.replace(/ \/\/ .*$/, '').length <= columns;

/**
 * One statement, indented, on as many lines as it needs. A break comes after an operator or a comma, as far outside of brackets as can be, and there
 * where the text holds together least.
 */
export function lines(indent: string, text: string, trailing = ''): string[] {
  const result: string[] = [];
  let rest = text;
  let margin = indent;
  while (margin.length + rest.length > columns) {
    const at = breakAt(rest, columns - margin.length);
    if (at === undefined) break;
    result.push(margin + rest.slice(0, at).trimEnd());
    rest = rest.slice(at).trimStart();
    margin = `${indent}    `;
  }
  result.push(margin + rest + trailing);
  return result;
}

/** Last characters of operators, and the comma. */
const breaksAfter = new Set('-+*&|^?:,<>=');

/** Operators, the loosest first; an arm of a mux ends at a colon. */
const operators = [':', '?', '|', '^', '&', '==', '!=', '<', '<=', '>', '>=', '<<', '>>', '>>>', '+', '-', '*', '='];

/** How tightly what ends in `word`, an operator or a comma, holds to what follows. */
const tightnessOf = (word: string): number => (word.endsWith(',') ? -1 : operators.indexOf(word));

/** The best break within `limit` columns and not too near the left; undefined if there is none at all. */
function breakAt(text: string, limit: number): number | undefined {
  let depth = 0;
  let quoted = false;
  let best: { readonly depth: number; readonly tightness: number; readonly at: number } | undefined;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    // A message is one token, whatever stands in it.
    if (c === '"' && text[i - 1] !== '\\') quoted = !quoted;
    if (quoted) continue;
    if (c === '(' || c === '{' || c === '[') depth++;
    else if (c === ')' || c === '}' || c === ']') depth--;
    if (i >= limit && best !== undefined) break;
    if (c !== ' ' || !breaksAfter.has(text.charAt(i - 1))) continue;
    const tightness = tightnessOf(text.slice(text.lastIndexOf(' ', i - 1) + 1, i));
    const looser = best === undefined || depth < best.depth || (depth === best.depth && tightness <= best.tightness);
    if (looser || (best !== undefined && best.at < limit / 3)) best = { depth, tightness, at: i + 1 };
  }
  return best?.at;
}
