import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A message in the source, and what texts it can become. */
export interface Message {
  readonly place: string;
  readonly source: string;
  readonly pattern: RegExp;
}

/** The messages of all mistakes that files below `folder` tell of: what stands first in `new HdlError(…)`, or second in the cells' `refusal(…)`. */
export function messagesIn(folder: string): Message[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts'));
  return files.flatMap(file => {
    const text = readFileSync(join(folder, file), 'utf8');
    return [...text.matchAll(/(?:new HdlError\(|\brefusal\(\w+,)\s*(?=['"`])/g)].map(match => {
      const start = match.index + match[0].length;
      const source = literal(text, start);
      return { place: `${file}:${text.slice(0, start).split('\n').length}`, source, pattern: patternOf(source) };
    });
  });
}

/** The string or template that begins at `from`, without its quotes. */
function literal(text: string, from: number): string {
  const quote = text[from];
  let depth = 0;
  for (let i = from + 1; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text.startsWith('${', i)) depth++;
    else if (depth > 0 && text[i] === '}') depth--;
    else if (depth === 0 && text[i] === quote) return text.slice(from + 1, i);
  }
  throw new Error(`a string that begins at ${from} does not end`);
}

/** What is computed can be anything. */
function patternOf(source: string): RegExp {
  const fixed = source.split(/\$\{(?:[^{}]|\{[^{}]*\})*\}/).map(part => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^(?:error|warning): ${fixed.join('.*')}$`, 'm');
}
