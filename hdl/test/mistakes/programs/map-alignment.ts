/** A register between two words. */
import { registerMap } from '../../../src/index.ts';

registerMap({ name: 'dma', doc: '', bytes: 16, registers: { control: { offset: 2, doc: '', fields: {} } } });
