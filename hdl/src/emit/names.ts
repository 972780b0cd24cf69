import { hidesStandardClass, reservedBy } from '../ir/reserved-words.ts';

/** The names of one emitted module: none is given twice. */
export class Names {
  private readonly taken = new Set<string>();
  /** By wanted name: the numbers up to this one are taken. */
  private readonly numbers = new Map<string, number>();

  /** Takes names that are fixed, because the user wrote them. */
  reserve(names: Iterable<string>): void {
    for (const name of names) this.taken.add(name);
  }

  /** `wanted`, or if that is taken `wanted_1`, `wanted_2`, ... */
  unique(wanted: string): string {
    let name = wanted;
    if (!this.free(name)) {
      let n = this.numbers.get(wanted) ?? 0;
      do name = `${wanted}_${++n}`;
      while (!this.free(name));
      this.numbers.set(wanted, n);
    }
    this.taken.add(name);
    return name;
  }

  /** Takes all the names if all are free. @returns whether it did. */
  take(names: readonly string[]): boolean {
    if (!names.every(name => this.free(name))) return false;
    this.reserve(names);
    return true;
  }

  /** Whether nobody has the name, nor a language that tools translate to. */
  free(name: string): boolean {
    return !this.taken.has(name) && reservedBy(name) === undefined && !hidesStandardClass(name);
  }
}
