/** Sets of small numbers, each kept once under a number of its own: what many nodes have in common costs a number each. */
export class Sets {
  /** The number of the empty set. */
  static readonly empty = 0;
  private readonly contents: bigint[] = [0n];
  private readonly numbers = new Map<bigint, number>([[0n, Sets.empty]]);
  /** Unions that were made, by both numbers. */
  private readonly unions = new Map<number, number>();

  /** The number of a set of one member. */
  of(member: number): number {
    return this.number(1n << BigInt(member));
  }

  /** The number of the union of two sets, given by their numbers. */
  union(a: number, b: number): number {
    if (a === b || b === Sets.empty) return a;
    if (a === Sets.empty) return b;
    const key = Math.min(a, b) * 2 ** 26 + Math.max(a, b);
    let result = this.unions.get(key);
    if (result === undefined) {
      result = this.number((this.contents[a] ?? 0n) | (this.contents[b] ?? 0n));
      this.unions.set(key, result);
    }
    return result;
  }

  /** The members of a set, ascending. */
  members(set: number): number[] {
    const found: number[] = [];
    const digits = (this.contents[set] ?? 0n).toString(2);
    for (let i = digits.length - 1; i >= 0; i--) if (digits[i] === '1') found.push(digits.length - 1 - i);
    return found;
  }

  private number(content: bigint): number {
    let number = this.numbers.get(content);
    if (number === undefined) {
      number = this.contents.push(content) - 1;
      this.numbers.set(content, number);
    }
    return number;
  }
}
