/** A signal of a waveform; its value is read from 32-bit words, least significant first, bits above `width` 0. */
export interface WaveSignal {
  /** Names of the scopes around it, outermost first. */
  readonly scope: readonly string[];
  readonly name: string;
  readonly width: number;
  readonly words: Uint32Array;
}

/** A waveform in the making. */
export interface WaveWriter {
  /** Notes what the signals are at `time`, in cycles; times only rise. */
  sample(time: number): void;
  /** Notes what the signals are at the end, `time`, and ends the waveform. */
  close(time: number): void;
}

/** A value of a waveform, which several signals can have: they are one wire with many names. */
export interface WaveValue {
  readonly width: number;
  /** Where its words are in `ChangeFinder.values`, and how many they are. */
  readonly start: number;
  readonly count: number;
}

/** Finds what has changed from sample to sample. Most values have not, so they are compared word by word in place. */
export class ChangeFinder {
  /** Values by number. */
  readonly list: readonly WaveValue[];
  /** The number of each signal's value. */
  readonly valueOf: readonly number[];
  /** The words of all values as they were at the last `find`. */
  readonly values: Uint32Array;
  /** Numbers of the values that have changed: the first so many that `find` says, in order. */
  readonly changed: Int32Array;
  /** For each word of `values`: where it stands in `memory`, and the number of the value that it is of. */
  private readonly places: Int32Array;
  private readonly owners: Int32Array;
  private readonly memory: Uint32Array;
  private first = true;

  /** The words of `signals` lie in one buffer. */
  constructor(signals: readonly WaveSignal[]) {
    this.memory = new Uint32Array(signals[0]?.words.buffer ?? new ArrayBuffer(0));
    const numbers = new Map<string, number>();
    const places: number[] = [];
    const owners: number[] = [];
    const list: WaveValue[] = [];
    this.valueOf = signals.map(({ width, words }) => {
      const key = `${words.byteOffset} ${width}`;
      let number = numbers.get(key);
      if (number === undefined) {
        number = list.push({ width, start: places.length, count: words.length }) - 1;
        for (let i = 0; i < words.length; i++) {
          places.push(words.byteOffset / 4 + i);
          owners.push(number);
        }
        numbers.set(key, number);
      }
      return number;
    });
    this.list = list;
    this.places = Int32Array.from(places);
    this.owners = Int32Array.from(owners);
    this.values = new Uint32Array(places.length);
    this.changed = new Int32Array(list.length);
  }

  /** Takes over all values. @returns how many have changed; at first all have. */
  find(): number {
    const { memory, places, owners, values, changed } = this;
    let found = 0;
    let latest = -1;
    for (let word = 0; word < places.length; word++) {
      const now = memory[places[word] ?? 0] ?? 0;
      if (now === values[word]) continue;
      values[word] = now;
      const owner = owners[word] ?? 0;
      if (owner !== latest) changed[found++] = owner;
      latest = owner;
    }
    if (!this.first) return found;
    this.first = false;
    for (let i = 0; i < changed.length; i++) changed[i] = i;
    return changed.length;
  }
}

/** What becomes of the signals of a hierarchy, scope by scope. */
export interface ScopeVisitor {
  open(scope: string): void;
  close(): void;
  signal(signal: WaveSignal, index: number): void;
}

/** Goes through `signals`, of which those of one scope follow each other, a scope before the scopes inside it. */
export function visitScopes(signals: readonly WaveSignal[], visitor: ScopeVisitor): void {
  const path: string[] = [];
  const moveTo = (scope: readonly string[]) => {
    while (path.length > scope.length || path.some((name, i) => name !== scope[i])) {
      path.pop();
      visitor.close();
    }
    for (const name of scope.slice(path.length)) {
      path.push(name);
      visitor.open(name);
    }
  };
  signals.forEach((signal, index) => {
    moveTo(signal.scope);
    visitor.signal(signal, index);
  });
  moveTo([]);
}

/** The name as waveforms have it: with the range of a bus. */
export function rangedName({ name, width }: WaveSignal): string {
  return width > 1 ? `${name} [${width - 1}:0]` : name;
}

/** The digits of each byte. */
const digits = Array.from({ length: 256 }, (_, byte) => byte.toString(2).padStart(8, '0'));

/** A value as binary digits, most significant first: as many as its words have bits. */
export function binaryDigits({ values }: ChangeFinder, { start, count }: WaveValue): string {
  let bits = '';
  for (let i = start + count - 1; i >= start; i--) {
    const word = values[i] ?? 0;
    bits += `${digits[word >>> 24]}${digits[(word >>> 16) & 255]}${digits[(word >>> 8) & 255]}${digits[word & 255]}`;
  }
  return bits;
}
