import { Mismatch } from './reference/mismatch.ts';

/** What a batch found wrong. */
export interface BatchFailure {
  readonly message: string;
  readonly hang: boolean;
}

/** What stopped a batch, for people: the text of a mismatch or a hang, and the way to any other error. @throws what is no error. */
export function batchFailure(error: unknown): BatchFailure {
  if (!(error instanceof Error)) throw error;
  const hang = error.name === 'Hang';
  return { message: error instanceof Mismatch || hang ? error.message : (error.stack ?? error.message), hang };
}
