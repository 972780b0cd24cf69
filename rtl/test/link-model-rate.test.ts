import { describe, expect, test } from 'vitest';
import { elaborate } from '../../hdl/src/index.ts';
import { Random } from '../../hdl/test/random.ts';
import { LinkModel, type LinkModelParams } from '../src/link/model/link-model.ts';
import { type LinkKind, linkRate, linkRates, type MaxPayload, tlpBytes, tlpRate } from '../src/link/model/link-rate.ts';
import type { Packet } from '../src/tlp/packet.ts';
import { gen3x4, modelBench, read, write } from './link-model-bench.ts';

const payloads = [128, 256, 512, 4096] as const;

describe('payload rates of a link', () => {
  // GB/s with 3 and 4 DW of header at MPS 128, 256, 512, 4096: the published figures of the pcie-bench model.
  test.each([
    [1, 4, '0.67/0.66 0.80/0.79 0.86/0.85 0.98/0.98'],
    [3, 4, '3.07/2.99 3.37/3.32 3.54/3.51 3.85/3.85'],
    [3, 8, '6.13/5.96 6.71/6.62 6.89/6.84 7.62/7.61'],
    [3, 16, '12.08/11.76 13.18/12.99 13.79/13.69 15.24/15.22'],
    [4, 4, '6.15/5.99 6.74/6.64 7.08/7.02 7.71/7.70'],
    [4, 8, '12.25/11.93 13.42/13.23 13.79/13.69 15.24/15.22'],
    [4, 16, '24.15/23.52 26.37/25.99 27.58/27.37 30.48/30.45'],
    [5, 4, '12.30/11.98 13.48/13.29 14.15/14.05 15.42/15.40'],
    [5, 16, '48.30/47.03 52.73/51.98 55.16/54.75 60.95/60.89'],
  ] as const)('generation %i x%i', (generation, lanes, expected) => {
    const rate = (max_payload: MaxPayload, header_dwords: 3 | 4) =>
      (linkRate({ generation, lanes, max_payload, payload: max_payload, header_dwords }) / 1e9).toFixed(2);
    expect(payloads.map(p => `${rate(p, 3)}/${rate(p, 4)}`).join(' ')).toBe(expected);
  });

  test('efficiency of a TLP: header, framing and digest', () => {
    const efficiency = (payload: number, header_dwords: 3 | 4, digest = false) =>
      ((100 * payload) / tlpBytes(3, { payload, header_dwords, digest })).toFixed(2);
    expect([64, 128, 4096].map(p => [efficiency(p, 3), efficiency(p, 4), efficiency(p, 4, true)])).toEqual([
      ['76.19', '72.73', '69.57'],
      ['86.49', '84.21', '82.05'],
      ['99.51', '99.42', '99.32'],
    ]);
  });

  test('flits: 236 of 256 bytes, no framing', () => {
    const rates = linkRates({ generation: 6, lanes: 16, max_payload: 512 });
    expect(rates.raw).toBe(128e9);
    expect(rates.tlps / rates.raw).toBeCloseTo(0.9219, 4);
    expect(tlpBytes(6, { payload: 256, header_dwords: 4 })).toBe(272);
  });

  test.each([
    [{ ...gen3x4, generation: 7 }, /there is no generation 7/],
    [{ ...gen3x4, lanes: 3 }, /no 3 lanes/],
    [{ ...gen3x4, max_payload: 100 }, /128 to 4,096 bytes, not 100/],
    [{ ...gen3x4, width: 96 }, /64, 128, 256 or 512 bits, not 96/],
    [{ ...gen3x4, clock_mhz: 0 }, /more than 0 MHz/],
    [{ ...gen3x4, training_cycles: 0 }, /training_cycles is a number of cycles from 1/],
    [{ ...gen3x4, errors: { tlps: 1, updates: 0, seed: 1 } }, /at least 0 and below 1, not 1/],
    [{ ...gen3x4, errors: { tlps: 0, updates: 0, seed: 0 } }, /seed of bit errors/],
    [
      { ...gen3x4, generation: 4, lanes: 16 },
      /carries 26\.37 GB\/s of payload, and 256 bits at 250 MHz only 8\.00 GB\/s.*run the clock at 824 MHz or more/s,
    ],
    [{ ...gen3x4, width: 64 }, /only 2\.00 GB\/s.*make the beats 128 bits wide, or run the clock at 422 MHz or more/s],
  ])('what is refused: %#', (params, message) => {
    expect(() => elaborate(() => new LinkModel(params as LinkModelParams))).toThrow(message);
  });
});

/** An own reading of the formulas: bytes per second for TLPs. */
function expectedTlps({ generation, lanes, max_payload }: LinkKind): number {
  const gigatransfers = [0, 2.5, 5, 8, 16, 32, 64][generation] ?? Number.NaN;
  const raw = ((generation < 3 ? 0.8 : generation === 6 ? 1 : 128 / 130) * gigatransfers * 1e9 * lanes) / 8;
  if (generation === 6) return (raw * 236) / 256;
  const factor = { 4: max_payload < 512 ? 1.4 : 1, 8: max_payload < 512 ? 2.5 : 1, 16: max_payload < 512 ? 3 : 2 }[
    lanes as 4 | 8 | 16
  ];
  const limit = Math.floor(((max_payload + 28) * factor) / lanes + ({ 1: 19, 2: 70 }[generation as 1 | 2] ?? 115));
  return raw - (raw * 16) / limit - (raw * 4) / 1538;
}

/** Bytes of a packet on the link. */
const bytesOf = (generation: number, p: Packet): number =>
  (generation === 6 ? 0 : 8) + ((p.fmt & 1) === 0 ? 12 : 16) + p.payload.length + 4 * p.td;

/** Bytes of whole TLPs per second that the model carries, and seconds, between the arrival of the first and of the last. */
function measure(params: Partial<LinkModelParams>, packet: (serial: number) => Packet, count: number) {
  const { sim, a, b, go, until } = modelBench(params);
  using _ = sim;
  until(1);
  for (let i = 0; i < count; i++) a.source.queue.push(packet(i));
  const sent = [...a.source.queue];
  go(100_000, () => b.sink.received.length === count);
  expect(b.sink.received).toEqual(sent);
  const { generation, clock_mhz } = { ...gen3x4, ...params };
  const seconds = ((b.sink.times.at(-1) ?? 0) - (b.sink.times[0] ?? 0)) / (clock_mhz * 1e6);
  // From first beat to first beat: what was sent from behind the first packet's first beat up to the last one's.
  const bytes = sent.slice(0, -1).reduce((sum, p) => sum + bytesOf(generation, p), 0);
  return { rate: bytes / seconds, seconds };
}

const links = [
  { generation: 1, lanes: 4, width: 64, clock_mhz: 250 },
  { generation: 2, lanes: 8, width: 128, clock_mhz: 250 },
  { generation: 3, lanes: 4, width: 128, clock_mhz: 250 },
  { generation: 3, lanes: 8, width: 256, clock_mhz: 250 },
  { generation: 4, lanes: 16, width: 512, clock_mhz: 500 },
  { generation: 6, lanes: 4, width: 512, clock_mhz: 500 },
] as const;

describe('the model carries what the formulas say, within 0.5 %', () => {
  test.each(
    links.flatMap(link => ([128, 256, 512] as const).map(max_payload => ({ ...link, max_payload }))),
  )('generation $generation x$lanes, MPS $max_payload', params => {
    const expected = expectedTlps(params);
    const count = params.max_payload === 512 ? 60 : 120;
    const { rate } = measure(params, i => write(i, params.max_payload, i < count / 2 ? 3 : 4), count);
    expect(Math.abs(rate / expected - 1), `${rate} for ${expected}`).toBeLessThan(0.005);
  });

  test.each(links)('generation $generation x$lanes, reads and writes of all lengths mixed, digests too', link => {
    const random = new Random(7);
    // Short TLPs fill no beat: the stream has to be faster than the link by that.
    const params = { ...link, max_payload: 256, clock_mhz: 1.6 * link.clock_mhz } as const;
    const packet = (i: number): Packet => {
      const header = random.pick([3, 4] as const);
      if (random.chance(0.3)) return read(i, header);
      const plain = write(i, 4 * (1 + random.below(64)), header);
      return random.chance(0.5) ? plain : { ...plain, td: 1, digest: i };
    };
    const { rate } = measure(params, packet, 300);
    const expected = expectedTlps(params);
    expect(Math.abs(rate / expected - 1), `${rate} for ${expected}`).toBeLessThan(0.005);
  });

  test('reads alone: by the link, or one a cycle', () => {
    const slow = { generation: 3, lanes: 4, max_payload: 256 } as const;
    const { seconds } = measure(slow, read, 200);
    expect(199 / seconds / tlpRate({ ...slow, payload: 0, header_dwords: 4 })).toBeCloseTo(1, 2);
    const fast = { generation: 4, lanes: 16, max_payload: 256, width: 512, clock_mhz: 500 } as const;
    expect(199 / measure(fast, read, 200).seconds).toBeCloseTo(500e6, -3);
  });

  test('both directions at once, and a direction does not slow the other', () => {
    const { sim, a, b, go, until } = modelBench();
    using _ = sim;
    until(1);
    for (let i = 0; i < 200; i++) {
      a.source.queue.push(write(i, 256));
      b.source.queue.push(write(i, 256));
    }
    go(20_000, () => a.sink.received.length === 200 && b.sink.received.length === 200);
    const expected = expectedTlps(gen3x4) / 280 / 250e6;
    for (const { times } of [a.sink, b.sink]) expect(199 / ((times.at(-1) ?? 0) - (times[0] ?? 0)) / expected).toBeCloseTo(1, 2);
  });
});
