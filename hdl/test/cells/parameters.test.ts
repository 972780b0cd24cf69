import { expect, test } from 'vitest';
import {
  AsyncFifo,
  Bundle,
  bool,
  Downsizer,
  elaborate,
  Fifo,
  HdlError,
  type Module,
  PacketFifo,
  PacketUpsizer,
  ResetSynchroniser,
  RoundRobinArbiter,
  ShowAheadFifo,
  SimpleDualPortRam,
  Synchroniser,
  Upsizer,
  uint,
} from '../../src/index.ts';

const type = uint(8);
class Packet extends Bundle({ data: uint(8), last: bool }) {}

test.each<readonly [what: string, make: () => Module<never>, message: string]>([
  ['Fifo', () => new Fifo({ type, depth: 6 }), "a Fifo's depth is a power of two of at least 2, not 6"],
  [
    'ShowAheadFifo',
    () => new ShowAheadFifo({ type, depth: 1 }),
    "a ShowAheadFifo's depth is a whole number of at least 2, not 1",
  ],
  ['PacketFifo', () => new PacketFifo({ type: Packet, depth: 1 }), "a PacketFifo's depth is a power of two of at least 2, not 1"],
  ['AsyncFifo', () => new AsyncFifo({ type, depth: 12 }), "an AsyncFifo's depth is a power of two of at least 2, not 12"],
  ['stages', () => new AsyncFifo({ type, depth: 8, stages: 1 }), 'the number of stages is a whole number of at least 2, not 1'],
  [
    'Synchroniser',
    () => new Synchroniser({ width: 1, stages: 1 }),
    'the number of stages is a whole number of at least 2, not 1',
  ],
  [
    'ResetSynchroniser',
    () => new ResetSynchroniser({ stages: 0 }),
    'the number of stages is a whole number of at least 2, not 0',
  ],
  ['Upsizer', () => new Upsizer({ width: 8, ratio: 1 }), 'the ratio of widths is a whole number of at least 2, not 1'],
  ['Downsizer', () => new Downsizer({ width: 8, ratio: 1.5 }), 'the ratio of widths is a whole number of at least 2, not 1.5'],
  ['lanes of packets', () => new PacketUpsizer({ width: 8, lanes: 3, ratio: 2 }), '3 lanes do not divide a word of 8 bits'],
  ['number of weights', () => new RoundRobinArbiter({ type, n: 2, weights: [1, 2, 3] }), '3 weights are given for 2 inputs'],
  ['a weight', () => new RoundRobinArbiter({ type, n: 2, weights: [2, 0] }), 'a weight is a whole number of at least 1, not 0'],
  ['lanes of a RAM', () => new SimpleDualPortRam({ type, depth: 4, lane: 16 }), '0.5 lanes do not divide a word of 8 bits'],
])('%s: a wrong parameter is refused where the cell is made', (_, make, message) => {
  const error = refused(make);
  expect(error.message).toContain(message);
  expect(error.message).toMatch(/parameters\.test\.ts:\d+/);
});

function refused(make: () => Module<never>): Error {
  try {
    elaborate(make);
  } catch (error) {
    if (error instanceof HdlError) return error;
  }
  throw new Error('it was not refused');
}
