/** What is in an FST file, as far as it can be told without values. */
export interface Fst {
  readonly endTime: number;
  /** A power of ten, in seconds. */
  readonly timescale: number;
  /** Of scopes and signals. */
  readonly names: readonly string[];
  /** Blocks with changes. */
  readonly blocks: number;
}

/** Reads the structure of an FST file: blocks of one byte for the kind, eight for the length and the content. */
export function fstOf(file: Buffer): Fst {
  let [endTime, timescale, blocks] = [0, 0, 0];
  let names: string[] = [];
  for (let at = 0; at < file.length; ) {
    const kind = file[at];
    const length = Number(file.readBigUInt64BE(at + 1));
    const content = file.subarray(at + 9, at + 1 + length);
    if (kind === 0) {
      endTime = Number(content.readBigUInt64BE(8));
      timescale = content.readInt8(64);
    } else if (kind === 6) {
      names = lz4(content.subarray(8), Number(content.readBigUInt64BE(0)))
        .toString('latin1')
        .split(/[^\w$.]+/);
    } else if (kind === 1 || kind === 5 || kind === 8) {
      blocks++;
    }
    at += 1 + length;
  }
  return { endTime, timescale, names, blocks };
}

/** Undoes LZ4's block format. @throws Error if the content is none, or of another length than `length`. */
export function lz4(content: Buffer, length: number): Buffer {
  const bytes: number[] = [];
  let at = 0;
  const next = () => content[at++] ?? fail('ends too early');
  const lengthOf = (start: number) => {
    let sum = start;
    for (let more = start === 15 ? 255 : 0; more === 255; sum += more) more = next();
    return sum;
  };
  while (at < content.length) {
    const token = next();
    const literals = lengthOf(token >> 4);
    for (let i = 0; i < literals; i++) bytes.push(next());
    if (at === content.length) break;
    const distance = next() + 256 * next();
    const match = lengthOf(token & 15) + 4;
    if (distance === 0 || distance > bytes.length) fail(`points ${distance} back, of ${bytes.length}`);
    for (let i = 0; i < match; i++) bytes.push(bytes[bytes.length - distance] ?? 0);
  }
  if (bytes.length !== length) fail(`has ${bytes.length} bytes instead of ${length}`);
  return Buffer.from(bytes);
}

function fail(what: string): never {
  throw new Error(`The LZ4 block ${what}.`);
}
