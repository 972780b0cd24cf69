/** What a waveform says of its signals: by path, the times at which each changes with its value in binary digits. */
export interface Changes {
  readonly end: number;
  readonly signals: ReadonlyMap<string, readonly (readonly [time: number, digits: string])[]>;
}

/** A waveform being read: signals by the code that they share. */
export class ChangeCollector {
  private readonly codes = new Map<string, [number, string][]>();
  private readonly widths = new Map<string, number>();
  private readonly paths = new Map<string, [number, string][]>();

  declare(path: string, width: number, code: string): void {
    const list = this.codes.get(code) ?? [];
    this.codes.set(code, list);
    this.widths.set(code, width);
    this.paths.set(path, list);
  }

  change(time: number, code: string, value: string): void {
    const list = this.codes.get(code);
    if (list === undefined) throw new Error(`the waveform declares no ${code}`);
    const width = this.widths.get(code) ?? 0;
    if (value.length > width) throw new Error(`${value} has not ${width} digits`);
    const digits = value.padStart(width, '0');
    if (list.at(-1)?.[1] !== digits) list.push([time, digits]);
  }

  at(end: number): Changes {
    return { end, signals: this.paths };
  }
}

/** Reads the changes of a VCD. */
export function readVcd(text: string): Changes {
  const collector = new ChangeCollector();
  const scope: string[] = [];
  let time = 0;
  const [head = '', body = ''] = text.split('$enddefinitions $end');
  for (const line of head.split('\n')) {
    const [what, , third = '', code = '', name = ''] = line.split(' ');
    if (what === '$scope') scope.push(third);
    else if (what === '$upscope') scope.pop();
    else if (what === '$var') collector.declare([...scope, name].join('.'), Number(third), code);
  }
  for (const line of body.split('\n')) {
    if (line.startsWith('#')) time = Number(line.slice(1));
    else if (line.startsWith('b')) collector.change(time, line.split(' ')[1] ?? '', line.slice(1).split(' ')[0] ?? '');
    else if (/^[01x]/.test(line)) collector.change(time, line.slice(1), line.slice(0, 1));
  }
  return collector.at(time);
}
