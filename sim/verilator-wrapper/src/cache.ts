import { mkdirSync, rmdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { VerilatorError } from './errors.ts';

/** Where tools and compiled models are kept: `P2P_CACHE`, or `.cache` at the root of the project. Deleting it costs time only. */
export function cacheFolder(): string {
  return process.env.P2P_CACHE ?? fileURLToPath(new URL('../../../.cache', import.meta.url));
}

const pause = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

/** Runs `work` while no other process runs work under the same lock. A lock that nobody touched for 15 minutes is taken over. */
export function locked<R>(lock: string, work: () => R): R {
  mkdirSync(dirname(lock), { recursive: true });
  for (let waited = 0; ; waited += 100) {
    try {
      mkdirSync(lock);
      break;
    } catch {
      if (stale(lock)) rmdirSync(lock);
      else if (waited > 20 * 60_000)
        throw new VerilatorError(`waited 20 minutes for ${lock}: delete that folder if nothing is being built.`);
      else pause(100);
    }
  }
  try {
    return work();
  } finally {
    rmdirSync(lock);
  }
}

function stale(lock: string): boolean {
  try {
    return Date.now() - statSync(lock).mtimeMs > 15 * 60_000;
  } catch {
    return false;
  }
}

/** A file or folder of the cache. */
export const inCache = (...path: readonly string[]): string => join(cacheFolder(), ...path);
