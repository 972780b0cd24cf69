/** Something that the person at the command line can mend: told in one paragraph, without a stack trace; exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
