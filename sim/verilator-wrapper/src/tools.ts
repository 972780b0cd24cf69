/** What other packages that compile and load code use of this one: the project's cache, tasks, and the compiler. */
export { inCache, once } from './cache.ts';
export { VerilatorError } from './errors.ts';
export { processor } from './key.ts';
export { run, runBlocking, runInBackground, type Task } from './task.ts';
export { lastLines } from './text.ts';
export { findCompiler } from './toolchain.ts';
