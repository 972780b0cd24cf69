import fc from 'fast-check';
import { expect } from 'vitest';
import { listProperty, type Property, property } from './property.ts';
import { number, type StreamPorts, send, stalls, traffic, type Word, words } from './traffic.ts';

const plain = (name: string): StreamPorts => ({ name, fields: ['payload'] });
const packet = (name: string): StreamPorts => ({ name, fields: ['data', 'last'] });
const kept = (name: string): StreamPorts => ({ name, fields: ['data', 'keep', 'last'] });
const bytes = words({ payload: 8 });
const one = { inputs: [plain('in')], outputs: [plain('out')] };
const outs = [0, 1, 2].map(i => plain(`out_${i}`));
const ins = [0, 1, 2].map(i => plain(`in_${i}`));
const list = (words: readonly (readonly Word[])[], i = 0) => [...(words[i] ?? [])];

const keepsOrder = [
  'fifo',
  'fifo_2',
  'show_ahead_fifo',
  'show_ahead_fifo_8',
  'show_ahead_fifo_2',
  'forward_register',
  'skid_buffer',
  'half_register',
  'register_slice',
].map(name => listProperty(name, 'every word leaves once, in order', traffic([bytes], 1), one, sent => [list(sent)]));

const forks = ['eager_fork', 'lazy_fork'].map(name =>
  listProperty(
    name,
    'every output gets every word, in order',
    traffic([bytes], 3),
    { inputs: [plain('in')], outputs: outs, readyStays: name === 'lazy_fork' },
    sent => outs.map(() => list(sent)),
  ),
);

const lazyTogether = property('lazy_fork', 'all outputs take a word in one cycle', traffic([bytes], 3), (bench, given) => {
  const expected = outs.map(() => given.words[0]?.length ?? 0);
  send(bench, given, {
    inputs: [plain('in')],
    outputs: outs,
    expected,
    readyStays: true,
    observe: ({ valid, ready, cycle }) => {
      const fires = valid.map((v, i) => v && ready[i]);
      expect(new Set(fires).size, `cycle ${cycle}`).toBe(1);
    },
  });
});

/** Counts the ports that a number of 2 bits can name: beyond the last stream stands the last. */
const named = (select: number) => Math.min(select, 2);

const demux = listProperty(
  'stream_demux',
  'every word leaves at the output that it names',
  traffic([words({ payload: 8, select: 2 })], 3),
  { inputs: [{ name: 'in', fields: ['payload', 'select'], beside: ['select'] }], outputs: outs },
  sent => [0, 1, 2].map(i => list(sent).flatMap(({ payload = 0, select = 0 }) => (named(select) === i ? [{ payload }] : []))),
);

/** A list of selections, and as many words for each input as it names that input: then all words can leave. */
const selected = fc.array(fc.tuple(number(2), number(8)), { maxLength: 40 }).chain(order =>
  fc.record({
    order: fc.constant(order),
    offers: fc.tuple(stalls, stalls, stalls),
    accepts: fc.tuple(stalls),
  }),
);

const mux = property(
  'stream_mux',
  'the words leave in the order in which the selection asks for them',
  selected,
  (bench, given) => {
    const { order, offers, accepts } = given;
    const sent = ins.map((_, i) => order.filter(([select]) => named(select) === i).map(([, payload]) => ({ payload })));
    const [received] = send(
      bench,
      { words: sent, offers, accepts },
      {
        inputs: ins,
        outputs: [plain('out')],
        expected: [order.length],
        drive: (ports, [done = 0]) => ports.set('select', order[done]?.[0] ?? 0),
      },
    );
    expect(received).toEqual(order.map(([, payload]) => ({ payload })));
  },
);

const join = property(
  'stream_join',
  'words leave in pairs, in order',
  fc
    .array(fc.tuple(number(8), number(4)), { maxLength: 40 })
    .chain(pairs => fc.record({ pairs: fc.constant(pairs), offers: fc.tuple(stalls, stalls), accepts: fc.tuple(stalls) })),
  (bench, { pairs, offers, accepts }) => {
    const sent = [pairs.map(([payload]) => ({ payload })), pairs.map(([, payload]) => ({ payload }))];
    const [received] = send(
      bench,
      { words: sent, offers, accepts },
      {
        inputs: [plain('in_a'), plain('in_b')],
        outputs: [{ name: 'out', fields: ['a', 'b'] }],
        expected: [pairs.length],
      },
    );
    expect(received).toEqual(pairs.map(([a, b]) => ({ a, b })));
  },
);

/** The list in groups of n, the first as the lowest digits. */
function grouped(parts: readonly number[], n: number, bits: number): number[] {
  const groups = Array.from({ length: Math.floor(parts.length / n) }, (_, i) => parts.slice(i * n, (i + 1) * n));
  return groups.map(group => joined(group, bits));
}
const joined = (parts: readonly number[], bits: number) => parts.reduceRight((high, part) => high * 2 ** bits + part, 0);
const payloads = (list: readonly Word[]) => list.map(({ payload = 0 }) => payload);

const widths = [
  ['', 4],
  ['_3', 3],
] as const;

const plainAdapters = widths.flatMap(([suffix, ratio]) => [
  listProperty(`upsizer${suffix}`, 'parts come out side by side', traffic([bytes], 1), one, sent => [
    grouped(payloads(list(sent)), ratio, 8).map(payload => ({ payload })),
  ]),
  listProperty(
    `downsizer${suffix}`,
    'a word comes out part by part',
    traffic([words({ payload: 8 * ratio }, 12)], 1),
    one,
    sent => [
      payloads(list(sent)).flatMap(word =>
        Array.from({ length: ratio }, (_, i) => ({ payload: Math.floor(word / 2 ** (8 * i)) % 256 })),
      ),
    ],
  ),
]);

/** A packet as the list of its lanes' values, of 4 bits each. */
const anyPackets = fc.array(fc.array(number(4), { minLength: 1, maxLength: 20 }), { maxLength: 8 });

/** Packets as words of `lanes` lanes; lanes beyond the end carry 0. */
function wordsOf(packets: readonly (readonly number[])[], lanes: number): Word[] {
  return packets.flatMap(packet =>
    Array.from({ length: Math.ceil(packet.length / lanes) }, (_, i) => {
      const part = packet.slice(i * lanes, (i + 1) * lanes);
      return { data: joined(part, 4), keep: 2 ** part.length - 1, last: (i + 1) * lanes >= packet.length ? 1 : 0 };
    }),
  );
}

/** The same words with what does not count set to 0. */
const cleaned = (list: readonly Word[]) =>
  list.map(({ data = 0, keep = 0, last = 0 }) => {
    const lanes = Math.log2(keep + 1);
    return { data: data % 16 ** lanes, keep, last };
  });

const packetAdapters = widths.flatMap(([suffix, ratio]) =>
  (
    [
      [`packet_upsizer${suffix}`, 2, 2 * ratio],
      [`packet_downsizer${suffix}`, 2 * ratio, 2],
    ] as const
  ).map(([name, from, to]) =>
    property(
      name,
      'packets keep what they carry, and each begins a word',
      fc.record({ sent: anyPackets, offers: fc.tuple(stalls), accepts: fc.tuple(stalls) }),
      (bench, { sent, offers, accepts }) => {
        const expected = wordsOf(sent, to);
        const run = { inputs: [kept('in')], outputs: [kept('out')], expected: [expected.length] };
        const [received = []] = send(bench, { words: [wordsOf(sent, from)], offers, accepts }, run);
        expect(cleaned(received)).toEqual(expected);
      },
    ),
  ),
);

const packetFifos = (
  [
    ['packet_fifo', 8],
    ['packet_fifo_2', 2],
  ] as const
).map(([name, depth]) =>
  property(
    name,
    'packets leave whole and in order; those that are discarded or too long leave no word, and are counted',
    fc.record({
      sent: fc.array(fc.tuple(fc.array(number(8), { minLength: 1, maxLength: depth + 2 }), fc.boolean()), { maxLength: 12 }),
      noise: fc.boolean(),
      offers: fc.tuple(stalls),
      accepts: fc.tuple(stalls),
    }),
    (bench, { sent, noise, offers, accepts }) => {
      const input = sent.flatMap(([parts, discard]) =>
        parts.map((data, i) => {
          const last = i === parts.length - 1;
          return { data, last: last ? 1 : 0, discard: (last ? discard : noise) ? 1 : 0 };
        }),
      );
      const stays = sent.filter(([parts, discard]) => !discard && parts.length <= depth);
      const expected = stays.flatMap(([parts]) => parts.map((data, i) => ({ data, last: i === parts.length - 1 ? 1 : 0 })));
      let dropped = 0;
      const [received] = send(
        bench,
        { words: [input], offers, accepts },
        {
          inputs: [{ name: 'in', fields: ['data', 'last', 'discard'], beside: ['discard'] }],
          outputs: [packet('out')],
          expected: [expected.length],
          observe: () => {
            dropped += Number(bench.get('dropped'));
          },
        },
      );
      expect(received).toEqual(expected);
      expect(dropped).toBe(sent.length - stays.length);
    },
  ),
);

export const streamProperties: readonly Property[] = [
  ...keepsOrder,
  ...packetFifos,
  ...forks,
  lazyTogether,
  demux,
  mux,
  join,
  ...plainAdapters,
  ...packetAdapters,
];
