/** A bundle field with the name of a method. */
import { Bundle, bool, uint } from '../../../src/index.ts';

class Beat extends Bundle({ data: uint(8), set: bool }) {}
console.log(Beat);
