import fc from 'fast-check';
import type { Bench } from './bench.ts';

/** A word as the values of its ports' names after the stream's name: `payload`, or the fields of a bundle. */
export type Word = { readonly [field: string]: number };

/** A stream of the cell under test. Fields that are ports of their own, beside the stream, are named in `beside`. */
export interface StreamPorts {
  readonly name: string;
  readonly fields: readonly string[];
  readonly beside?: readonly string[];
}

/** Words for each input, and who stalls when: cycle by cycle, after the end nobody does. */
export interface Traffic {
  readonly words: readonly (readonly Word[])[];
  readonly offers: readonly (readonly boolean[])[];
  readonly accepts: readonly (readonly boolean[])[];
  /** With two clock domains, which of them have an edge, and how what crosses at that time is seen; after the end both have. */
  readonly edges?: readonly Edge[];
}

export interface Edge {
  readonly ticks: 'from' | 'to' | 'both';
  readonly late: number;
}

/** What stands on the streams of a cell in one cycle. */
export interface Cycle {
  readonly cycle: number;
  readonly offered: readonly boolean[];
  readonly taken: readonly boolean[];
  readonly valid: readonly boolean[];
  readonly ready: readonly boolean[];
  /** Words at the outputs, whether they are valid or not. */
  readonly out: readonly Word[];
}

export interface Run {
  readonly inputs: readonly StreamPorts[];
  readonly outputs: readonly StreamPorts[];
  /** Words to wait for at each output; after them a few cycles more are run, in which none may come. */
  readonly expected: readonly number[];
  /** Drives what is no stream, before each cycle settles; `received` counts the words of each output so far. */
  readonly drive?: (bench: Bench, received: readonly number[]) => void;
  readonly observe?: (cycle: Cycle) => void;
  /** A consumer that is ready stays so until a word comes. */
  readonly readyStays?: boolean;
}

const portOf = (stream: StreamPorts, field: string) => (stream.beside?.includes(field) ? field : `${stream.name}_${field}`);

/** Cycles in which nothing moves at all after which a cell is stuck. */
const PATIENCE = 64;

/**
 * Sends the traffic through a cell and checks the rules of streams on the way: a word that is offered stays as it is until it is taken. Ports of a
 * stream that offers nothing carry noise. @returns the words of each output.
 */
export function send(bench: Bench, traffic: Traffic, run: Run): Word[][] {
  const { inputs, outputs, expected, readyStays = false } = run;
  const sent = inputs.map(() => 0);
  const received: Word[][] = outputs.map(() => []);
  const offering = inputs.map(() => false);
  const waits = outputs.map(() => false);
  const held: (Word | undefined)[] = outputs.map(() => undefined);
  let quiet = 0;
  const count = [...traffic.words.map(({ length }) => length), ...expected].reduce((a, b) => a + b, 0);
  const latest = longest(traffic) + PATIENCE * (count + 1);
  bench.reset();
  const ready = outputs.map(() => false);
  /** The side that had an edge before this cycle, whose signals may change. */
  let ticked: Edge['ticks'] = 'both';
  for (let cycle = 0; ; cycle++) {
    const edge = traffic.edges?.[cycle] ?? { ticks: 'both', late: 0 };
    const [sends, takes] = [edge.ticks !== 'to', edge.ticks !== 'from'];
    inputs.forEach((stream, i) => {
      if (ticked === 'to') return;
      const word = traffic.words[i]?.[sent[i] ?? 0];
      if (word && (offering[i] || (traffic.offers[i]?.[cycle] ?? true))) offering[i] = true;
      bench.set(`${stream.name}_valid`, offering[i] === true);
      for (const field of stream.fields)
        bench.set(portOf(stream, field), offering[i] ? (word?.[field] ?? 0) : 0x5555 * (cycle + 1));
    });
    outputs.forEach(({ name }, i) => {
      if (ticked === 'from') return;
      ready[i] = waits[i] || (traffic.accepts[i]?.[cycle] ?? true);
      bench.set(`${name}_ready`, ready[i] === true);
    });
    run.drive?.(
      bench,
      received.map(words => words.length),
    );
    bench.settle();
    const taken = inputs.map(({ name }, i) => sends && offering[i] === true && bench.get(`${name}_ready`) === 1n);
    const valid = outputs.map(({ name }) => bench.get(`${name}_valid`) === 1n);
    const out = outputs.map(stream => Object.fromEntries(stream.fields.map(f => [f, Number(bench.get(portOf(stream, f)))])));
    run.observe?.({ cycle, offered: [...offering], taken, valid, ready, out });
    outputs.forEach((stream, i) => {
      if (!takes) return;
      const word = out[i] ?? {};
      const before = held[i];
      if (before && (!valid[i] || stream.fields.some(f => word[f] !== before[f])))
        throw new Error(`cycle ${cycle}: ${stream.name} offered ${show(before)} and then ${valid[i] ? show(word) : 'nothing'}`);
      waits[i] = readyStays && ready[i] === true && !valid[i];
      held[i] = valid[i] && !ready[i] ? word : undefined;
      if (valid[i] && ready[i]) received[i]?.push(word);
    });
    inputs.forEach((_, i) => {
      if (!taken[i]) return;
      sent[i] = (sent[i] ?? 0) + 1;
      offering[i] = false;
    });
    if (traffic.edges) bench.tick(edge.ticks === 'both' ? ['from', 'to'] : [edge.ticks], edge.late);
    else bench.step();
    ticked = edge.ticks;
    const done = inputs.every((_, i) => sent[i] === traffic.words[i]?.length);
    const all = outputs.every((_, i) => (received[i]?.length ?? 0) >= (expected[i] ?? 0));
    const moved = taken.some(Boolean) || (takes && valid.some((v, i) => v && ready[i]));
    quiet = moved || cycle < longest(traffic) ? 0 : quiet + 1;
    if (done && all && quiet > 8) return received;
    if (quiet > PATIENCE || cycle > latest)
      throw new Error(`no end in cycle ${cycle}: sent ${sent}, received ${received.map(w => w.length)}`);
  }
}

const show = (word: Word) => JSON.stringify(word);
const longest = ({ offers, accepts, edges = [] }: Traffic) =>
  Math.max(0, ...[...offers, ...accepts, edges].map(list => list.length));

/** Who stalls: never, until everything is full, at random, mostly, or in bursts. */
export const stalls = fc.oneof(
  { weight: 3, arbitrary: fc.constant([]) },
  { weight: 2, arbitrary: fc.constant(Array.from({ length: 40 }, () => false)) },
  { weight: 3, arbitrary: fc.array(fc.boolean(), { maxLength: 60 }) },
  { weight: 2, arbitrary: fc.array(fc.constantFrom(false, false, false, true), { maxLength: 60 }) },
  {
    weight: 2,
    arbitrary: fc
      .array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 25 })), { maxLength: 8 })
      .map(bursts => bursts.flatMap(([active, length]) => Array.from({ length }, () => active))),
  },
);

/** Words of `bits` bits in a field each. */
export const words = (fields: { readonly [field: string]: number }, most = 40): fc.Arbitrary<Word[]> =>
  fc.array(fc.record(Object.fromEntries(Object.entries(fields).map(([name, bits]) => [name, number(bits)]))), {
    maxLength: most,
  });

export const number = (bits: number) => fc.integer({ min: 0, max: 2 ** bits - 1 });

/** A packet word's fields beside `last`. */
export type Part = { readonly [field: string]: number };

/** Packets of 1 to `most` words, in one list, with `last` on the last word of each. */
export const packets = (fields: { readonly [field: string]: number }, most: number): fc.Arbitrary<Word[]> => {
  const part = fc.record(Object.fromEntries(Object.entries(fields).map(([name, bits]) => [name, number(bits)])));
  return fc
    .array(fc.array(part, { minLength: 1, maxLength: most }), { maxLength: 10 })
    .map(list => list.flatMap(parts => parts.map((word, i) => ({ ...word, last: i === parts.length - 1 ? 1 : 0 }))));
};

/** Traffic of `inputs` lists of words to `outputs` outputs. */
export function traffic(inputs: readonly fc.Arbitrary<Word[]>[], outputs: number): fc.Arbitrary<Traffic> {
  return fc.record({
    words: fc.tuple(...inputs),
    offers: fc.tuple(...inputs.map(() => stalls)),
    accepts: fc.tuple(...Array.from({ length: outputs }, () => stalls)),
  });
}
