import type { Mutant } from '../mutant.ts';

const area = 'endpoint' as const;
const endpoint = 'rtl/src/endpoint';
const tests = ['scripts/test/soak.test.ts'];

/** Bugs that show where blocks meet, limits differ or streams stand still at the wrong moment: what random traffic on the whole is for. */
export const soakMutants: readonly Mutant[] = [
  {
    name: 'payload-limit-of-function-0-for-all',
    area,
    rules: ['C4'],
    file: `${endpoint}/receive/receive-side.ts`,
    text: 'this.mps.set(this.controls.map(c => c.mps).reduce<UInt<3>>((a, b) => mux(a.gt(b), a, b), u(3, 0)));',
    replacement: 'this.mps.set(this.controls.map(c => c.mps).reduce<UInt<3>>((a, b) => mux(a.gt(b), a, a), u(3, 0)));',
    tests,
  },
  {
    name: 'reorder-buffer-overbooked',
    area,
    rules: ['C70f'],
    file: `${endpoint}/dma/read-requester.ts`,
    text: 'this.used.le(depth - largest)',
    replacement: 'this.used.le(depth - 1)',
    tests,
  },
  {
    name: 'read-back-overtakes-its-writes',
    area,
    rules: ['C60', 'C63'],
    file: 'rtl/src/link/transmit-queue.ts',
    text: 'when(advance, () => head.ordered.set(waits(next.stamp).not()))',
    replacement: 'when(advance, () => head.ordered.set(1))',
    tests,
  },
  {
    name: 'atomic-lock-ends-a-cycle-early',
    area,
    rules: ['C98'],
    file: `${endpoint}/receive/atomic-unit.ts`,
    text: 'this.lock.set(this.locked);',
    replacement: 'this.lock.set(this.locked.and(writing.not()));',
    tests,
  },
  {
    name: 'credits-lost-in-the-cycle-of-an-update',
    area,
    rules: ['C70d'],
    file: 'rtl/src/link/credit-allocator.ts',
    text: 'data_freed.set(data_freed.sub(data_granted).add(freed_data));',
    replacement: 'data_freed.set(mux(take, u(this.data_bits, 0), data_freed.add(freed_data)));',
    tests,
  },
];
