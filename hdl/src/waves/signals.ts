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
  /** Where each value's words stand in `memory`. */
  private readonly places: Int32Array;
  private readonly ends: Int32Array;
  private readonly memory: Uint32Array;
  private first = true;

  /** The words of `signals` lie in one buffer. */
  constructor(signals: readonly WaveSignal[]) {
    this.memory = new Uint32Array(signals[0]?.words.buffer ?? new ArrayBuffer(0));
    const numbers = new Map<string, number>();
    const places: number[] = [];
    const list: WaveValue[] = [];
    let start = 0;
    this.valueOf = signals.map(({ width, words }) => {
      const key = `${words.byteOffset} ${width}`;
      let number = numbers.get(key);
      if (number === undefined) {
        number = list.push({ width, start, count: words.length }) - 1;
        places.push(words.byteOffset / 4);
        start += words.length;
        numbers.set(key, number);
      }
      return number;
    });
    this.list = list;
    this.places = Int32Array.from(places);
    this.ends = Int32Array.from(list, value => value.start + value.count);
    this.values = new Uint32Array(start);
    this.changed = new Int32Array(list.length);
  }

  /** Takes over all values. @returns how many have changed; at first all have. */
  find(): number {
    const { memory, places, ends, values, changed, first } = this;
    let found = 0;
    let word = 0;
    for (let i = 0; i < places.length; i++) {
      const end = ends[i] ?? 0;
      let differs = first;
      for (let place = places[i] ?? 0; word < end; word++, place++) {
        const now = memory[place] ?? 0;
        if (now === values[word]) continue;
        values[word] = now;
        differs = true;
      }
      if (differs) changed[found++] = i;
    }
    this.first = false;
    return found;
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

/** The value of number `value` as binary digits, most significant first. */
export function binaryDigits({ values }: ChangeFinder, { width, start, count }: WaveValue): string {
  let bits = '';
  for (let word = start + count - 1; word >= start; word--) bits += (values[word] ?? 0).toString(2).padStart(32, '0');
  return bits.slice(-width);
}
