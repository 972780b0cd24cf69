import type { Mutant } from '../mutant.ts';

/** Bugs in what endpoint and switch share: TLP headers, and the counters on links. */
export const commonMutants: readonly Mutant[] = [
  {
    name: 'byte-count-counts-disabled-bytes',
    area: 'switch',
    rules: ['C55'],
    file: 'rtl/src/tlp/byte-count.ts',
    text: 'mux(enables.bit(2), u(2, 1)',
    replacement: 'mux(enables.bit(2), u(2, 0)',
    tests: ['firmware/test/fabric.test.ts'],
  },
  {
    name: 'length-of-1024-dwords-is-none',
    area: 'endpoint',
    rules: [],
    file: 'rtl/src/tlp/tlp.ts',
    text: 'cat(h.length.any().not(), h.length)',
    replacement: 'h.length.zext(11)',
    tests: ['rtl/test/link-counters-sizes.test.ts', 'rtl/test/link-packets.test.ts'],
  },
  {
    name: 'address-size-swapped',
    area: 'endpoint',
    rules: ['C7'],
    file: 'rtl/src/tlp/tlp.ts',
    text: 'mux(address.part(32, 32).any(), u(3, data',
    replacement: 'mux(address.part(32, 32).any().not(), u(3, data',
    tests: ['rtl/test/dma-write.test.ts', 'rtl/test/dma-read.test.ts'],
  },
  {
    name: 'monitor-forgets-4-kib',
    area: 'switch',
    rules: [],
    file: 'rtl/src/link/link-counters.ts',
    text: 'cat(byte_count.any().not(), byte_count).as(13)',
    replacement: 'byte_count.zext(13)',
    tests: ['rtl/test/link-counters-sizes.test.ts'],
  },
  {
    name: 'monitor-counts-the-limit-in',
    area: 'switch',
    rules: [],
    file: 'rtl/src/link/link-counters.ts',
    text: 'address.ge(base).and(address.lt(limit))',
    replacement: 'address.ge(base).and(address.le(limit))',
    tests: ['rtl/test/link-counters.test.ts'],
  },
];
