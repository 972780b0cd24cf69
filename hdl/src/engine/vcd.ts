import { at } from './at.ts';

/** A signal of a waveform; its value is read from 32-bit words, least significant first. */
export interface WaveSignal {
  /** Names of the scopes around it, outermost first. */
  readonly scope: readonly string[];
  readonly name: string;
  readonly width: number;
  readonly words: Uint32Array;
}

/** Where the text of a waveform goes. */
export interface TextSink {
  write(text: string): void;
  close(): void;
}

/** The identifier code of signal `index`: printable characters, shortest first (IEEE 1364-2005, 18.2.1). */
function identifier(index: number): string {
  let rest = index;
  let code = '';
  do {
    code += String.fromCharCode(33 + (rest % 94));
    rest = Math.floor(rest / 94) - 1;
  } while (rest >= 0);
  return code;
}

/** Text of a value change. */
function change(words: Uint32Array, width: number, code: string): string {
  if (width === 1) return `${at(words, 0) & 1}${code}\n`;
  let bits = '';
  for (let i = words.length - 1; i >= 0; i--) bits += at(words, i).toString(2).padStart(32, '0');
  return `b${bits.replace(/^0+(?=.)/, '')} ${code}\n`;
}

/** Writes a value change dump (IEEE 1364-2005, clause 18): one time unit is one cycle. */
export class VcdWriter {
  private readonly sink: TextSink;
  private readonly signals: readonly (WaveSignal & { code: string })[];
  /** Where each signal's words stand in `memory`, and how many they are. */
  private readonly places: Int32Array;
  private readonly counts: Int32Array;
  private readonly memory: Uint32Array;
  /** The words of the last sample, signal behind signal. */
  private readonly last: Uint32Array;
  private first = true;

  /** `signals` of one scope follow each other, a scope before the scopes inside it; their words lie in one buffer. */
  constructor(sink: TextSink, signals: readonly WaveSignal[]) {
    this.sink = sink;
    this.signals = signals.map((signal, index) => ({ ...signal, code: identifier(index) }));
    this.memory = new Uint32Array(signals[0]?.words.buffer ?? new ArrayBuffer(0));
    this.places = Int32Array.from(signals, ({ words }) => words.byteOffset / 4);
    this.counts = Int32Array.from(signals, ({ words }) => words.length);
    this.last = new Uint32Array(signals.reduce((sum, { words }) => sum + words.length, 0));
    let header = '$timescale 1 ns $end\n';
    const open: string[] = [];
    const moveTo = (scope: readonly string[]) => {
      while (open.length > scope.length || open.some((name, i) => name !== scope[i])) {
        open.pop();
        header += '$upscope $end\n';
      }
      for (const name of scope.slice(open.length)) {
        open.push(name);
        header += `$scope module ${name} $end\n`;
      }
    };
    for (const { scope, name, width, code } of this.signals) {
      moveTo(scope);
      header += `$var wire ${width} ${code} ${name}${width > 1 ? ` [${width - 1}:0]` : ''} $end\n`;
    }
    moveTo([]);
    sink.write(`${header}$enddefinitions $end\n`);
  }

  /** Writes the time and what has changed since the last sample. Most signals have not, so they are compared word by word in place. */
  sample(time: number): void {
    const { memory, places, counts, last, first } = this;
    let text = '';
    let kept = 0;
    for (let i = 0; i < places.length; i++) {
      const place = places[i] ?? 0;
      const count = counts[i] ?? 0;
      let changed = first;
      for (let k = 0; k < count; k++) {
        const word = memory[place + k] ?? 0;
        if (word !== last[kept + k]) {
          last[kept + k] = word;
          changed = true;
        }
      }
      kept += count;
      if (!changed) continue;
      const { words, width, code } = at(this.signals, i);
      text += change(words, width, code);
    }
    this.sink.write(`#${time}\n${text}`);
    this.first = false;
  }

  /** Ends the waveform at `time`. */
  close(time: number): void {
    this.sample(time);
    this.sink.close();
  }
}
