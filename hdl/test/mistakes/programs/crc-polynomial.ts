/** A polynomial with its highest term. */
import { crcNext, crcs, u } from '../../../src/index.ts';

const spec = { ...crcs.crc8, polynomial: 0x107n };
console.log(crcNext(spec, u(8, 0), u(8, 1)));
