import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { UsageError } from './errors.ts';

/** Writes a file whole or not at all: readers never see half of it. @throws UsageError if its folder cannot be written. */
export function writeWhole(path: string, text: string): void {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}`);
  try {
    writeFileSync(temporary, text);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new UsageError(`cannot write ${path}: ${reason(error)}. Name a place in a folder that exists and is writable.`);
  }
}

/** Makes sure that a file can be written later, before long work begins; leaves nothing behind. @throws UsageError if it cannot. */
export function checkWritable(path: string): void {
  const probe = join(dirname(path), `.${basename(path)}.${process.pid}`);
  try {
    if (existsSync(path) && !statSync(path).isFile()) throw new Error('it is not a file');
    writeFileSync(probe, '');
  } catch (error) {
    throw new UsageError(`cannot write ${path}: ${reason(error)}. Name a place in a folder that exists and is writable.`);
  } finally {
    rmSync(probe, { force: true });
  }
}

/** Writes files into a folder, which is made if need be; a failure leaves the folder's files as they were. */
export function writeFolder(folder: string, files: readonly { readonly name: string; readonly text: string }[]): void {
  let staging: string | undefined;
  try {
    mkdirSync(folder, { recursive: true });
    staging = mkdtempSync(join(folder, '.new-'));
    for (const file of files) writeFileSync(join(staging, file.name), file.text);
    for (const file of files) renameSync(join(staging, file.name), join(folder, file.name));
  } catch (error) {
    throw new UsageError(`cannot write into ${folder}: ${reason(error)}. Name a folder that can be made or written.`);
  } finally {
    if (staging) rmSync(staging, { recursive: true, force: true });
  }
}

/** Bytes of a regular file that is not empty. @throws UsageError otherwise. */
export function sizeOfInput(path: string): number {
  let size: number;
  try {
    const stat = statSync(path);
    if (!stat.isFile()) throw new UsageError(`${path} is not a file: name a file whose bytes shall be copied.`);
    size = stat.size;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(
      `cannot read ${path}: ${reason(error)}. Name a file that exists, or leave --file out to copy the emitted Verilog.`,
    );
  }
  if (size === 0) throw new UsageError(`${path} is empty: there is nothing to copy. Name a file of at least 1 byte.`);
  return size;
}

/** What the operating system said, without the call's name and path. */
export function reason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
  const known: Record<string, string> = {
    ENOENT: 'it does not exist',
    EACCES: 'permission is denied',
    EISDIR: 'it is a folder',
    ENOTDIR: 'part of the path is not a folder',
    ENOSPC: 'the disk is full',
    EROFS: 'the file system is read-only',
  };
  return (code && known[code]) ?? (error instanceof Error ? error.message : String(error));
}
