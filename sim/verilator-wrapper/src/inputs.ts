import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { VerilatorError } from './errors.ts';
import type { VerilogSources } from './options.ts';

/** What of the user's file system decides what Verilator does. */
export interface Inputs {
  /** Where Verilator runs if it reads files by relative paths. */
  readonly folder: string;
  /** Arguments for files and folders, as the user gave them. */
  readonly args: readonly string[];
  /** Whether anything comes from the user's file system. */
  readonly fromDisk: boolean;
  /** Names of what is in the folders that are searched: a new file there may be found before another. */
  readonly listing: readonly (readonly string[])[];
}

/** @throws VerilatorError that names a file or folder that is not there, or a text with an odd name. */
export function inputsOf(options: VerilogSources): Inputs {
  const { files = [], includes = [], libraries = [], sources = [] } = options;
  const folder = resolve(options.folder ?? '.');
  for (const { name } of sources) {
    if (!/^[\w.-]+$/.test(name))
      throw new VerilatorError(`'${name}' is no name of a source file: letters, digits, '_', '.', '-' make one.`);
  }
  if (files.length + sources.length === 0)
    throw new VerilatorError(`There is no Verilog for ${options.top}: name files in 'files', or give texts in 'sources'.`);
  const kindOf = (path: string, what: string) => {
    const stat = statSync(resolve(folder, path), { throwIfNoEntry: false });
    if (stat === undefined) throw new VerilatorError(`There is no ${what} ${path} in ${folder}.`);
    return stat.isDirectory() ? 'folder' : 'file';
  };
  for (const file of files)
    if (kindOf(file, 'file') === 'folder') throw new VerilatorError(`${file} in ${folder} is a folder: name the files in it.`);
  for (const include of includes) {
    if (kindOf(include, 'folder') === 'file')
      throw new VerilatorError(
        `${include} in ${folder} is a file; 'includes' are the folders in which files to include are found.`,
      );
  }
  const library = (path: string) => (kindOf(path, 'library') === 'folder' ? ['-y', path] : ['-v', path]);
  const searched = [...includes, ...libraries.filter(path => kindOf(path, 'library') === 'folder')];
  return {
    folder,
    args: [...includes.map(path => `+incdir+${path}`), ...libraries.flatMap(library), ...files],
    fromDisk: files.length + includes.length + libraries.length > 0 || options.folder !== undefined,
    listing: searched.map(path => readdirSync(resolve(folder, path)).toSorted()),
  };
}

/** The files that Verilator read, from the list that it keeps beside its output; without its own. */
export function filesRead(list: string, root: string, staging: string): string[] {
  return [...list.matchAll(/^S .* "([^"]*)"$/gm)]
    .map(([, path = '']) => path)
    .filter(path => !path.startsWith(root) && !path.startsWith(staging));
}

/** Each file with the hash of its content; undefined if one is not there. */
export function hashesOf(files: readonly string[], folder: string): readonly string[] | undefined {
  try {
    return files.map(file => {
      const text = readFileSync(resolve(folder, file));
      return `${file} ${createHash('sha256').update(text).digest('hex')}`;
    });
  } catch {
    return undefined;
  }
}
