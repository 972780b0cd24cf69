/** Bits of a field the wrong way round. */
import { registerMap } from '../../../src/index.ts';

registerMap({
  name: 'dma',
  doc: '',
  bytes: 16,
  registers: { control: { offset: 0, doc: '', fields: { start: { bits: [0, 3], access: 'rw', doc: '' } } } },
});
