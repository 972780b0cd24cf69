import type { MemoryView } from '@hdl/ts-hdl';
import { IommuMode, type IommuParams } from './translation-pipe.ts';

/** For software: the two memories of an `Iommu` as a running design has them. */

/** Paths of the memories, below that of the `Iommu`. */
export const iommuMemories = (path: string): { readonly contexts: string; readonly pages: string } => ({
  contexts: `${path}.contexts`,
  pages: `${path}.pages`,
});

const pageBytes = 4096n;

/** What may be done with a page. */
export interface PageAccess {
  readonly read: boolean;
  readonly write: boolean;
}

/** Writes the tables of an `Iommu`; a change counts for TLPs from the next cycle on. */
export class IommuTables {
  /** Bytes that an aperture has. */
  readonly bytes: bigint;
  /** First address that is translated. */
  readonly base: bigint;
  private readonly contexts: MemoryView;
  private readonly pages: MemoryView;
  private readonly params: IommuParams;

  constructor(memory: (path: string) => MemoryView, path: string, params: IommuParams) {
    const { contexts, pages } = iommuMemories(path);
    this.contexts = memory(contexts);
    this.pages = memory(pages);
    this.params = params;
    this.base = params.base;
    this.bytes = pageBytes * BigInt(params.pages);
  }

  /** Says what a requester ID may do; with `translated` in a domain, 0 by default. @throws RangeError for a domain that there is not. */
  setContext(requester: number, mode: keyof typeof IommuMode, domain = 0): void {
    if (domain >= this.params.domains) throw new RangeError(`domain ${domain} of ${this.params.domains}`);
    const bits = Math.log2(this.params.domains);
    put(this.contexts, requester, (BigInt(IommuMode[mode]) << BigInt(bits)) | BigInt(domain));
  }

  /** Maps a page of a domain, or takes it back without `target`. @throws RangeError outside the aperture, or for what is no page. */
  setPage(domain: number, iova: bigint, target?: bigint, access: PageAccess = { read: true, write: true }): void {
    const offset = iova - this.base;
    if (offset < 0n || offset >= this.bytes || offset % pageBytes !== 0n || (target ?? 0n) % pageBytes !== 0n)
      throw new RangeError(`0x${iova.toString(16)} is no page of the ${this.params.pages} from 0x${this.base.toString(16)} on`);
    const entry = target === undefined ? 0n : (flags(access) << 52n) | (target / pageBytes);
    put(this.pages, domain * this.params.pages + Number(offset / pageBytes), entry);
  }
}

const flags = ({ read, write }: PageAccess): bigint => (write ? 2n : 0n) | (read ? 1n : 0n);

/** Words lie little-endian, `stride` bytes apart. */
function put(view: MemoryView, index: number, value: bigint): void {
  for (let i = 0; i < view.stride; i++) view.bytes[index * view.stride + i] = Number((value >> BigInt(8 * i)) & 0xffn);
}
