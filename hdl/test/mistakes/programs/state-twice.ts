/** A state that stands twice. */
import { states } from '../../../src/index.ts';

const Phase = states('Idle', 'Run', 'Idle');
console.log(Phase);
