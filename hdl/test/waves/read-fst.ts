import { gunzipSync, inflateSync } from 'node:zlib';
import { ChangeCollector, type Changes } from './changes.ts';

/** Reads bytes in the encodings of FST. */
class Reader {
  position = 0;
  private readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get left(): number {
    return this.bytes.length - this.position;
  }

  u8(): number {
    const byte = this.bytes[this.position++];
    if (byte === undefined) throw new Error('the file ends too early');
    return byte;
  }

  u64(): number {
    let value = 0n;
    for (let i = 0; i < 8; i++) value = (value << 8n) | BigInt(this.u8());
    return Number(value);
  }

  unsigned(): number {
    const byte = this.u8();
    return byte < 128 ? byte : (byte & 127) + 128 * this.unsigned();
  }

  signed(): number {
    const byte = this.u8();
    return byte < 128 ? (byte < 64 ? byte : byte - 128) : (byte & 127) + 128 * this.signed();
  }

  take(count: number): Uint8Array {
    if (count > this.left) throw new Error('the file ends too early');
    this.position += count;
    return this.bytes.subarray(this.position - count, this.position);
  }

  text(): string {
    const end = this.bytes.indexOf(0, this.position);
    const text = new TextDecoder().decode(this.take(end - this.position));
    this.u8();
    return text;
  }
}

/** What else a file of FST says. */
export interface FstFacts extends Changes {
  readonly start: number;
  /** Blocks of changes. */
  readonly blocks: number;
}

const inflated = (bytes: Uint8Array, length: number) => (bytes.length === length ? bytes : inflateSync(bytes));

/** Reads FST as far as our writer makes use of it, written from `fstapi.c` of GTKWave. @throws Error where sizes disagree. */
export function readFst(file: Uint8Array): FstFacts {
  const collector = new ChangeCollector();
  const widths: number[] = [];
  const all = new Reader(file);
  let [start, end, scopes, signals, handles, blocks] = [0, 0, 0, 0, 0, 0];
  let seen = 0;
  while (all.left > 0) {
    const kind = all.u8();
    const block = new Reader(all.take(all.u64() - 8));
    if (kind === 0) {
      [start, end] = [block.u64(), block.u64()];
      const order = block.take(8);
      expectEqual(new DataView(order.buffer, order.byteOffset).getFloat64(0, true), Math.E, 'the order of bytes');
      block.u64();
      [scopes, signals, handles, blocks] = [block.u64(), block.u64(), block.u64(), block.u64()];
      expectEqual(block.left, 1 + 128 + 119 + 1 + 8, 'the header');
    } else if (kind === 3) {
      const length = block.u64();
      const count = block.u64();
      const geometry = new Reader(inflated(block.take(block.left), length));
      while (geometry.left > 0) widths.push(geometry.unsigned());
      expectEqual(widths.length, count, 'the geometry');
    } else if (kind === 4 || kind === 6) {
      const length = block.u64();
      const content = block.take(block.left);
      const hierarchy = kind === 4 ? gunzipSync(content) : literals(content);
      expectEqual(hierarchy.length, length, 'the hierarchy');
      readHierarchy(new Reader(hierarchy), collector, { scopes, signals, handles });
    } else {
      expectEqual(kind, 8, 'the kind of a block');
      readChanges(block, collector, widths);
      seen++;
    }
  }
  expectEqual(seen, blocks, 'the number of blocks');
  return { ...collector.at(end), start, blocks };
}

function expectEqual(found: number, wanted: number, what: string): void {
  if (found !== wanted) throw new Error(`${what}: ${found} instead of ${wanted}`);
}

/** An LZ4 block without matches. */
function literals(bytes: Uint8Array): Uint8Array {
  const reader = new Reader(bytes);
  let count = reader.u8() >> 4;
  if (count === 15) {
    for (let more = 255; more === 255; count += more) more = reader.u8();
  }
  return reader.take(count);
}

function readHierarchy(
  reader: Reader,
  collector: ChangeCollector,
  counts: { readonly scopes: number; readonly signals: number; readonly handles: number },
): void {
  const scope: string[] = [];
  let [scopes, signals, handles] = [0, 0, 0];
  while (reader.left > 0) {
    const kind = reader.u8();
    if (kind === 254) {
      expectEqual(reader.u8(), 0, 'the kind of a scope');
      scope.push(reader.text());
      reader.text();
      scopes++;
    } else if (kind === 255) {
      scope.pop();
    } else {
      expectEqual(kind, 16, 'the kind of a signal');
      expectEqual(reader.u8(), 0, 'the direction');
      const [name = ''] = reader.text().split(' ');
      const width = reader.unsigned();
      const alias = reader.unsigned();
      if (alias === 0) handles++;
      collector.declare([...scope, name].join('.'), width, `${alias === 0 ? handles : alias}`);
      signals++;
    }
  }
  expectEqual(scopes, counts.scopes, 'scopes');
  expectEqual(signals, counts.signals, 'signals');
  expectEqual(handles, counts.handles, 'handles');
}

function readChanges(block: Reader, collector: ChangeCollector, widths: readonly number[]): void {
  const [begin, end] = [block.u64(), block.u64()];
  const most = block.u64();
  const [length, packed, handles] = [block.unsigned(), block.unsigned(), block.unsigned()];
  expectEqual(handles, widths.length, 'the values of a block');
  const frame = new TextDecoder().decode(inflated(block.take(packed), length));
  expectEqual(
    frame.length,
    widths.reduce((sum, width) => sum + width, 0),
    'the frame',
  );
  let position = 0;
  widths.forEach((width, i) => {
    const digits = frame.slice(position, position + width);
    position += width;
    if (!digits.includes('x')) collector.change(begin, `${i + 1}`, digits);
  });
  expectEqual(block.unsigned(), widths.length, 'the chains of a block');
  const rest = block.take(block.left);
  const tail = new Reader(rest.subarray(rest.length - 24));
  const [timesLength, timesPacked, count] = [tail.u64(), tail.u64(), tail.u64()];
  const timesStart = rest.length - 24 - timesPacked;
  const times: number[] = [];
  const deltas = new Reader(inflated(rest.subarray(timesStart, timesStart + timesPacked), timesLength));
  for (let time = 0; deltas.left > 0; ) {
    const passed = deltas.unsigned();
    if (passed === 0 && times.length > 0) throw new Error(`time ${time} stands twice`);
    time += passed;
    times.push(time);
  }
  expectEqual(times.length, count, 'times');
  expectEqual(times[0] ?? -1, begin, 'the first time');
  expectEqual(times.at(-1) ?? -1, end, 'the last time');
  expectEqual(rest[0] ?? 0, 'Z'.charCodeAt(0), 'the packing');
  const indexLength = new Reader(rest.subarray(timesStart - 8)).u64();
  const indexStart = timesStart - 8 - indexLength;
  const index = new Reader(rest.subarray(indexStart, indexStart + indexLength));
  const chains: { readonly handle: number; readonly offset: number }[] = [];
  let [handle, offset, used] = [0, 0, 0];
  while (index.left > 0) {
    const word = index.signed();
    if (word % 2 === 0) {
      handle += word / 2;
      continue;
    }
    offset += (word - 1) / 2;
    chains.push({ handle: ++handle, offset });
  }
  expectEqual(handle, widths.length, 'the index');
  chains.forEach((chain, i) => {
    const bytes = new Reader(rest.subarray(chain.offset, chains[i + 1]?.offset ?? indexStart));
    used += readChain(bytes, collector, `${chain.handle}`, widths[chain.handle - 1] ?? 0, times);
  });
  if (used > most) throw new Error(`the chains need ${used} bytes, and the block says ${most}`);
}

/** @returns the bytes of the chain. */
function readChain(at: Reader, collector: ChangeCollector, code: string, width: number, times: readonly number[]): number {
  const size = at.unsigned();
  const bytes = size === 0 ? at.take(at.left) : inflateSync(at.take(at.left));
  if (size > 0) expectEqual(bytes.length, size, 'a chain');
  const chain = new Reader(bytes);
  let time = 0;
  while (chain.left > 0) {
    const head = chain.unsigned();
    if (head % 2 === 1) throw new Error('a value that is not binary');
    time += width === 1 ? head >>> 2 : head >>> 1;
    let digits = `${(head >>> 1) & 1}`;
    if (width > 1) {
      digits = [...chain.take(Math.ceil(width / 8))].map(byte => byte.toString(2).padStart(8, '0')).join('');
      if (digits.slice(width).includes('1')) throw new Error('bits beyond the value');
      digits = digits.slice(0, width);
    }
    const when = times[time];
    if (when === undefined) throw new Error(`there is no time ${time}`);
    collector.change(when, code, digits);
  }
  return bytes.length;
}
