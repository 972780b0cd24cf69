/** A named value that its field cannot hold. */
import { registerMap } from '../../../src/index.ts';

registerMap({
  name: 'dma',
  doc: '',
  bytes: 16,
  registers: { control: { offset: 0, doc: '', fields: { mode: { bits: 0, access: 'rw', doc: '', values: { burst: 2 } } } } },
});
