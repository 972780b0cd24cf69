/** The status bundle of a map without status. */
import { registerMap, statusOf } from '../../../src/index.ts';

const map = registerMap({
  name: 'dma',
  doc: '',
  bytes: 16,
  registers: { control: { offset: 0, doc: '', fields: { start: { bits: 0, access: 'rw', doc: '' } } } },
});
console.log(statusOf(map));
