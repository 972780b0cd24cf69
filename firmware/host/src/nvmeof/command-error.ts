/** A command that ends with a status other than success. */
export class TargetError extends Error {
  override readonly name = 'TargetError';
  readonly status: number;

  constructor(status: number, why: string) {
    super(why);
    this.status = status;
  }
}
