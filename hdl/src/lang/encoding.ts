import { HdlError } from './errors.ts';

/** State names in the IR are listed by code: where a code is at or above this number, the list is left out. */
const longestList = 4096n;

/** How the states of an enumeration stand in bits. */
export class Encoding {
  readonly names: readonly string[];
  /** The code of each name. */
  readonly codes: readonly bigint[];
  readonly width: number;
  /** Names by code, with holes for codes of no state; undefined where the list would be long. */
  readonly byCode: readonly string[] | undefined;

  constructor(names: readonly string[], codes: readonly bigint[], width: number) {
    this.names = names;
    this.codes = codes;
    this.width = width;
    const list: string[] = [];
    names.forEach((name, i) => {
      list[Number(codes[i])] = name;
    });
    this.byCode = codes.every(code => code < longestList) ? list : undefined;
  }

  /** @throws HdlError for a name that is no state. */
  code(name: string): bigint {
    const found = this.codes[this.names.indexOf(name)];
    if (found === undefined)
      throw new HdlError(`'${name}' is not one of ${this.names.join(', ')}`, { help: 'use one of these names' });
    return found;
  }

  /** Whether every code of the width is a state. */
  get full(): boolean {
    return BigInt(this.codes.length) === 1n << BigInt(this.width);
  }
}
