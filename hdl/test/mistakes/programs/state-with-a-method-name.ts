/** A state with the name of a property of the type. */
import { states } from '../../../src/index.ts';

const Phase = states('Idle', 'width');
console.log(Phase);
