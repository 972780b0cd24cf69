/** A width that no taps are known for. */
import { maximalTaps } from '../../../src/index.ts';

console.log(maximalTaps(77));
