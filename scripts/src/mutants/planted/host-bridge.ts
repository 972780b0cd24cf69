import type { Mutant } from '../mutant.ts';

const src = 'rtl/src/host';
const area = 'host';
const tests = ['rtl/test/host-bridge.test.ts'];

/** Bugs in what a host bridge does with requests of devices. */
export const hostBridgeMutants: readonly Mutant[] = [
  {
    name: 'bridge-forwards-reads-like-writes',
    area,
    rules: ['C39'],
    file: `${src}/host-bridge.ts`,
    text: 'to_windows, this.forwards_non_posted)',
    replacement: 'to_windows, this.forwards_posted)',
    tests,
  },
  {
    name: 'bridge-loses-the-last-bus',
    area,
    rules: ['C39'],
    file: `${src}/host-bridge.ts`,
    text: 'bus.le(subordinate)',
    replacement: 'bus.lt(subordinate)',
    tests,
  },
  {
    name: 'bridge-window-ends-early',
    area,
    rules: ['C39'],
    file: `${src}/host-bridge.ts`,
    text: 'page.le(limit)',
    replacement: 'page.lt(limit)',
    tests,
  },
  {
    name: 'split-piece-at-the-wrong-address',
    area,
    rules: ['C39'],
    file: `${src}/write-splitter.ts`,
    text: 'ahead.zext(64).shl(2)',
    replacement: 'ahead.zext(64).shl(3)',
    tests,
  },
  {
    name: 'split-piece-of-one-dword-has-two-enables',
    area,
    rules: ['C39'],
    file: `${src}/write-splitter.ts`,
    text: 'mux(alone, u(4, 0), header.last_be)',
    replacement: 'header.last_be',
    tests,
  },
  {
    name: 'bridge-lets-requests-pass-writes',
    area,
    rules: ['C60', 'C61'],
    file: `${src}/order-gate.ts`,
    text: 'seen.and(ahead.any().not())',
    replacement: 'seen',
    tests,
  },
  {
    name: 'iommu-writes-where-only-reads-are-allowed',
    area,
    rules: ['M2-8'],
    file: `${src}/translation-pipe.ts`,
    text: 'hasData(header).not().or(page.write)',
    replacement: 'hasData(header).not().or(page.write).or(page.read)',
    tests,
  },
  {
    name: 'iommu-translates-what-is-translated',
    area,
    rules: ['C79'],
    file: `${src}/translation-pipe.ts`,
    text: 'is(IommuMode.translated), already.not()])',
    replacement: 'is(IommuMode.translated)])',
    tests,
  },
  {
    name: 'iommu-forgets-the-aperture',
    area,
    rules: ['M2-9'],
    file: `${src}/translation-pipe.ts`,
    text: 'const mapped = inside.and(page.read.or(page.write));',
    replacement: 'const mapped = page.read.or(page.write);',
    tests,
  },
  {
    name: 'iommu-tells-every-beat',
    area,
    rules: ['M2-8'],
    file: `${src}/translation-pipe.ts`,
    text: 'last.and(third.first).and(this.refused)',
    replacement: 'last.and(this.refused)',
    tests,
  },
];
