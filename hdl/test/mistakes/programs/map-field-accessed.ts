/** A field has the name by which hardware hears of an access. */
import { registerMap } from '../../../src/index.ts';

registerMap({
  name: 'dma',
  doc: '',
  bytes: 16,
  registers: { control: { offset: 0, doc: '', notify: 'write', fields: { accessed: { bits: 0, access: 'rw', doc: '' } } } },
});
