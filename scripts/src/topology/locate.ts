/** Steps from the root of a description to a value in it: keys and indices. */
export type Path = readonly (string | number)[];

/** A text is no JSON. */
export class JsonMistake extends Error {
  override readonly name = 'JsonMistake';
  readonly line: number;
  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

/** A value with the place where it, or the key before it, begins. */
interface Placed {
  readonly value: unknown;
  readonly at: number;
  readonly parts: ReadonlyMap<string | number, Placed>;
}

/** JSON that knows on which line each of its values stands. */
export class LocatedJson {
  readonly value: unknown;
  private readonly root: Placed;
  private readonly text: string;
  private at = 0;

  /** @throws JsonMistake with the line. */
  constructor(text: string) {
    this.text = text;
    this.root = this.any();
    this.value = this.root.value;
    this.space();
    if (this.at < text.length) this.fail('there is something behind the end');
  }

  /** The line, from 1 on, of the value at a path; of a path that is not there, that of the last step that is. */
  lineOf(path: Path): number {
    let placed = this.root;
    for (const step of path) {
      const part = placed.parts.get(step);
      if (!part) break;
      placed = part;
    }
    return this.line(placed.at);
  }

  private line(at: number): number {
    return this.text.slice(0, at).split('\n').length;
  }
  private fail(message: string): never {
    throw new JsonMistake(this.line(Math.min(this.at, this.text.trimEnd().length)), message);
  }
  private space(): void {
    this.token(/[ \t\r\n]*/y);
  }
  private token(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    this.at += found?.length ?? 0;
    return found;
  }

  private any(): Placed {
    this.space();
    const at = this.at;
    if (this.token(/[[{]/y)) return this.parts(at, this.text[at] === '{');
    const scalar = this.token(
      /"(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/uy,
    );
    if (scalar === undefined) this.fail('a value is expected here (text and keys stand in double quotes)');
    return { value: JSON.parse(scalar), at, parts: new Map() };
  }

  private parts(at: number, keyed: boolean): Placed {
    const parts = new Map<string | number, Placed>();
    const closing = keyed ? /\}/y : /\]/y;
    this.space();
    if (!this.token(closing))
      for (;;) {
        this.space();
        const [key, keyAt] = keyed ? [this.key(), this.at] : [parts.size, this.at];
        if (parts.has(key)) this.fail(`the key "${key}" is there twice`);
        const part = this.any();
        const scalar = typeof part.value !== 'object' || part.value === null;
        parts.set(key, scalar ? { ...part, at: keyAt } : part);
        this.space();
        if (this.token(closing)) break;
        if (!this.token(/,/y)) this.fail(`a comma or ${keyed ? '}' : ']'} is expected here`);
      }
    const values = [...parts].map(([key, { value }]) => [key, value] as const);
    return { value: keyed ? Object.fromEntries(values) : values.map(([, value]) => value), at, parts };
  }

  private key(): string {
    const key = this.token(/"(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/uy);
    if (key === undefined) this.fail('a key in double quotes is expected here');
    this.space();
    if (!this.token(/:/y)) this.fail(`a colon is expected behind the key ${key}`);
    return JSON.parse(key);
  }
}

/** Where a word stands in quotes or as a key for the n-th time, from 0 on, in a module's source from a place on; none if it does not. */
export function placeInSource(
  source: string,
  word: string,
  { nth = 0, from = 0 }: { readonly nth?: number; readonly from?: number } = {},
): number | undefined {
  const plain = word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const places = [...source.slice(from).matchAll(new RegExp(`(['"\`])${plain}\\1|\\b${plain}\\s*:`, 'g'))];
  const place = places[nth] ?? places[0];
  return place && from + place.index;
}
