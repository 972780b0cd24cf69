/** A width below 0, from parameters. */
import { minus, uint } from '../../../src/index.ts';

const header = 128 as number;
console.log(uint(minus(64, header)));
