/** What went wrong on the host's side of the fabric: what, where, what to do. */
export class HostError extends Error {
  override readonly name = 'HostError';
}
