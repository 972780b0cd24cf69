import { extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * The default export of a person's module, `.ts` or JavaScript. A `.ts` file that is in no package of modules comes as CommonJS, its default export one level
 * deeper. @throws whatever the module throws.
 */
export async function importDefault(path: string): Promise<unknown> {
  const url = pathToFileURL(resolve(path)).href;
  const module: { readonly default: unknown } = extname(path) === '.ts' ? await typed(url) : await import(url);
  const value = module.default;
  return typeof value === 'object' && value !== null && 'default' in value ? value.default : value;
}

const typed = async (url: string) => (await import('tsx/esm/api')).tsImport(url, import.meta.url);
