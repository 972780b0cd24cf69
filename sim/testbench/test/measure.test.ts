import { expect, test } from 'vitest';
import type { DirectionSnapshot } from '../src/links.ts';
import { dataLatency, gigabytesPerSecond, linkLimit, measureDirection } from '../src/measure.ts';

const nothing: DirectionSnapshot = {
  posted: 0,
  non_posted: 0,
  completions: 0,
  beats: 0,
  data_bytes: 0,
  data_beats: 0,
  other_bytes: 0,
  first_cycle: 0,
  first_data_cycle: 0,
  last_data_cycle: 0,
};
const clockHz = 250e6;

test('a full beat of 256 bits in every cycle of 250 MHz is 8 GB/s', () => {
  expect(linkLimit({ clockHz, width: 256 })).toBe(8);
  const full = { ...nothing, data_beats: 100, data_bytes: 3200, first_data_cycle: 1000, last_data_cycle: 1099 };
  expect(measureDirection(full, clockHz)).toEqual({ busyCycles: 100, busySeconds: 400e-9, gbps: 8, share: 1 });
});

test('gaps count against the share, short beats only against the rate', () => {
  const gaps = { ...nothing, data_beats: 50, data_bytes: 800, first_data_cycle: 0, last_data_cycle: 99 };
  expect(measureDirection(gaps, clockHz)).toEqual({ busyCycles: 100, busySeconds: 400e-9, gbps: 2, share: 0.5 });
});

test('a link without user data has no rate and no latency', () => {
  expect(measureDirection({ ...nothing, beats: 7, first_cycle: 3 }, clockHz)).toEqual({
    busyCycles: 0,
    busySeconds: 0,
    gbps: 0,
    share: 0,
  });
  expect(dataLatency(nothing, { ...nothing, data_beats: 1, first_data_cycle: 9 })).toBeUndefined();
  expect(dataLatency({ ...nothing, data_beats: 1, first_data_cycle: 9 }, nothing)).toBeUndefined();
  expect(
    dataLatency({ ...nothing, data_beats: 1, first_data_cycle: 5 }, { ...nothing, data_beats: 1, first_data_cycle: 12 }),
  ).toBe(7);
});

test('no time is no rate, and a clock that stands is an error', () => {
  expect(gigabytesPerSecond(100, 0, clockHz)).toBe(0);
  expect(() => gigabytesPerSecond(1, 1, 0)).toThrow(RangeError);
  expect(() => gigabytesPerSecond(1, 1, Number.NaN)).toThrow(RangeError);
});
