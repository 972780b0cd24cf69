/** An enumeration without states. */
import { states } from '../../../src/index.ts';

const Phase = (states as (...names: string[]) => unknown)();
console.log(Phase);
