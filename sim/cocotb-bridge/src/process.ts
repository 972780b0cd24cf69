import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';

export interface Program {
  readonly file: string;
  readonly args: readonly string[];
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  /** Gets all that the program says. */
  readonly log: string;
  /** Told each line as it comes. */
  readonly onLine?: ((line: string) => void) | undefined;
}

/** Runs a program to its end. @returns its exit code, undefined if it was killed or did not start. */
export function run({ file, args, folder, env, log, onLine }: Program): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const to = createWriteStream(log, { flags: 'a' });
    for (const from of [child.stdout, child.stderr]) {
      from.pipe(to, { end: false });
      if (onLine) createInterface({ input: from }).on('line', onLine);
    }
    child.on('error', error => to.end(() => reject(error)));
    child.on('close', code => to.end(() => resolve(code ?? undefined)));
  });
}
