import { setFlagsFromString } from 'node:v8';

/**
 * Bytes of byte code that a function runs between two looks at whether it is worth optimising; V8's own is 135168. Describing, checking and compiling
 * a design takes hundreds of functions, most of them for a few milliseconds: V8 would spend on optimising them as much time as they take. What runs
 * for seconds is optimised all the same, a moment later.
 */
const interruptBudget = 1_000_000;

/** Has V8 wait longer before it optimises a function, in this process: for programs that describe a design and then run it. */
export function optimiseLate(): void {
  setFlagsFromString(`--interrupt-budget=${interruptBudget}`);
}
