import type { Site } from '../ir/ir.ts';
import type { ReadSource } from '../lang/source-text.ts';

const declaration = /^\s*(?:export\s+)?(?:const|let)\s+([A-Za-z_]\w*)\s*(?::[^=]+)?=(?!=)\s*(.*)$/;
/** The value of a constant that is a function. */
const arrowHead = /^(?:async\s*)?(?:<[^>]*>\s*)?(?:\([^)]*\)(?:\s*:\s*[^=]+)?|[A-Za-z_]\w*)\s*=>/;
const functionHead = /^\s*(?:export\s+)?function\s+([A-Za-z_]\w*)/;
/** A line that begins another statement than a declaration; an element of a list ends in a comma. */
const startsStatement = /^\s*(?:return\b|this\.|[A-Za-z_][\w.]*\(|if\b|for\b|when\b|match\b|\}|\)\s*\.).*[^,\s]\s*$/;

/** How far above its own line the head of an expression's statement is looked for. */
const reach = 12;

/** How many functions a value is followed through to the constant that gets it. */
const callers = 4;

/** Names for values from what the user called them: `const sum = a.add(b)` makes `sum`. Only a convenience of reading; nothing depends on it. */
export class Hints {
  private readonly read: ReadSource;
  private readonly files = new Map<string, readonly string[]>();

  constructor(read: ReadSource) {
    this.read = read;
  }

  /**
   * What the user called the value made at `site`, if the source says so: the constant on its left, or, for what a function gives, the constant on
   * the left of the call, or else the function.
   */
  at(site: Site): string | undefined {
    let called: string | undefined;
    for (const place of site.frames.slice(0, callers)) {
      const lines = this.lines(place.file);
      const line = lines[place.line - 1];
      if (line === undefined) break;
      const [, found, value = ''] = declaration.exec(line) ?? [];
      if (found !== undefined && !arrowHead.test(value)) return found;
      const returns = /^\s*return\b/.test(line);
      if (found === undefined && !returns)
        return startsStatement.test(line) ? called : (statementHead(lines, place.line - 1) ?? called);
      called ??= found ?? enclosingFunction(lines, place.line - 1);
    }
    return called;
  }

  private lines(file: string): readonly string[] {
    let lines = this.files.get(file);
    if (lines === undefined) {
      lines = (this.read(file) ?? '').split('\n');
      this.files.set(file, lines);
    }
    return lines;
  }
}

const indentation = (line: string) => line.length - line.trimStart().length;

/** The declaration that a continuation line belongs to: the nearest less indented line above, as long as these are continuations too. */
function statementHead(lines: readonly string[], from: number): string | undefined {
  let indent = indentation(lines[from] ?? '');
  for (let i = from - 1; i >= 0 && i >= from - reach; i--) {
    const line = lines[i] ?? '';
    if (line.trim() === '' || indentation(line) >= indent) continue;
    const found = declaration.exec(line)?.[1];
    if (found !== undefined) return found;
    if (startsStatement.test(line)) return undefined;
    indent = indentation(line);
  }
  return undefined;
}

/** The function whose body the line is in, if it is a named one right around it. */
function enclosingFunction(lines: readonly string[], from: number): string | undefined {
  const indent = indentation(lines[from] ?? '');
  for (let i = from - 1; i >= 0 && i >= from - 4 * reach; i--) {
    const line = lines[i] ?? '';
    if (line.trim() === '' || indentation(line) >= indent) continue;
    return functionHead.exec(line)?.[1];
  }
  return undefined;
}
