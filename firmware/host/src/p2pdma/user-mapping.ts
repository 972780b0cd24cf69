import { Errno } from './errno.ts';
import { type Page, pageBytes } from './pagemap.ts';
import type { Provider } from './provider.ts';

/** What a program asks for with mmap. */
export interface MmapRequest {
  readonly bytes: number;
  /** Where in the file it begins, in bytes. */
  readonly offset: number;
  readonly shared: boolean;
}

/** How the processor accesses a page of a BAR. */
export interface PageAttributes {
  readonly cached: boolean;
  readonly encrypted: boolean;
}

/** A page in a program's address space. */
export interface PageEntry {
  readonly page: Page;
  readonly attributes: PageAttributes;
}

/** Whoever gives out pages with a reference, one or a run of them: a provider's pool, or an allocator of a driver's own (M3-2, M3-3). */
export interface PageSource {
  readonly name: string;
  allocPages(count: number): Page[] | undefined;
}

/** Pages of peer-to-peer memory in a program's address space. */
export class UserMapping {
  /** It holds pages that are no RAM: copies on write and the like have to stay away (M3-5). */
  readonly mixed = true;
  private readonly inserted: PageEntry[] = [];
  private readonly ended: (mapping: UserMapping) => void;

  constructor(ended: (mapping: UserMapping) => void = () => {}) {
    this.ended = ended;
  }

  /** Its pages in order; none after `unmap`. */
  get entries(): readonly PageEntry[] {
    return this.inserted;
  }

  /** Puts one page in: the one place that knows how the processor has to access it, never cached, and never encrypted by it (M3-6). */
  insert(page: Page): void {
    this.inserted.push({ page, attributes: { cached: false, encrypted: false } });
  }

  /** Takes all pages out: each goes back as soon as nobody else holds it (M3-8). */
  unmap(): void {
    for (const { page } of this.inserted.splice(0)) page.put();
    this.ended(this);
  }
}

/** Checks what every mapping of such pages has to obey, whoever gives them (M3-5). @throws Errno EINVAL for private mappings, offsets and odd sizes. */
export function checkMmap({ bytes, offset, shared }: MmapRequest): void {
  if (!shared) throw new Errno('EINVAL', 'peer-to-peer memory can be mapped shared only, as a copy would not be the device’s');
  if (offset !== 0) throw new Errno('EINVAL', `a mapping begins at offset 0, not at ${offset}: pages are allocated by it`);
  if (bytes <= 0 || bytes % pageBytes !== 0)
    throw new Errno('EINVAL', `${bytes} bytes are no whole pages of ${pageBytes}: round the length up`);
}

/**
 * Allocates pages and inserts them: in one run as Linux does, or each by itself (M3-7).
 * @throws Errno EINVAL as `checkMmap`, ENOMEM if the pages run out: those that were inserted are back then.
 */
export function mmapPages(
  request: MmapRequest,
  source: PageSource,
  by: 'run' | 'page' = 'run',
  ended: (mapping: UserMapping) => void = () => {},
): UserMapping {
  checkMmap(request);
  const count = request.bytes / pageBytes;
  const mapping = new UserMapping(ended);
  const steps = by === 'run' ? [count] : Array.from({ length: count }, () => 1);
  for (const pages of steps) {
    const run = source.allocPages(pages);
    if (!run) {
      const had = mapping.entries.length;
      mapping.unmap();
      throw new Errno(
        'ENOMEM',
        `${source.name} has no ${count} pages to map${by === 'page' ? `: ${had} were there` : ' in one run'}`,
      );
    }
    for (const page of run) mapping.insert(page);
  }
  return mapping;
}

/** Maps memory of a provider's pool, torn down when the provider goes. @throws Errno ENODEV if it has no pool or is going, else as `mmapPages`. */
export function mmapPool(request: MmapRequest, provider: Provider, by: 'run' | 'page' = 'run'): UserMapping {
  const { name } = provider.device;
  checkMmap(request);
  if (!provider.live || provider.size === 0n) throw new Errno('ENODEV', `${name} has no memory to map, or is being removed`);
  const source = { name, allocPages: (count: number) => provider.allocPages(count) };
  const mapping = mmapPages(request, source, by, ended => provider.release(ended));
  provider.hold(mapping);
  return mapping;
}

/**
 * Takes a reference to a page of a program for DMA, as `O_DIRECT` does. @throws Errno EREMOTEIO if the caller did not say that it can cope with peers' memory
 * (M1-14), EINVAL if it would hold it for long or the page is not mapped.
 */
export function pinUserPage(
  mapping: UserMapping,
  index: number,
  caller: { readonly peers: boolean; readonly longTerm?: boolean },
): Page {
  const page = mapping.entries[index]?.page;
  if (!page) throw new Errno('EINVAL', `the mapping has ${mapping.entries.length} pages, and none at ${index}`);
  if (!caller.peers)
    throw new Errno('EREMOTEIO', `page ${index} is memory of ${page.pagemap.device.name}, which the caller did not ask for`);
  if (caller.longTerm)
    throw new Errno('EINVAL', `memory of ${page.pagemap.device.name} cannot be pinned for long: its removal would hang`);
  page.get();
  return page;
}
