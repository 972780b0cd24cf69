import { binaryDigits, ChangeFinder, rangedName, visitScopes, type WaveSignal, type WaveWriter } from './signals.ts';

/** Where the text of a waveform goes. */
export interface TextSink {
  write(text: string): void;
  close(): void;
}

/** The identifier code of value `index`: printable characters, shortest first (IEEE 1364-2005, 18.2.1). */
function identifier(index: number): string {
  let rest = index;
  let code = '';
  do {
    code += String.fromCharCode(33 + (rest % 94));
    rest = Math.floor(rest / 94) - 1;
  } while (rest >= 0);
  return code;
}

/**
 * Writes a value change dump (IEEE 1364-2005, clause 18): one time unit is one cycle, times without changes are left out, and signals that
 * share their words share their identifier.
 */
export class VcdWriter implements WaveWriter {
  private readonly sink: TextSink;
  private readonly finder: ChangeFinder;
  private readonly codes: readonly string[];
  private written = -1;

  /** `signals` of one scope follow each other, a scope before the scopes inside it; their words lie in one buffer. */
  constructor(sink: TextSink, signals: readonly WaveSignal[]) {
    this.sink = sink;
    this.finder = new ChangeFinder(signals);
    this.codes = this.finder.list.map((_, index) => identifier(index));
    let header = '$timescale 1 ns $end\n';
    visitScopes(signals, {
      open: scope => {
        header += `$scope module ${scope} $end\n`;
      },
      close: () => {
        header += '$upscope $end\n';
      },
      signal: (signal, index) => {
        header += `$var wire ${signal.width} ${this.codes[this.finder.valueOf[index] ?? 0]} ${rangedName(signal)} $end\n`;
      },
    });
    sink.write(`${header}$enddefinitions $end\n`);
  }

  sample(time: number): void {
    const { finder, codes } = this;
    const count = finder.find();
    if (count === 0) return;
    let text = `#${time}\n`;
    for (let k = 0; k < count; k++) {
      const index = finder.changed[k] ?? 0;
      const value = finder.list[index];
      if (value === undefined) continue;
      const code = codes[index];
      if (value.width === 1) {
        text += `${finder.values[value.start]}${code}\n`;
      } else {
        const digits = binaryDigits(finder, value);
        const one = digits.indexOf('1');
        text += `b${one < 0 ? '0' : digits.slice(one)} ${code}\n`;
      }
    }
    this.sink.write(text);
    this.written = time;
  }

  close(time: number): void {
    this.sample(time);
    if (this.written !== time) this.sink.write(`#${time}\n`);
    this.sink.close();
  }
}
