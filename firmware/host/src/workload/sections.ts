import { HostError } from '../host-error.ts';

/** A line `name=value`, or a name alone. */
export interface Entry {
  readonly name: string;
  readonly value: string | undefined;
  /** From 1 on. */
  readonly line: number;
}

export interface Section {
  readonly name: string;
  readonly line: number;
  readonly entries: readonly Entry[];
}

/** What is wrong with a job file, and in which line. */
export class JobFileError extends HostError {
  readonly line: number;
  constructor(file: string, line: number, message: string) {
    super(`${file}:${line}: ${message}`);
    this.line = line;
  }
}

/** The sections of a file in INI form: `[name]`, then options; lines that begin with `;` or `#` are comments. @throws JobFileError for anything else. */
export function sectionsOf(text: string, file: string): Section[] {
  const sections: { name: string; line: number; entries: Entry[] }[] = [];
  for (const [i, raw] of text.split(/\r?\n/).entries()) {
    const line = i + 1;
    const content = raw.replace(/(^|\s)[;#].*$/, '').trim();
    if (content === '') continue;
    const header = /^\[(.+)\]$/.exec(content)?.[1];
    if (header !== undefined) {
      sections.push({ name: header.trim(), line, entries: [] });
      continue;
    }
    const section = sections.at(-1);
    if (!section)
      throw new JobFileError(file, line, `'${content}' stands before the first section: begin with [global] or [name of a job]`);
    const [, name = '', value] = /^([^=]*?)\s*(?:=\s*(.*))?$/.exec(content) ?? [];
    if (!/^\w+$/.test(name)) throw new JobFileError(file, line, `'${content}' is neither [section], name=value nor name`);
    section.entries.push({ name, value, line });
  }
  return sections;
}
