import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { UsageError } from '../errors.ts';
import { writeWhole } from '../files.ts';

const entryShape = z.strictObject({ block: z.string(), what: z.string(), value: z.unknown() });
type Entry = z.infer<typeof entryShape>;
const ledgerShape = z.record(z.string().regex(/^[0-9a-f]{24}$/), entryShape);

/** Identifies a measurement by all that decides its outcome: tools, Verilog, options. */
export const keyOf = (parts: readonly string[]): string =>
  createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 24);

/** What was measured, by what decides the outcome: a file that is kept with the source, for some figures take hours. */
export class Ledger {
  private readonly path: string;
  /** Keys that were asked for or written. */
  private readonly used = new Set<string>();

  constructor(path: string) {
    this.path = path;
  }

  has(key: string): boolean {
    return key in this.read();
  }

  /** @throws UsageError if what stands there has another shape. */
  get<T>(key: string, shape: z.ZodType<T>): T | undefined {
    const entry = this.read()[key];
    if (entry === undefined) return undefined;
    this.used.add(key);
    const { success, data } = shape.safeParse(entry.value);
    if (!success) throw this.damaged(`'${entry.what}' of ${entry.block} has another shape`);
    return data;
  }

  set(key: string, entry: Entry): void {
    this.used.add(key);
    // Another process may have written meanwhile.
    this.write({ ...this.read(), [key]: entry });
  }

  /** Forgets what nobody asked for since it was opened. */
  prune(): void {
    this.write(Object.fromEntries(Object.entries(this.read()).filter(([key]) => this.used.has(key))));
  }

  private read(): Readonly<Record<string, Entry>> {
    if (!existsSync(this.path)) return {};
    let content: unknown;
    try {
      content = JSON.parse(readFileSync(this.path, 'utf8'));
    } catch {
      throw this.damaged('it is no JSON');
    }
    const { success, data } = ledgerShape.safeParse(content);
    if (!success) throw this.damaged('its entries have another shape');
    return data;
  }

  /** An entry per line, in the order of blocks and of what was done, so that changes are read line by line. */
  private write(entries: Readonly<Record<string, Entry>>): void {
    const lines = Object.entries(entries)
      .map(([key, { block, what, value }]) => ({ order: `${block} ${what} ${key}`, key, entry: { block, what, value } }))
      .sort((a, b) => (a.order < b.order ? -1 : 1))
      .map(({ key, entry }) => `  ${JSON.stringify(key)}: ${JSON.stringify(entry)}`);
    writeWhole(this.path, lines.length > 0 ? `{\n${lines.join(',\n')}\n}\n` : '{}\n');
  }

  private damaged(how: string): UsageError {
    return new UsageError(`${this.path} cannot be read: ${how}. Take the file of the last commit, or delete it to measure anew.`);
  }
}
