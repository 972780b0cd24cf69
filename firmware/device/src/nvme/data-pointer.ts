import { decode } from '../../../layout.ts';
import { DescriptorType, descriptor, descriptorBytes, PointerKind } from '../../../nvme/commands.ts';
import { Status } from '../../../nvme/status.ts';
import type { AddressSpace, Use } from './address-space.ts';
import type { Command } from './command.ts';
import { CommandError } from './command-error.ts';
import type { NvmeHardware, Place } from './hardware.ts';

/** A part of a command's data. */
export interface Segment {
  /** Where it is; nowhere for a bit bucket, which takes data and drops it. */
  readonly place: Place | undefined;
  readonly bytes: number;
}

/** Which way data goes: to the host, or from it. The names are those of the uses of the memory buffer. */
export type Direction = 'readData' | 'writeData';

/** Byte of a command where its data pointer starts. */
const prp1Byte = { byte: 24 } as const;
const prp2Byte = { byte: 32 } as const;

/** Descriptors that a command can have at most, so that a chain without data ends. */
const mostDescriptors = 4096;

/** Collects ranges, and joins those that continue each other. */
class Segments {
  readonly list: Segment[] = [];
  private readonly space: AddressSpace;
  private readonly use: Use;

  constructor(space: AddressSpace, use: Use) {
    this.space = space;
    this.use = use;
  }

  add(address: bigint, bytes: number): void {
    if (bytes === 0) return;
    const place = this.space.place(address, bytes, this.use, prp1Byte);
    const last = this.list.at(-1);
    if (last?.place && follows(last.place, last.bytes, place))
      this.list[this.list.length - 1] = { place: last.place, bytes: last.bytes + bytes };
    else this.list.push({ place, bytes });
  }

  drop(bytes: number): void {
    if (bytes > 0) this.list.push({ place: undefined, bytes });
  }
}

const follows = (first: Place, bytes: number, second: Place): boolean =>
  first.in === 'fabric'
    ? second.in === 'fabric' && first.address + BigInt(bytes) === second.address
    : second.in === 'memory buffer' && first.offset + bytes === second.offset;

/** Finds out where the data of commands are: PRP entries and lists, SGL descriptors and segments (NVMe 1.4 sections 4.3 and 4.4). */
export class DataPointers {
  private readonly hardware: NvmeHardware;
  private readonly space: AddressSpace;
  private readonly pageBytes: number;

  constructor(hardware: NvmeHardware, space: AddressSpace, pageBytes: number) {
    this.hardware = hardware;
    this.space = space;
    this.pageBytes = pageBytes;
  }

  /** The segments of a command's data, `bytes` in all. @throws CommandError if they make no sense; DmaError if a list cannot be read. */
  async resolve(command: Command, bytes: number, direction: Direction): Promise<readonly Segment[]> {
    const segments = new Segments(this.space, direction);
    if (command.pointerKind === PointerKind.prp) await this.pages(segments, command.prp1, command.prp2, bytes);
    else await this.descriptors(segments, command, bytes, direction);
    return segments.list;
  }

  private async pages(segments: Segments, prp1: bigint, prp2: bigint, bytes: number): Promise<void> {
    const page = this.pageBytes;
    const offset = Number(prp1 % BigInt(page));
    if (offset % 4 !== 0) throw new CommandError(Status.prpOffsetInvalid, prp1Byte);
    const first = Math.min(page - offset, bytes);
    segments.add(prp1, first);
    const rest = bytes - first;
    if (rest === 0) return;
    if (rest > page) return this.pageLists(segments, prp2, rest);
    segments.add(this.aligned(prp2), rest);
  }

  /** Lists of pages: where one list has too few entries, its last one points to the next list. */
  private async pageLists(segments: Segments, prp2: bigint, bytes: number): Promise<void> {
    const page = this.pageBytes;
    if (prp2 % 8n !== 0n) throw new CommandError(Status.prpOffsetInvalid, prp2Byte);
    let rest = bytes;
    for (let list = prp2; rest > 0; ) {
      const room = (page - Number(list % BigInt(page))) / 8;
      const wanted = Math.ceil(rest / page);
      const entries = await this.list(list, Math.min(room, wanted));
      const next = wanted > room ? entries.pop() : undefined;
      for (const entry of entries) {
        const length = Math.min(page, rest);
        segments.add(this.aligned(entry), length);
        rest -= length;
      }
      if (next !== undefined) list = this.aligned(next);
    }
  }

  private async list(address: bigint, entries: number): Promise<bigint[]> {
    const data = await this.hardware.read(this.space.place(address, 8 * entries, 'lists', prp2Byte), 8 * entries);
    const view = new DataView(data.buffer, data.byteOffset);
    return Array.from({ length: entries }, (_, i) => view.getBigUint64(8 * i, true));
  }

  /** An entry that is not the first one starts at a page. */
  private aligned(entry: bigint): bigint {
    if (entry % BigInt(this.pageBytes) !== 0n) throw new CommandError(Status.prpOffsetInvalid, prp2Byte);
    return entry;
  }

  private async descriptors(segments: Segments, command: Command, bytes: number, direction: Direction): Promise<void> {
    let segment = command.bytes.subarray(24, 24 + descriptorBytes);
    /** A command's own descriptor may be any; a last segment has only data; another segment ends with a pointer to the next. */
    let kind: 'command' | 'last' | 'middle' = 'command';
    let rest = bytes;
    for (let seen = 0; ; ) {
      const count = segment.length / descriptorBytes;
      let next: { readonly address: bigint; readonly bytes: number; readonly last: boolean } | undefined;
      for (let i = 0; i < count; i++) {
        if (seen++ >= mostDescriptors) throw new CommandError(Status.invalidDescriptorCount, prp1Byte);
        const at = decode(descriptor, segment.subarray(i * descriptorBytes));
        const pointer = at.type === DescriptorType.segment || at.type === DescriptorType.lastSegment;
        if (at.type > DescriptorType.lastSegment || at.subtype !== 0)
          throw new CommandError(Status.descriptorTypeInvalid, prp1Byte);
        if (pointer) {
          if (kind === 'last') throw new CommandError(Status.invalidSegmentDescriptor, prp1Byte);
          if (i < count - 1) throw new CommandError(Status.invalidDescriptorCount, prp1Byte);
          if (at.length === 0 || at.length % descriptorBytes !== 0)
            throw new CommandError(Status.invalidSegmentDescriptor, prp1Byte);
          next = { address: at.address, bytes: at.length, last: at.type === DescriptorType.lastSegment };
          continue;
        }
        const ignored = at.type === DescriptorType.bitBucket && direction === 'writeData';
        const length = ignored ? 0 : at.length;
        if (length > rest) throw new CommandError(Status.dataLengthInvalid, prp1Byte);
        rest -= length;
        if (at.type === DescriptorType.dataBlock) segments.add(at.address, length);
        else segments.drop(length);
      }
      if (!next) {
        if (kind === 'middle') throw new CommandError(Status.invalidSegmentDescriptor, prp1Byte);
        break;
      }
      if (next.bytes > mostDescriptors * descriptorBytes) throw new CommandError(Status.invalidDescriptorCount, prp1Byte);
      segment = await this.hardware.read(this.space.place(next.address, next.bytes, 'lists', prp1Byte), next.bytes);
      kind = next.last ? 'last' : 'middle';
    }
    if (rest > 0) throw new CommandError(Status.dataLengthInvalid, prp1Byte);
  }
}
