/** A register with a name that is none of hardware. */
import { registerMap } from '../../../src/index.ts';

registerMap({ name: 'dma', doc: '', bytes: 16, registers: { ControlRegister: { offset: 0, doc: '', fields: {} } } });
