import { decode, type Values } from '../../../layout.ts';
import { rangeEntry, rangeEntryBytes, type registerMemory } from '../../../rdma/commands.ts';
import { CommandStatus } from '../../../rdma/status.ts';
import { DmaError, type Place, placeAt } from '../endpoint/hardware.ts';
import type { AddressSpace } from './address-space.ts';
import { CommandError } from './command-error.ts';
import type { RdmaHardware } from './hardware.ts';

/** Memory in a row. */
export interface Segment {
  readonly place: Place;
  readonly bytes: number;
  /** Stands for a range of another device's memory, whose writes are read back. */
  readonly peer: object | undefined;
}

/** What somebody wants with memory of a region. */
export type Access = 'local read' | 'local write' | 'remote read' | 'remote write';

/** Memory that was translated: as long as it is in use, its region stays. */
export interface Translation {
  readonly segments: readonly Segment[];
  release(): void;
}

interface Range {
  /** Byte of the region. */
  readonly start: bigint;
  readonly bytes: bigint;
  readonly place: Place;
}

interface Region {
  readonly key: number;
  readonly domain: number;
  readonly address: bigint;
  readonly bytes: bigint;
  readonly allowed: ReadonlySet<Access>;
  readonly peer: boolean;
  readonly ranges: readonly Range[];
  users: number;
  idle: (() => void) | undefined;
}

/**
 * Memory regions: which addresses a key gives access to, and where they are. A key is the number of its region and a byte that changes with each use of that
 * number, so that a key that was given back is wrong for a while.
 */
export class MemoryRegions {
  private readonly hardware: RdmaHardware;
  private readonly space: AddressSpace;
  private readonly most: number;
  private readonly mostRanges: number;
  private readonly regions: (Region | undefined)[] = [];
  private readonly variants: number[] = [];

  constructor(hardware: RdmaHardware, space: AddressSpace, most: number, mostRanges: number) {
    this.hardware = hardware;
    this.space = space;
    this.most = most;
    this.mostRanges = mostRanges;
  }

  /** @returns the key. @throws CommandError. */
  async register(wanted: Values<typeof registerMemory>): Promise<number> {
    const { domain, address, bytes, localWrite, remoteRead, remoteWrite, peer } = wanted;
    if (bytes === 0n || address + bytes > 1n << 64n || (remoteWrite && !localWrite))
      throw new CommandError(CommandStatus.invalidParameter);
    const ranges = await this.ranges(wanted);
    const free = Array.from({ length: this.most }, (_, i) => i).find(i => !this.regions[i]);
    if (free === undefined) throw new CommandError(CommandStatus.noResources);
    const variant = ((this.variants[free] ?? 0) + 1) & 0xff;
    this.variants[free] = variant;
    const allowed = new Set<Access>(['local read']);
    if (localWrite) allowed.add('local write');
    if (remoteRead) allowed.add('remote read');
    if (remoteWrite) allowed.add('remote write');
    const key = free * 0x100 + variant;
    this.regions[free] = { key, domain, address, bytes, allowed, peer: peer === 1, ranges, users: 0, idle: undefined };
    return key;
  }

  /** Takes a key back. Resolves when nobody uses its memory any more. @throws CommandError. */
  async deregister(key: number): Promise<void> {
    const region = this.find(key);
    if (!region) throw new CommandError(CommandStatus.invalidHandle);
    this.regions[key >>> 8] = undefined;
    if (region.users > 0)
      await new Promise<void>(resolve => {
        region.idle = resolve;
      });
  }

  /** There are regions of a protection domain. */
  uses(domain: number): boolean {
    return this.regions.some(region => region?.domain === domain);
  }

  /** Where `bytes` bytes at an address are. @returns nothing if the key does not allow it. */
  translate(domain: number, key: number, address: bigint, bytes: number, access: Access): Translation | undefined {
    const region = this.find(key);
    if (!region || region.domain !== domain || !region.allowed.has(access)) return undefined;
    const from = address - region.address;
    const to = from + BigInt(bytes);
    if (from < 0n || to > region.bytes) return undefined;
    const segments: Segment[] = [];
    for (const range of region.ranges) {
      const { start, bytes: length, place } = range;
      const low = from > start ? from : start;
      const high = to < start + length ? to : start + length;
      if (high > low)
        segments.push({
          place: placeAt(place, Number(low - start)),
          bytes: Number(high - low),
          peer: region.peer ? range : undefined,
        });
    }
    region.users++;
    let held = true;
    return {
      segments,
      release() {
        if (held && --region.users === 0) region.idle?.();
        held = false;
      },
    };
  }

  private find(key: number): Region | undefined {
    const region = this.regions[key >>> 8];
    return region?.key === key ? region : undefined;
  }

  private async ranges({ table, ranges: count, bytes }: Values<typeof registerMemory>): Promise<readonly Range[]> {
    if (count === 0 || count > this.mostRanges) throw new CommandError(CommandStatus.invalidParameter);
    const data = await this.table(table, count * rangeEntryBytes);
    const ranges: Range[] = [];
    let start = 0n;
    for (let i = 0; i < count; i++) {
      const range = decode(rangeEntry, data.subarray(i * rangeEntryBytes));
      if (range.bytes === 0n || range.bytes >> 52n !== 0n) throw new CommandError(CommandStatus.invalidParameter);
      ranges.push({ start, bytes: range.bytes, place: await this.space.place(range.address, range.bytes) });
      start += range.bytes;
    }
    if (start < bytes) throw new CommandError(CommandStatus.invalidParameter);
    return ranges;
  }

  private async table(address: bigint, bytes: number): Promise<Uint8Array> {
    try {
      return await this.hardware.read(await this.space.place(address, BigInt(bytes)), bytes);
    } catch (error) {
      if (error instanceof DmaError) throw new CommandError(CommandStatus.unreachable);
      throw error;
    }
  }
}
