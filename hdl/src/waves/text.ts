/** A row of a wave drawn with characters. */
export interface TextRow {
  readonly name: string;
  /** `line`: a bit, drawn as a line; its values are `0` and `1`. `box`: a bus, drawn as boxes with its values in them. */
  readonly kind: 'line' | 'box';
  /** The value in each cycle. */
  readonly values: readonly string[];
}

export interface TextOptions {
  /** Characters of a line at most; cycles that do not fit follow below. 100 by default. */
  readonly width?: number;
  /** The number of the first cycle; 0 by default. */
  readonly first?: number;
}

/** Characters that a cycle takes at most. Of a longer value that lasts no longer, the end is shown. */
const WIDEST_CYCLE = 12;

/** The steps in which cycles are numbered. */
const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

/**
 * Draws waves, one line per signal: bits as `▁▁╱▔▔╲▁▁`, buses as `│3 │ff  │Idle`. A cycle takes as many characters as the values need, the same number
 * everywhere; a value that lasts is written once.
 * @throws RangeError if not even one cycle fits into the width.
 */
export function drawWaves(rows: readonly TextRow[], { width = 100, first = 0 }: TextOptions = {}): string {
  const cell = cellWidth(rows);
  const margin = Math.max(0, ...rows.map(({ name }) => name.length)) + 2;
  const fitting = Math.floor((width - margin) / cell);
  if (fitting < 1)
    throw new RangeError(`A wave with these signals needs lines of at least ${margin + cell} characters, not ${width}.`);
  const cycles = Math.max(0, ...rows.map(({ values }) => values.length));
  const blocks: string[] = [];
  for (let from = 0; from < cycles; from += fitting) {
    const to = Math.min(cycles, from + fitting);
    const lines = rows.map(row => row.name.padEnd(margin) + (row.kind === 'line' ? line : boxes)(row.values, from, to, cell));
    blocks.push(
      [`${' '.repeat(margin)}${ruler(first + from, to - from, cell)}`, ...lines].map(text => text.trimEnd()).join('\n'),
    );
  }
  return blocks.join('\n\n');
}

/** Characters per cycle, so that every value has room as long as it lasts, with a boundary before it. */
function cellWidth(rows: readonly TextRow[]): number {
  let widest = 2;
  for (const { kind, values } of rows) {
    if (kind === 'line') continue;
    for (let from = 0, to = 0; from < values.length; from = to) {
      to = endOf(values, from, values.length);
      widest = Math.max(widest, Math.ceil(((values[from]?.length ?? 0) + 1) / (to - from)));
    }
  }
  return Math.min(widest, WIDEST_CYCLE);
}

/** Where the value at `from` has ended. */
function endOf(values: readonly string[], from: number, most: number): number {
  let to = from + 1;
  while (to < most && values[to] === values[from]) to++;
  return to;
}

/** The numbers of cycles, each where its cycle begins. */
function ruler(first: number, count: number, cell: number): string {
  const room = `${first + count - 1}`.length + 1;
  const step = steps.find(s => s * cell >= room) ?? room;
  let text = '';
  for (let i = 0; i < count; i++) if ((first + i) % step === 0) text = text.padEnd(i * cell) + (first + i);
  return text;
}

function line(values: readonly string[], from: number, to: number, cell: number): string {
  let text = '';
  for (let i = from; i < to; i++) {
    const now = values[i] === '1';
    const before = i === 0 ? now : values[i - 1] === '1';
    text += now === before ? level(now) : now ? '╱' : '╲';
    text += level(now).repeat(cell - 1);
  }
  return text;
}

const level = (high: boolean) => (high ? '▔' : '▁');

function boxes(values: readonly string[], from: number, to: number, cell: number): string {
  let text = '';
  for (let start = from, end = from; start < to; start = end) {
    end = endOf(values, start, to);
    const room = cell * (end - start) - 1;
    const value = values[start] ?? '';
    const shown = value.length <= room ? value : `…${value.slice(value.length - room + 1)}`;
    text += `│${shown.padEnd(room)}`;
  }
  return text;
}
