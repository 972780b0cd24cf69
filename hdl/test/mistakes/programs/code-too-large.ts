/** A code that does not fit. */
import { states } from '../../../src/index.ts';

const Phase = states.coded({ Idle: 0, Run: 9 }, 3);
console.log(Phase);
