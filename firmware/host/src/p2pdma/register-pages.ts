import type { Page, Pagemap } from './pagemap.ts';
import { pageBytes } from './pagemap.ts';
import type { Provider } from './provider.ts';
import type { PageSource } from './user-mapping.ts';

/**
 * A driver's own allocator of register pages, one per context of its device, as network cards hand them to programs (M3-4): there is no pool, and pages come
 * back to it by the last put (M3-3).
 */
export class RegisterPages implements PageSource {
  readonly name: string;
  readonly pagemap: Pagemap;
  private readonly unused: Page[];

  /** @throws Errno as `Provider.addResource`. */
  constructor(provider: Provider, bar: number, offset: bigint, pages: number) {
    this.name = `register pages of ${provider.device.name}`;
    this.pagemap = provider.addPages(bar, offset, BigInt(pages * pageBytes), page => void this.unused.push(page), 'doorbell');
    this.unused = Array.from({ length: pages }, (_, i) => this.pagemap.page(this.pagemap.cpu + BigInt(i * pageBytes)));
  }

  /** Pages that no context has. */
  get available(): number {
    return this.unused.length;
  }

  /** @returns nothing if there are not as many. */
  allocPages(count: number): Page[] | undefined {
    if (this.pagemap.dying || this.unused.length < count) return undefined;
    const taken = this.unused.splice(0, count);
    for (const page of taken) page.get();
    return taken;
  }
}
