import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';

/** Where a drive's data lives. Accesses are complete when they return, so they cost no simulated time of their own. */
export interface Backing {
  /** Bytes. */
  readonly capacity: number;
  /** Fills `target` with the bytes from `offset` on. @throws BackingError beyond the capacity or if the store fails. */
  read(offset: number, target: Uint8Array): void;
  /** Stores bytes from `offset` on. @throws BackingError beyond the capacity or if the store fails. */
  write(offset: number, source: Uint8Array): void;
}

/** An access that a backing store cannot serve. */
export class BackingError extends Error {
  override readonly name = 'BackingError';
}

export interface FileBackingOptions {
  /** Bytes of the drive; by default the bytes of the file. */
  readonly capacity?: number;
  /** The drive may be written; a file that does not exist is created, as a sparse one. */
  readonly writable?: boolean;
}

/**
 * A drive in a file: positioned reads and writes, nothing kept in memory. Where the file is shorter than the drive, the drive reads zeros. The
 * file is open until `close` (or `using`).
 */
export class FileBacking implements Backing, Disposable {
  readonly capacity: number;
  private readonly path: string;
  private readonly writable: boolean;
  private file: number | undefined;

  /** @throws BackingError if the file cannot be opened or is larger than the drive. */
  constructor(path: string, options: FileBackingOptions = {}) {
    this.path = path;
    this.writable = options.writable ?? false;
    this.file = attempt(`open the drive's file ${path}`, () => this.open());
    const bytes = fstatSync(this.file).size;
    this.capacity = options.capacity ?? bytes;
    if (!Number.isSafeInteger(this.capacity) || this.capacity <= 0 || bytes > this.capacity) {
      this.close();
      throw new BackingError(`the file ${path} of ${bytes} bytes does not fit a drive of ${this.capacity} bytes`);
    }
  }

  private open(): number {
    if (!this.writable) return openSync(this.path, 'r');
    try {
      return openSync(this.path, 'r+');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return openSync(this.path, 'wx+');
    }
  }

  read(offset: number, target: Uint8Array): void {
    const file = this.check(offset, target.length);
    let done = 0;
    while (done < target.length) {
      const bytes = attempt(`read ${this.path}`, () => readSync(file, target, done, target.length - done, offset + done));
      if (bytes === 0) break;
      done += bytes;
    }
    target.fill(0, done);
  }

  write(offset: number, source: Uint8Array): void {
    const file = this.check(offset, source.length);
    if (!this.writable) throw new BackingError(`the drive in ${this.path} is read-only`);
    let done = 0;
    while (done < source.length)
      done += attempt(`write ${this.path}`, () => writeSync(file, source, done, source.length - done, offset + done));
  }

  /** Cuts the file to `bytes`; the drive reads zeros behind. @throws BackingError beyond the capacity. */
  truncate(bytes: number): void {
    const file = this.check(0, bytes);
    attempt(`truncate ${this.path}`, () => ftruncateSync(file, bytes));
  }

  close(): void {
    if (this.file !== undefined) closeSync(this.file);
    this.file = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  private check(offset: number, bytes: number): number {
    if (this.file === undefined) throw new BackingError(`the drive in ${this.path} is closed`);
    if (!Number.isSafeInteger(offset) || offset < 0 || offset + bytes > this.capacity)
      throw new BackingError(
        `${bytes} bytes at ${offset} are beyond the drive in ${this.path}, which has ${this.capacity} bytes`,
      );
    return this.file;
  }
}

/** A drive in memory, for small tests. */
export class MemoryBacking implements Backing {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get capacity(): number {
    return this.bytes.length;
  }

  read(offset: number, target: Uint8Array): void {
    this.check(offset, target.length);
    target.set(this.bytes.subarray(offset, offset + target.length));
  }

  write(offset: number, source: Uint8Array): void {
    this.check(offset, source.length);
    this.bytes.set(source, offset);
  }

  private check(offset: number, bytes: number): void {
    if (!Number.isSafeInteger(offset) || offset < 0 || offset + bytes > this.capacity)
      throw new BackingError(`${bytes} bytes at ${offset} are beyond the drive, which has ${this.capacity} bytes`);
  }
}

function attempt<T>(what: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw new BackingError(`cannot ${what}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
