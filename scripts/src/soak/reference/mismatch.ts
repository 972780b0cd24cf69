/** The endpoint did something that the reference does not allow. */
export class Mismatch extends Error {
  override readonly name = 'Mismatch';
}

/** @throws Mismatch unless the two are equal. */
export function same(what: string, got: number, expected: number): void {
  if (got !== expected)
    throw new Mismatch(`${what} is ${got} (0x${got.toString(16)}), not ${expected} (0x${expected.toString(16)})`);
}
