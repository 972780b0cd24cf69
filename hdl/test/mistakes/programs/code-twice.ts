/** Two states of one code. */
import { states } from '../../../src/index.ts';

const Phase = states.coded({ Idle: 0, Run: 1, Stop: 1 });
console.log(Phase);
