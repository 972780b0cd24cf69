import type { Mutant } from '../mutant.ts';

const area = 'host' as const;
const rdma = 'firmware/device/src/rdma';
const requester = `${rdma}/requester.ts`;
const acknowledgements = ['firmware/test/rdma-acknowledgements.test.ts'];

/** Bugs in the firmware of drives and network cards. */
export const deviceMutants: readonly Mutant[] = [
  {
    name: 'nvme-data-is-not-flushed-before-its-completion',
    area,
    rules: ['C63'],
    file: 'firmware/device/src/nvme/ways.ts',
    text: 'flush: !flushed.has(way)',
    replacement: 'flush: false',
    tests: ['firmware/test/nvme-read-back.test.ts'],
  },
  {
    name: 'nvme-data-is-not-flushed-on-the-link',
    area,
    rules: ['C63'],
    file: 'firmware/device/src/endpoint/endpoint-engine.ts',
    text: 'flush ? start | flushing : start',
    replacement: 'start',
    tests: ['firmware/test/nvme-read-back.test.ts'],
  },
  {
    name: 'rdma-events-overrun-their-ring',
    area,
    rules: [],
    file: `${rdma}/event-queue.ts`,
    text: 'ring && this.produced - this.taken < ring.entries;',
    replacement: 'ring;',
    tests: ['firmware/test/rdma-events.test.ts'],
  },
  {
    name: 'rdma-acknowledgement-of-what-was-not-sent-counts',
    area,
    rules: [],
    file: requester,
    text: ' || psnDistance(psn, this.sentPsn) >= 0) return;\n    if (said.kind',
    replacement: ') return;\n    if (said.kind',
    tests: acknowledgements,
  },
  {
    name: 'rdma-read-response-acknowledges-nothing',
    area,
    rules: [],
    file: requester,
    text: '    this.acknowledged(psnAfter(psn, -1));\n    if (!this.fits',
    replacement: '    if (!this.fits',
    tests: acknowledgements,
  },
  {
    name: 'rdma-interrupt-for-an-entry-that-was-taken-uses-up-the-request',
    area,
    rules: [],
    file: `${rdma}/completion-queue.ts`,
    text: '    if (this.written <= this.taken) return;\n',
    replacement: '',
    tests: ['firmware/test/rdma-interrupts.test.ts'],
  },
];
