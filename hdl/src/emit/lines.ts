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

/** One statement, indented, on as many lines as it needs. A break comes after an operator or a comma, as far outside of brackets as can be. */
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

/** The best break within `limit` columns and not too near the left; undefined if there is none at all. */
function breakAt(text: string, limit: number): number | undefined {
  let depth = 0;
  let best: { readonly depth: number; readonly at: number } | undefined;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '(' || c === '{' || c === '[') depth++;
    else if (c === ')' || c === '}' || c === ']') depth--;
    if (i >= limit && best !== undefined) break;
    if (c !== ' ' || !/[-+*&|^?:,<>=]$/.test(text.slice(0, i))) continue;
    if (best === undefined || depth <= best.depth || best.at < limit / 3) best = { depth, at: i + 1 };
  }
  return best?.at;
}
