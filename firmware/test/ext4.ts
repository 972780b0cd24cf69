import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomBytes } from './bench.ts';

/** Real file systems, made and checked by the tools of ext4. */

/** The tools stand beside those for everybody. */
const tools = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
const tool = (name: string, ...args: readonly string[]): SpawnSyncReturns<string> =>
  spawnSync(name, args, { env: tools, encoding: 'utf8' });

/** Both tools are installed. */
export const ext4Installed = ['mke2fs', 'e2fsck'].every(name => tool(name, '-V').error === undefined);

/** Makes an ext4 file system of so many KiB with a file that fills most of it, and gives its image. @throws Error with what the tool says. */
export function makeExt4(folder: string, kib: number): Buffer {
  mkdirSync(join(folder, 'files'));
  writeFileSync(join(folder, 'files', 'data'), randomBytes(Math.floor(kib * 600), 9));
  const image = join(folder, 'image');
  const made = tool(
    'mke2fs',
    ...['-q', '-t', 'ext4', '-b', '1024', '-O', '^has_journal', '-d', join(folder, 'files'), image, `${kib}`],
  );
  if (made.status !== 0) throw new Error(`mke2fs: ${made.stderr}`);
  return readFileSync(image);
}

/** What `e2fsck -fn` says of an image: all is well if its status is 0. */
export function checkExt4(folder: string, image: Uint8Array): { readonly status: number | null; readonly says: string } {
  const path = join(folder, 'copy');
  writeFileSync(path, image);
  const { status, stdout, stderr } = tool('e2fsck', '-fn', path);
  return { status, says: `${stdout}${stderr}` };
}
