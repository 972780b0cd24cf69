import type { DmaClient } from './client.ts';
import type { SystemMemory } from './data-buffer.ts';
import type { Piece } from './dma-ops.ts';
import { Errno } from './errno.ts';
import type { Direction } from './host-bridges.ts';
import { type MappedPiece, type Mapper, mapScatterList, unmapScatterList } from './scatter-list.ts';

/** A place that a buffer can be moved to: memory that its device's own driver has allocated (M1-11), or RAM. */
export interface Place extends Piece {
  readonly name: string;
}

/** Who imports a buffer. */
export interface Importer {
  readonly client: DmaClient;
  /** It copes with peers' memory. */
  readonly peers: boolean;
  /** Called before the buffer moves: it stops using its addresses and maps again later. */
  readonly invalidate?: () => void | Promise<void>;
}

/** How much of a buffer is mapped and in use by one importer. */
interface Use {
  mapped: MappedPiece[] | undefined;
  transfers: number;
}

/**
 * A buffer of one device that others use at its place, and that may move (M1-4): exporting allocates nothing (M1-11, M1-12). While a transfer runs the buffer stays
 * where it is (M1-5).
 */
export class ExportedBuffer {
  private readonly mapper: Mapper;
  private readonly system: SystemMemory;
  private at: Place;
  private revoked = false;
  private readonly uses = new Map<Importer, Use>();
  private waiting: (() => void)[] = [];

  constructor(mapper: Mapper, place: Place, system: SystemMemory) {
    this.mapper = mapper;
    this.at = place;
    this.system = system;
  }

  get place(): Place {
    return this.at;
  }

  /** @throws Errno ENODEV if it was revoked, EOPNOTSUPP for importers that do not know peers' memory or cannot be told that it moves. */
  attach(importer: Importer): void {
    this.checkLive();
    if (!importer.peers) throw new Errno('EOPNOTSUPP', `${importer.client.name} does not take peers' memory`);
    if (!importer.invalidate)
      throw new Errno('EOPNOTSUPP', `${importer.client.name} cannot be told to stop when the buffer in ${this.at.name} moves`);
    this.uses.set(importer, { mapped: undefined, transfers: 0 });
  }

  /** Stops using it. @throws Errno EBUSY while its transfers run. */
  detach(importer: Importer): void {
    const use = this.useOf(importer);
    if (use.transfers > 0) throw new Errno('EBUSY', `${importer.client.name} has transfers under way`);
    this.unmap(importer, use);
    this.uses.delete(importer);
  }

  /**
   * Addresses for an importer (M1-17). @throws Errno ENODEV if it was revoked or is not attached, EINVAL if the importer cannot reach the place, which `mapAnyway`
   * copes with.
   */
  map(importer: Importer, direction: Direction = 'both'): readonly MappedPiece[] {
    this.checkLive();
    const use = this.useOf(importer);
    const map = this.mapper.memory.find(this.at.cpu);
    if (map && this.mapper.bus.mapType(map.device, importer.client, direction) === 'NOT_SUPPORTED')
      throw new Errno('EINVAL', `${importer.client.name} cannot reach the buffer in ${this.at.name}`);
    use.mapped ??= mapScatterList(this.mapper, importer.client, [this.at], direction);
    return use.mapped;
  }

  /** As `map`, but moves the buffer to system memory if the importer cannot reach it: to its user it always works (M1-9). */
  async mapAnyway(importer: Importer, direction: Direction = 'both'): Promise<readonly MappedPiece[]> {
    try {
      return this.map(importer, direction);
    } catch (error) {
      if (!(error instanceof Errno) || error.code !== 'EINVAL' || this.mapper.memory.isRam(this.at.cpu)) throw error;
      await this.move({ name: 'system memory', cpu: this.system.alloc(this.at.bytes), bytes: this.at.bytes });
      return this.map(importer, direction);
    }
  }

  /** A transfer of an importer begins: the buffer is pinned until the returned function is called. @throws Errno EINVAL if it is not mapped. */
  begin(importer: Importer): () => void {
    const use = this.useOf(importer);
    if (!use.mapped)
      throw new Errno('EINVAL', `${importer.client.name} has not mapped the buffer in ${this.at.name}: map it first`);
    use.transfers++;
    let ended = false;
    return () => {
      if (ended) throw new Errno('EINVAL', `a transfer of ${importer.client.name} ends twice`);
      ended = true;
      use.transfers--;
      for (const resolve of this.waiting.splice(0)) resolve();
    };
  }

  /** Moves it: tells all importers, waits for their transfers, and only then is the old place free. They map again. @throws Errno EINVAL if it does not fit there. */
  async move(place: Place): Promise<Place> {
    this.checkLive();
    if (place.bytes < this.at.bytes)
      throw new Errno('EINVAL', `${place.name} has ${place.bytes} bytes, and the buffer ${this.at.bytes}`);
    await this.quiesce();
    const before = this.at;
    this.at = { ...place, bytes: before.bytes };
    return before;
  }

  /** Takes it away from everybody, for good (B-23). */
  async revoke(): Promise<void> {
    this.revoked = true;
    await this.quiesce();
  }

  private async quiesce(): Promise<void> {
    for (const importer of [...this.uses.keys()]) await importer.invalidate?.();
    while ([...this.uses.values()].some(({ transfers }) => transfers > 0))
      await new Promise<void>(resolve => this.waiting.push(resolve));
    for (const [importer, use] of this.uses) this.unmap(importer, use);
  }

  private unmap({ client }: Importer, use: Use): void {
    if (use.mapped) unmapScatterList(client, use.mapped);
    use.mapped = undefined;
  }
  private useOf(importer: Importer): Use {
    const use = this.uses.get(importer);
    if (!use) throw new Errno('ENODEV', `${importer.client.name} is not attached to the buffer in ${this.at.name}`);
    return use;
  }
  private checkLive(): void {
    if (this.revoked) throw new Errno('ENODEV', `the buffer in ${this.at.name} was revoked`);
  }
}
