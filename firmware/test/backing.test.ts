import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { BackingError, FileBacking, MemoryBacking } from '../device/src/backing.ts';

const folder = mkdtempSync(join(tmpdir(), 'backing-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('a drive in a file keeps what is written, and reads zeros elsewhere', () => {
  const path = join(folder, 'drive');
  using drive = new FileBacking(path, { capacity: 1 << 30, writable: true });
  drive.write(5000, Uint8Array.of(1, 2, 3));
  const bytes = new Uint8Array(5).fill(9);
  drive.read(4999, bytes);
  expect([...bytes]).toEqual([0, 1, 2, 3, 0]);
  expect(statSync(path).size).toBe(5003);
  drive.truncate(5001);
  drive.read(4999, bytes);
  expect([...bytes]).toEqual([0, 1, 0, 0, 0]);
  expect(readFileSync(path).length).toBe(5001);
});

test('a drive that exists is read as it is, and is not written unless that is asked for', () => {
  const path = join(folder, 'source');
  writeFileSync(path, 'hello');
  using drive = new FileBacking(path);
  expect(drive.capacity).toBe(5);
  const bytes = new Uint8Array(5);
  drive.read(0, bytes);
  expect(Buffer.from(bytes).toString()).toBe('hello');
  expect(() => drive.write(0, bytes)).toThrow(/is read-only/);
});

test('the bounds hold', () => {
  const path = join(folder, 'small');
  writeFileSync(path, '0123456789');
  using drive = new FileBacking(path, { writable: true });
  expect(() => drive.read(8, new Uint8Array(3))).toThrow(/3 bytes at 8 are beyond .* 10 bytes/);
  expect(() => drive.write(-1, new Uint8Array(1))).toThrow(BackingError);
  expect(() => new MemoryBacking(new Uint8Array(4)).write(4, new Uint8Array(1))).toThrow(BackingError);
  expect(() => new FileBacking(path, { capacity: 9 })).toThrow(/10 bytes does not fit a drive of 9 bytes/);
  expect(() => new FileBacking(join(folder, 'none'))).toThrow(/cannot open the drive's file .*ENOENT/);
  drive.close();
  expect(() => drive.read(0, new Uint8Array(1))).toThrow(/is closed/);
});
