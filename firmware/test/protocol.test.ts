import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decodeCommand,
  decodeCompletion,
  decodeIdentity,
  describeStatus,
  encodeCommand,
  encodeCompletion,
  encodeIdentity,
  Opcode,
} from '../protocol.ts';

const seed = 3;
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const command = fc.record({
  opcode: fc.integer({ min: 0, max: 255 }),
  sequence: fc.integer({ min: 0, max: 65_535 }),
  length: u32,
  offset: u64,
  address: u64,
  completionAddress: u64,
  vector: u32,
});

test('a command has its fields at the places that the protocol names', () => {
  const dwords = encodeCommand({
    opcode: Opcode.write,
    sequence: 0xbeef,
    length: 0x1000,
    offset: 0x1_0000_0002n,
    address: 0x80_1234_5678n,
    completionAddress: 0xfee_0000n,
    vector: 5,
  });
  expect([...dwords]).toEqual([0xbeef_0003, 0x1000, 2, 1, 0x1234_5678, 0x80, 0xfee_0000, 0, 5, 0, 0, 0, 0, 0, 0, 0]);
});

test('every command comes back from its slot', () => {
  fc.assert(
    fc.property(command, value => {
      expect(decodeCommand(encodeCommand(value))).toEqual(value);
    }),
    { seed },
  );
});

test('completion entries and identities come back', () => {
  const entry = fc.record({
    slot: fc.integer({ min: 0, max: 255 }),
    status: fc.integer({ min: 0, max: 255 }),
    sequence: fc.integer({ min: 0, max: 65_535 }),
  });
  const identity = fc.record({ capacity: u64, memoryBytes: u32, alignment: u32 });
  fc.assert(
    fc.property(entry, identity, (one, other) => {
      expect(decodeCompletion(encodeCompletion(one))).toEqual(one);
      expect(decodeIdentity(encodeIdentity(other))).toEqual(other);
    }),
    { seed },
  );
  expect(encodeCompletion({ slot: 1, status: 2, sequence: 0xffff })).toBe(0xffff_0201);
});

test('a field that does not fit is named', () => {
  const good = { opcode: 1, sequence: 1, length: 1, offset: 0n, address: 0n, completionAddress: 0n, vector: 0 };
  expect(() => encodeCommand({ ...good, length: 2 ** 32 })).toThrow(/length cannot be 4294967296/);
  expect(() => encodeCommand({ ...good, sequence: -1 })).toThrow(/sequence cannot be -1/);
  expect(() => encodeCommand({ ...good, address: 2n ** 64n })).toThrow(/address cannot be .* 64 bits/);
});

test('a status that nobody knows is told with its number', () => {
  expect(describeStatus(0)).toBe('success');
  expect(describeStatus(99)).toBe('unknown status 99');
});
