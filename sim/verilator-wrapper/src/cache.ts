import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { threadId } from 'node:worker_threads';
import { pause, type Task } from './task.ts';

/** Where tools and compiled models are kept: the environment's `P2P_CACHE`, or `.cache` at the root of the project. Deleting it costs time only. */
export function cacheFolder(): string {
  return resolve(process.env.P2P_CACHE || fileURLToPath(new URL('../../../.cache', import.meta.url)));
}

/** A file or folder of the cache. */
export const inCache = (...path: readonly string[]): string => join(cacheFolder(), ...path);

let staged = 0;

/** A name beside `home` that nobody else uses at the same time, neither another process nor another thread. */
export const stagingOf = (home: string): string => `${home}.${process.pid}.${threadId}.${staged++}`;

/**
 * Makes the folder `home` of the cache: `make` fills a folder beside it, which then takes its name in one step, so that nobody ever sees half of it.
 * One process makes it while others wait; if two do after all (see `lock`), one result stands. Nothing happens if `exists` says that it is there.
 */
export function* once(home: string, exists: () => boolean, make: (staging: string) => Task<void>): Task<void> {
  if (exists()) return;
  mkdirSync(dirname(home), { recursive: true });
  const release = yield* lock(`${home}.lock`);
  const staging = stagingOf(home);
  try {
    if (exists()) return;
    rmSync(staging, { recursive: true, force: true });
    mkdirSync(staging);
    yield* make(staging);
    if (exists()) return;
    rmSync(home, { recursive: true, force: true });
    renameSync(staging, home);
  } finally {
    rmSync(staging, { recursive: true, force: true });
    release();
  }
}

/**
 * Waits until no other process holds the lock, a file with its holder's process number, and takes it. A holder that lives no more is ignored, and so
 * is this very process where waiting would keep it from ever letting go. @returns what lets go.
 */
function* lock(file: string): Task<() => void> {
  for (;;) {
    try {
      writeFileSync(file, `${process.pid}`, { flag: 'wx' });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
    const holder = holderOf(file);
    if (holder !== undefined && !alive(holder)) rmSync(file, { force: true });
    else if ((yield* pause(50)).blocking && holder === process.pid) return () => {};
  }
}

/** Undefined if the lock has just been let go, or taken and not yet signed. */
function holderOf(file: string): number | undefined {
  try {
    return Number(readFileSync(file, 'utf8')) || undefined;
  } catch {
    return undefined;
  }
}

function alive(processNumber: number): boolean {
  try {
    process.kill(processNumber, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
