import { expect, test } from 'vitest';
import {
  AsyncFifo,
  Bundle,
  bool,
  Downsizer,
  elaborate,
  Fifo,
  HdlError,
  Module,
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

const cases: readonly (readonly [what: string, make: () => unknown, message: string])[] = [
  ['Fifo', () => new Fifo({ type, depth: 6 }), 'the depth of Fifo is a power of two of at least 2, not 6'],
  [
    'ShowAheadFifo',
    () => new ShowAheadFifo({ type, depth: 1 }),
    'the depth of ShowAheadFifo is a whole number of at least 2, not 1',
  ],
  [
    'PacketFifo',
    () => new PacketFifo({ type: Packet, depth: 1 }),
    'the depth of PacketFifo is a power of two of at least 2, not 1',
  ],
  ['AsyncFifo', () => new AsyncFifo({ type, depth: 12 }), 'the depth of AsyncFifo is a power of two of at least 2, not 12'],
  [
    'Synchroniser',
    () => new Synchroniser({ width: 1, stages: 1 }),
    'the number of stages of Synchroniser is a whole number of at least 2, not 1',
  ],
  [
    'ResetSynchroniser',
    () => new ResetSynchroniser({ stages: 0 }),
    'the number of stages of ResetSynchroniser is a whole number of at least 2, not 0',
  ],
  ['Upsizer', () => new Upsizer({ width: 8, ratio: 1 }), 'the ratio of Upsizer is a whole number of at least 2, not 1'],
  ['Downsizer', () => new Downsizer({ width: 8, ratio: 1.5 }), 'the ratio of Downsizer is a whole number of at least 2, not 1.5'],
  ['lanes of packets', () => new PacketUpsizer({ width: 8, lanes: 3, ratio: 2 }), '3 lanes do not divide a word of 8 bits'],
  ['number of weights', () => new RoundRobinArbiter({ type, n: 2, weights: [1, 2, 3] }), '3 weights are given for 2 inputs'],
  [
    'a weight',
    () => new RoundRobinArbiter({ type, n: 2, weights: [2, 0] }),
    'a weight of RoundRobinArbiter is a whole number of at least 1, not 0',
  ],
  ['lanes of a RAM', () => new SimpleDualPortRam({ type, depth: 4, lane: 16 }), '0.5 lanes do not divide a word of 8 bits'],
];

/** The cell as a field, as most are. */
class Owner extends Module<{ make: () => unknown }> {
  readonly cell = this.p.make();
  protected override logic() {}
}

test.each(cases)('%s: a wrong parameter is refused where the cell is made', (_, make, message) => {
  const error = refused(() => new Owner({ make }));
  expect(error.message).toContain(message);
  expect(error.message).toMatch(/parameters\.test\.ts:\d+/);
});

function refused(make: () => Owner): Error {
  try {
    elaborate(make);
  } catch (error) {
    if (error instanceof HdlError) return error;
  }
  throw new Error('it was not refused');
}
