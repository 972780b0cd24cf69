import { host } from './source-text.ts';

let listening = false;

/**
 * Under Node an error that `isOurs` and that nobody catches is printed as its text alone: Node would put the library's line that throws it in front, and its
 * own version behind. Only where no other part of the program listens to uncaught errors.
 */
export function printWholeWhenUncaught(isOurs: (error: unknown) => error is { readonly text: string }): void {
  const node = host;
  if (listening || !node?.on) return;
  listening = true;
  node.on('uncaughtExceptionMonitor', error => {
    if (!isOurs(error) || node.listenerCount('uncaughtException') > 0) return;
    node.stderr.write(`${error.text}\n`);
    node.exit(1);
  });
}
