import { encode } from '../../../layout.ts';
import { DescriptorType, descriptor, descriptorBytes, PointerKind } from '../../../nvme/commands.ts';
import { HostError } from '../host-error.ts';
import type { AddressRange } from '../pci-function.ts';
import { type NvmeMemory, pageBytes } from './platform.ts';

/** The data pointer of a command: what its fields say, and the list in host memory that it needs until the command has ended. */
export interface DataPointer {
  readonly pointerKind: number;
  readonly prp1: bigint;
  readonly prp2: bigint;
  release(): void;
}

/** How a driver describes data; `auto` takes SGLs for large ranges, which they describe in fewer words, and where PRPs cannot say it, else PRPs. */
export type PointerChoice = 'prp' | 'sgl' | 'auto';

/** Bytes of a range, on average, from which on `auto` takes SGLs: as Linux's driver. */
const sglThreshold = 32n * 1024n;

const page = BigInt(pageBytes);
/** Entries of a list of pages. */
const entriesOfList = pageBytes / 8;

/** Whether PRPs can describe the data: whole pages but for the start of the first range and the end of the last (NVMe 1.4 section 4.3). */
export function fitsPages(ranges: readonly AddressRange[]): boolean {
  return ranges.every(
    ({ base, bytes }, i) =>
      (i === 0 ? base % 4n === 0n : base % page === 0n) && (i === ranges.length - 1 || (base + bytes) % page === 0n),
  );
}

/**
 * Describes data to the controller. @throws HostError if PRPs are wanted, or the controller has no SGLs, and PRPs cannot say it; if host memory is short.
 */
export function pointTo(
  memory: NvmeMemory,
  ranges: readonly AddressRange[],
  choice: PointerChoice,
  sglSupported: boolean,
): DataPointer {
  const large = sglSupported && bytesOf(ranges) >= sglThreshold * BigInt(ranges.length);
  if (choice === 'sgl' || (choice === 'auto' && (large || !fitsPages(ranges)))) {
    if (!sglSupported)
      throw new HostError('the buffers are no whole pages, and the controller has no SGLs to describe them with');
    return descriptors(memory, ranges);
  }
  if (!fitsPages(ranges)) throw new HostError('the buffers are no whole pages, which PRPs cannot describe: use SGLs');
  return pages(memory, ranges);
}

const bytesOf = (ranges: readonly AddressRange[]): bigint => ranges.reduce((sum, { bytes }) => sum + bytes, 0n);

/** One entry per page; where more than two are needed, the second one points to a list, and the last entry of a full list to the next. */
function pages(memory: NvmeMemory, ranges: readonly AddressRange[]): DataPointer {
  const entries = ranges.flatMap(pagesOf);
  const [prp1 = 0n, ...rest] = entries;
  if (rest.length <= 1) return { pointerKind: PointerKind.prp, prp1, prp2: rest[0] ?? 0n, release() {} };
  const lists = rest.length <= entriesOfList ? 1 : Math.ceil((rest.length - 1) / (entriesOfList - 1));
  const area = memory.allocate(lists * pageBytes, pageBytes);
  const view = new DataView(new ArrayBuffer(lists * pageBytes));
  let next = 0;
  for (let list = 0; list < lists; list++) {
    const last = list === lists - 1;
    for (let slot = 0; slot < entriesOfList; slot++) {
      const pointer = !last && slot === entriesOfList - 1;
      const value = pointer ? area.base + BigInt((list + 1) * pageBytes) : rest[next++];
      if (value === undefined) break;
      view.setBigUint64(list * pageBytes + slot * 8, value, true);
    }
  }
  memory.write(area.base, new Uint8Array(view.buffer));
  return { pointerKind: PointerKind.prp, prp1, prp2: area.base, release: () => memory.release(area) };
}

function pagesOf({ base, bytes }: AddressRange): bigint[] {
  const result: bigint[] = [];
  for (let at = base; at < base + bytes; at = at - (at % page) + page) result.push(at);
  return result;
}

/** One descriptor in the command; more of them in a segment, which is the last one (4.4). */
function descriptors(memory: NvmeMemory, ranges: readonly AddressRange[]): DataPointer {
  const block = ({ base, bytes }: AddressRange) =>
    encode(descriptor, descriptorBytes, { address: base, length: Number(bytes), type: DescriptorType.dataBlock });
  const [first] = ranges;
  if (first && ranges.length === 1) return { ...inCommand(block(first)), release() {} };
  const segment = Buffer.concat(ranges.map(block));
  const area = memory.allocate(segment.length, descriptorBytes);
  memory.write(area.base, segment);
  const pointer = encode(descriptor, descriptorBytes, {
    address: area.base,
    length: segment.length,
    type: DescriptorType.lastSegment,
  });
  return { ...inCommand(pointer), release: () => memory.release(area) };
}

function inCommand(bytes: Uint8Array): Omit<DataPointer, 'release'> {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return { pointerKind: PointerKind.sgl, prp1: view.getBigUint64(0, true), prp2: view.getBigUint64(8, true) };
}

/** Part of a list of ranges: `bytes` from `offset` on. */
export function slice(ranges: readonly AddressRange[], offset: number, bytes: number): AddressRange[] {
  const result: AddressRange[] = [];
  let skip = BigInt(offset);
  let left = BigInt(bytes);
  for (const range of ranges) {
    const from = skip < range.bytes ? skip : range.bytes;
    const room = range.bytes - from;
    const length = room < left ? room : left;
    if (length > 0n) result.push({ base: range.base + from, bytes: length });
    skip -= from;
    left -= length;
  }
  return result;
}
