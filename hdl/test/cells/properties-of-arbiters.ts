import fc from 'fast-check';
import { expect } from 'vitest';
import { type Property, property } from './property.ts';
import { packets, type StreamPorts, send, stalls, type Traffic, type Word, words } from './traffic.ts';

/** Which input's word goes next, as a pure function of what is known: who has a word, and what went before. */
interface Policy {
  /** @returns the input that is granted. `waiting`: inputs with a word; `history`: the inputs granted so far, the latest last, with their words. */
  choose(waiting: readonly number[], history: readonly Granted[]): number;
}
interface Granted {
  readonly input: number;
  readonly word: Word;
}

const lowestAfter = (waiting: readonly number[], last: number) => waiting.find(i => i > last) ?? waiting[0] ?? -1;
const lastOf = (history: readonly Granted[]) => history.at(-1)?.input ?? -1;

const fixed: Policy = { choose: waiting => waiting[0] ?? -1 };
const roundRobin: Policy = { choose: (waiting, history) => lowestAfter(waiting, lastOf(history)) };

/** An input goes on as long as it has a word and its turn, which began when it was granted after another or after a full turn, is not over. */
function weighted(weights: readonly number[]): Policy {
  return {
    choose(waiting, history) {
      const last = lastOf(history);
      let turn = 0;
      for (let i = history.length - 1; i >= 0 && history[i]?.input === last; i--) turn++;
      const stays = waiting.includes(last) && turn % (weights[last] ?? 1) !== 0;
      return stays ? last : lowestAfter(waiting, last);
    },
  };
}

/** Round robin between packets; inside one its input keeps the grant, with or without a word. */
const byPacket: Policy = {
  choose(waiting, history) {
    const latest = history.at(-1);
    if (latest && latest.word.last === 0) return waiting.includes(latest.input) ? latest.input : -1;
    return lowestAfter(waiting, lastOf(history));
  },
};

function follows(
  example: string,
  holds: string,
  fields: readonly string[],
  list: fc.Arbitrary<Word[]>,
  policy: Policy,
): Property {
  const stream = (name: string): StreamPorts => ({ name, fields });
  const inputs = [0, 1, 2].map(i => stream(`in_${i}`));
  const any: fc.Arbitrary<Traffic> = fc.record({
    words: fc.tuple(list, list, list),
    offers: fc.tuple(stalls, stalls, stalls),
    accepts: fc.tuple(stalls),
  });
  return property(example, holds, any, (bench, given) => {
    const history: Granted[] = [];
    const next = [0, 0, 0];
    let waits: number | undefined;
    const total = given.words.reduce((sum, { length }) => sum + length, 0);
    send(bench, given, {
      inputs,
      outputs: [stream('out')],
      expected: [total],
      observe: ({ cycle, offered, taken, valid, ready, out }) => {
        const waiting = [0, 1, 2].filter(i => offered[i]);
        const granted = waits ?? policy.choose(waiting, history);
        expect(valid[0], `valid in cycle ${cycle}`).toBe(granted >= 0);
        expect(taken, `taken in cycle ${cycle}`).toEqual([0, 1, 2].map(i => i === granted && ready[0] === true));
        if (granted < 0) return;
        const word = given.words[granted]?.[next[granted] ?? 0] ?? {};
        expect(out[0], `from input ${granted} in cycle ${cycle}`).toEqual(word);
        waits = ready[0] ? undefined : granted;
        if (!ready[0]) return;
        history.push({ input: granted, word });
        next[granted] = (next[granted] ?? 0) + 1;
      },
    });
  });
}

const bytes = words({ payload: 8 }, 20);

export const arbiterProperties: readonly Property[] = [
  follows('priority_arbiter', 'the lowest input goes first', ['payload'], bytes, fixed),
  follows('round_robin_arbiter', 'inputs take turns', ['payload'], bytes, roundRobin),
  follows('weighted_arbiter', 'an input sends as many words in its turn as its weight', ['payload'], bytes, weighted([3, 1, 2])),
  follows('packet_arbiter', 'inputs take turns packet by packet', ['data', 'last'], packets({ data: 8 }, 4), byPacket),
];
