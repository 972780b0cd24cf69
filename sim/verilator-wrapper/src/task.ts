import { spawn, spawnSync } from 'node:child_process';

/** A command to run. Its output is collected, not shown. */
export interface Command {
  readonly kind: 'command';
  readonly file: string;
  readonly args: readonly string[];
  /** Working folder; this process's own by default. */
  readonly folder?: string;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Written to its standard input. */
  readonly input?: string;
}

/** What a task does outside this process. */
export type Step = Command | { readonly kind: 'pause'; readonly milliseconds: number };

/** How a step ended. */
export interface Outcome {
  /** The exit code; undefined if the command could not be started or was killed. */
  readonly status: number | undefined;
  /** Standard output and standard error; for a command that could not be started, why. */
  readonly output: string;
  /** Whether the step held up this whole thread. */
  readonly blocking: boolean;
}

/** Work with steps outside this process, written once and run either way: `runBlocking` or `runInBackground`. */
export type Task<T> = Generator<Step, T, Outcome>;

/** Runs a command and gives its outcome. */
export function* run(command: Omit<Command, 'kind'>): Task<Outcome> {
  return yield { kind: 'command', ...command };
}

/** Lets time pass, and says whether that held up this thread. */
export function* pause(milliseconds: number): Task<Outcome> {
  return yield { kind: 'pause', milliseconds };
}

/** Does a task now, with nothing else running in this thread meanwhile. */
export function runBlocking<T>(task: Task<T>): T {
  let next = task.next();
  while (!next.done) next = task.next(perform(next.value));
  return next.value;
}

/** Does a task while this thread goes on with other work. */
export async function runInBackground<T>(task: Task<T>): Promise<T> {
  let next = task.next();
  while (!next.done) next = task.next(await performInBackground(next.value));
  return next.value;
}

const mostOutput = 2 ** 28;

function perform(step: Step): Outcome {
  if (step.kind === 'pause') {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, step.milliseconds);
    return { status: 0, output: '', blocking: true };
  }
  const { status, stdout, stderr, error } = spawnSync(step.file, [...step.args], {
    ...spawnOptions(step),
    input: step.input ?? '',
    maxBuffer: mostOutput,
    encoding: 'utf8',
  });
  return { status: status ?? undefined, output: error ? error.message : stdout + stderr, blocking: true };
}

function performInBackground(step: Step): Promise<Outcome> {
  return new Promise(resolve => {
    if (step.kind === 'pause') {
      setTimeout(() => resolve({ status: 0, output: '', blocking: false }), step.milliseconds);
      return;
    }
    const child = spawn(step.file, [...step.args], spawnOptions(step));
    const pieces: Buffer[] = [];
    child.stdout.on('data', (piece: Buffer) => pieces.push(piece));
    child.stderr.on('data', (piece: Buffer) => pieces.push(piece));
    child.on('error', error => resolve({ status: undefined, output: error.message, blocking: false }));
    child.on('close', status =>
      resolve({ status: status ?? undefined, output: Buffer.concat(pieces).toString(), blocking: false }),
    );
    // A command that ends without reading its input closes the pipe; its exit code says what matters.
    child.stdin.on('error', () => {});
    child.stdin.end(step.input ?? '');
  });
}

function spawnOptions({ folder, env }: Command): { cwd?: string; env: NodeJS.ProcessEnv } {
  return { ...(folder === undefined ? {} : { cwd: folder }), env: { ...process.env, ...env } };
}
