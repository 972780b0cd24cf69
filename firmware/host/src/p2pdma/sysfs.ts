import { Errno } from './errno.ts';
import type { ProviderRegistry, RegisteredProvider } from './registry.ts';
import { type MmapRequest, mmapPool, type UserMapping } from './user-mapping.ts';

/**
 * What people and tests see of the providers, as files: `/sys/bus/pci/devices/<function>/p2pmem/` with `size`, `available`, `published` and, where programs may map
 * memory, `allocate`. Nothing else needs it (M1-7).
 */
export class Sysfs {
  private readonly registry: ProviderRegistry;
  /** Programs may map peers' memory: off by default, as in the mails (M1-14). */
  private readonly userMappings: boolean;

  constructor(registry: ProviderRegistry, { userMappings = false }: { readonly userMappings?: boolean } = {}) {
    this.registry = registry;
    this.userMappings = userMappings;
  }

  /** All files. Providers without a pool have none (B.9); the first that goes at removal is `allocate` (B.6). */
  list(): string[] {
    return this.registry.all.flatMap(entry => this.files(entry).map(file => `${folderOf(entry)}/${file}`));
  }

  /** Reads a file. @throws Errno ENODEV if there is no such file, EINVAL for `allocate`, which can only be mapped. */
  read(path: string): string {
    const { entry, file } = this.find(path);
    const { size, available, published } = entry.provider;
    if (file === 'size') return `${size}\n`;
    if (file === 'available') return `${available}\n`;
    if (file === 'published') return `${published ? 1 : 0}\n`;
    throw new Errno('EINVAL', `${path} can be mapped and not read`);
  }

  /** Maps `allocate`. @throws Errno ENODEV if there is no such file, else as `mmapPool`. */
  mmap(path: string, request: MmapRequest): UserMapping {
    const { entry, file } = this.find(path);
    if (file !== 'allocate') throw new Errno('EINVAL', `${path} can be read and not mapped`);
    return mmapPool(request, entry.provider);
  }

  private files({ provider }: RegisteredProvider): string[] {
    if (provider.size === 0n) return [];
    const shown = ['size', 'available', 'published'];
    return this.userMappings && provider.live ? [...shown, 'allocate'] : shown;
  }

  private find(path: string): { readonly entry: RegisteredProvider; readonly file: string } {
    for (const entry of this.registry.all)
      for (const file of this.files(entry)) if (path === `${folderOf(entry)}/${file}`) return { entry, file };
    throw new Errno('ENODEV', `there is no ${path}`);
  }
}

/** Child devices stand below the function, and have the files themselves. */
const folderOf = ({ form, name, parent }: RegisteredProvider): string =>
  `/sys/bus/pci/devices/${parent.name}/${form === 'child device' ? name : 'p2pmem'}`;
