import { SingleBar } from 'cli-progress';

/** Shows how far a piece of work is. On a terminal a bar on standard error; elsewhere nothing. */
export interface Progress {
  /** Begins a new piece of so many bytes, or of what else it counts. */
  start(label: string, total: number): void;
  update(done: number): void;
  stop(): void;
}

/** @param stream where the bar goes; it is drawn only on a terminal. @param what it counts. */
export function progress(stream: NodeJS.WriteStream = process.stderr, what = 'bytes'): Progress {
  if (!stream.isTTY) return { start() {}, update() {}, stop() {} };
  const bar = new SingleBar({
    format: `{label} {bar} {percentage} %  {value}/{total} ${what}`,
    stream,
    hideCursor: true,
    clearOnComplete: true,
    etaBuffer: 50,
  });
  return {
    start: (label, total) => bar.start(total, 0, { label: label.padEnd(12) }),
    update: done => bar.update(done),
    stop: () => bar.stop(),
  };
}
