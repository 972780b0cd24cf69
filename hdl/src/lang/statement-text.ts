/**
 * Whether the call whose name stands at `line` and `column` (both from 1) is a statement of its own, so that its result goes nowhere: `a.add(b);`, also
 * over several lines. In doubt it is none.
 */
export function isStatement(text: string, line: number, column: number): boolean {
  let start = 0;
  for (let i = 1; i < line; i++) {
    start = text.indexOf('\n', start) + 1;
    if (start === 0) return false;
  }
  start += column - 1;
  const name = /^[A-Za-z_$][\w$]*/.exec(text.slice(start, start + 80))?.[0];
  if (name === undefined || text[start + name.length] !== '(') return false;
  return endsStatement(text, afterParentheses(text, start + name.length)) && beginsStatement(text, startOfChain(text, start));
}

/** Behind the parenthesis that closes the one at `from`. */
function afterParentheses(text: string, from: number): number {
  let depth = 0;
  for (let i = from; i < text.length; i++) {
    const char = text[i] ?? '';
    if ('([{'.includes(char)) depth++;
    else if (')]}'.includes(char) && --depth === 0) return i + 1;
    else if ('\'"`'.includes(char)) i = closingQuote(text, i);
  }
  return text.length;
}

function closingQuote(text: string, from: number): number {
  for (let i = from + 1; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === text[from]) return i;
  }
  return text.length;
}

function endsStatement(text: string, end: number): boolean {
  const rest = text.slice(end, end + 200);
  if (/^[ \t]*(;|\}|$)/.test(rest)) return true;
  // Without a semicolon the next line decides.
  return /^[ \t]*(\/\/.*)?\r?\n\s*[^\s.,)\]?:&|+\-*/=<>(`[]/.test(rest);
}

/** Where the expression begins that the name at `from` is called on: `this.a.bits(3, 0).` in front of it. */
function startOfChain(text: string, from: number): number {
  let at = from;
  for (;;) {
    const dot = /[?!]?\.\s*$/.exec(text.slice(Math.max(0, at - 80), at));
    if (!dot) return at;
    at = backOverSpace(text, at - dot[0].length);
    while (text[at - 1] === ')' || text[at - 1] === ']') at = opening(text, at - 1);
    at -= /[\w$]*$/.exec(text.slice(Math.max(0, at - 80), at))?.[0].length ?? 0;
  }
}

/** Where the bracket opens that closes at `from`. */
function opening(text: string, from: number): number {
  let depth = 0;
  for (let i = from; i >= 0; i--) {
    const char = text[i] ?? '';
    if (')]}'.includes(char)) depth++;
    else if ('([{'.includes(char) && --depth === 0) return i;
  }
  return 0;
}

function backOverSpace(text: string, from: number): number {
  let at = from;
  while (at > 0 && /\s/.test(text[at - 1] ?? '')) at--;
  return at;
}

function beginsStatement(text: string, start: number): boolean {
  const before = withoutComments(text.slice(Math.max(0, start - 400), start));
  if (/(^|[;{}])\s*$/.test(before)) return true;
  return /[\w)\]'"`]\s*\n\s*$/.test(before) && !/\b(return|await|yield|typeof|void|in|of)\s*$/.test(before);
}

const withoutComments = (text: string) => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '');
