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
  private readonly signals: readonly (WaveSignal & { code: string; last: Uint32Array })[];
  private first = true;

  /** `signals` of one scope follow each other, a scope before the scopes inside it. */
  constructor(sink: TextSink, signals: readonly WaveSignal[]) {
    this.sink = sink;
    this.signals = signals.map((signal, index) => ({
      ...signal,
      code: identifier(index),
      last: new Uint32Array(signal.words.length),
    }));
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

  /** Writes the time and what has changed since the last sample. */
  sample(time: number): void {
    let text = '';
    for (const { words, width, code, last } of this.signals) {
      if (!this.first && words.every((word, i) => word === last[i])) continue;
      last.set(words);
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
