import { expect, test } from 'vitest';
import { decode, encode } from '../layout.ts';
import { receiverTimerCycles } from '../rdma/commands.ts';
import {
  decodePacket,
  decodeSyndrome,
  encodePacket,
  Nak,
  Opcode,
  type Packet,
  packetsOf,
  psnAfter,
  psnDistance,
  Syndrome,
} from '../rdma/packet.ts';
import {
  decodeCompletionDoorbell,
  deviceInformation,
  deviceInformationBytes,
  doorbellOf,
  doorbellUse,
  encodeCompletionDoorbell,
  queuesFor,
} from '../rdma/registers.ts';
import { describeCommandStatus, describeWorkStatus, WorkStatus } from '../rdma/status.ts';
import { completion, completionBytes, receiveEntryBytes, scatterEntry, sendEntryBytes, sendRequest } from '../rdma/work.ts';

/** The protocol's bytes, against the tables of the InfiniBand specification and of the protocol's own files. */

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

test('a packet with base and RDMA extended header, byte by byte', () => {
  const { headers } = encodePacket({
    opcode: Opcode.writeOnlyImmediate,
    queuePair: 0x12_3456,
    psn: 0x65_4321,
    solicited: true,
    acknowledge: true,
    remote: { address: 0x0102_0304_0506_0708n, key: 0x0a0b_0c0d, bytes: 3 },
    immediate: 0xdead_beef,
    payload: Uint8Array.of(1, 2, 3),
  });
  // Opcode; SE, pad 1; partition; destination; acknowledge, PSN. Address, key, length. Immediate.
  expect(hex(headers)).toBe('0b90ffff0012345680654321' + '01020304050607080a0b0c0d00000003' + 'deadbeef');
});

test('an acknowledgement, byte by byte', () => {
  const answer = { syndrome: Syndrome.nak(Nak.remoteAccess), messages: 0x00_0102 };
  const { headers } = encodePacket({ opcode: Opcode.acknowledge, queuePair: 1, psn: 2, answer, payload: new Uint8Array() });
  expect(hex(headers)).toBe('1100ffff0000000100000002' + '62000102');
});

test('every opcode comes back as it was sent', () => {
  for (const opcode of Object.values(Opcode)) {
    const sent: Packet = {
      opcode,
      queuePair: 0xab_cdef,
      psn: 0xff_ffff,
      solicited: false,
      acknowledge: true,
      remote: { address: 1n << 63n, key: 0xffff_ffff, bytes: 0x4000_0000 },
      answer: { syndrome: Syndrome.ack, messages: 5 },
      immediate: 0x8000_0001,
      payload: opcode === Opcode.readRequest || opcode === Opcode.acknowledge ? new Uint8Array() : Uint8Array.of(9, 8),
    };
    const got = decodePacket(encodePacket(sent));
    expect(got).toBeDefined();
    expect({ ...sent, ...got }).toEqual(sent);
    const [isSend, isWrite] = [opcode <= 5, opcode >= 6 && opcode <= 0xb];
    expect(got?.remote !== undefined).toBe([0x6, 0xa, 0xb, 0xc].includes(opcode));
    expect(got?.answer !== undefined).toBe([0xd, 0xf, 0x10, 0x11].includes(opcode));
    expect(got?.immediate !== undefined).toBe((isSend && [3, 5].includes(opcode)) || (isWrite && [9, 0xb].includes(opcode)));
  }
});

test('what is no packet of a reliable connection is none', () => {
  const good = encodePacket({ opcode: Opcode.sendOnly, queuePair: 1, psn: 2, payload: Uint8Array.of(1) });
  expect(decodePacket(good)).toBeDefined();
  const broken = (change: (headers: Uint8Array) => void) => {
    const headers = good.headers.slice();
    change(headers);
    return decodePacket({ headers, payload: good.payload });
  };
  expect(broken(h => h.set([0x12], 0))).toBeUndefined();
  expect(broken(h => h.set([0x24], 0))).toBeUndefined();
  expect(broken(h => h.set([0x06], 0))).toBeUndefined();
  expect(broken(h => h.set([0x00], 1))).toBeUndefined();
  expect(broken(h => h.set([0x00], 2))).toBeUndefined();
  expect(decodePacket({ headers: good.headers.subarray(0, 11), payload: good.payload })).toBeUndefined();
  const ack = encodePacket({
    opcode: Opcode.acknowledge,
    queuePair: 1,
    psn: 2,
    answer: { syndrome: 0, messages: 0 },
    payload: new Uint8Array(),
  });
  expect(decodePacket({ ...ack, payload: new Uint8Array(4) })).toBeUndefined();
  expect(() => encodePacket({ opcode: Opcode.readRequest, queuePair: 1, psn: 2, payload: new Uint8Array() })).toThrow(RangeError);
  expect(() => encodePacket({ opcode: Opcode.acknowledge, queuePair: 1, psn: 2, payload: new Uint8Array() })).toThrow(RangeError);
  expect(() => encodePacket({ opcode: Opcode.sendLastImmediate, queuePair: 1, psn: 2, payload: new Uint8Array() })).toThrow(
    RangeError,
  );
});

test('sequence numbers go round, and syndromes say what they are', () => {
  expect(psnAfter(0xff_fffe, 3)).toBe(1);
  expect(psnAfter(0, -1)).toBe(0xff_ffff);
  expect(psnDistance(1, 0xff_fffe)).toBe(3);
  expect(psnDistance(0xff_fffe, 1)).toBe(-3);
  expect(psnDistance(0x80_0000, 0)).toBe(-0x80_0000);
  expect([0, 1, 1024, 1025].map(bytes => packetsOf(bytes, 1024))).toEqual([1, 1, 1, 2]);
  expect(decodeSyndrome(0x1f)).toEqual({ kind: 'ack' });
  expect(decodeSyndrome(Syndrome.receiverNotReady(14))).toEqual({ kind: 'receiver not ready', code: 14 });
  expect(decodeSyndrome(0x63)).toEqual({ kind: 'nak', code: Nak.remoteOperation });
  expect(decodeSyndrome(0x40)).toEqual({ kind: 'reserved', code: 0 });
  // 0.01 ms, 1.28 ms, 655.36 ms at 250 MHz.
  expect([1, 14, 0].map(receiverTimerCycles)).toEqual([2500, 320_000, 163_840_000]);
});

test('doorbells: numbers, and what they say', () => {
  expect(queuesFor(64)).toBe(20);
  const all = Array.from({ length: 64 }, (_, i) => doorbellUse(i, 20));
  expect(all.slice(0, 3)).toEqual([{ of: 'commands' }, { of: 'events' }, { of: 'completions', index: 0 }]);
  expect(all[doorbellOf.completions(19)]).toEqual({ of: 'completions', index: 19 });
  expect(all[doorbellOf.sends(0, 20)]).toEqual({ of: 'sends', index: 0 });
  expect(all[doorbellOf.receives(19, 20)]).toEqual({ of: 'receives', index: 19 });
  expect(new Set(all.map(use => JSON.stringify(use))).size).toBe(64);
  expect(encodeCompletionDoorbell({ taken: 0x1_2345 })).toBe(0x2345);
  expect(encodeCompletionDoorbell({ taken: 1, arm: { request: 3, solicitedOnly: true } })).toBe(0xc003_0001);
  expect(decodeCompletionDoorbell(0x8002_ffff)).toEqual({ taken: 0xffff, arm: { request: 2, solicitedOnly: false } });
  expect(decodeCompletionDoorbell(0x4003_0005)).toEqual({ taken: 5 });
});

test('entries of rings, byte by byte', () => {
  const request = { opcode: 3, signaled: 1, solicited: 0, fence: 1, inline: 1, entries: 2, index: 0x1234, inlineBytes: 5 };
  const rest = { immediate: 0x0102_0304, key: 0xaabb_ccdd, address: 0x1122_3344_5566_7788n };
  expect(hex(encode(sendRequest, 32, { ...request, ...rest }))).toBe(
    '030d0200' + '34120500' + '04030201' + 'ddccbbaa' + '8877665544332211' + '0000000000000000',
  );
  expect(hex(encode(scatterEntry, 16, { address: 0x10n, bytes: 0x20, key: 0x30 }))).toBe('10000000000000002000000030000000');
  const done = {
    queuePair: 0x101,
    index: 7,
    opcode: 3,
    status: 1,
    bytes: 0x1000,
    immediate: 5,
    hasImmediate: 1,
    solicited: 1,
    phase: 1,
  };
  const entry = encode(completion, completionBytes, done);
  expect(hex(entry)).toBe('01010000' + '07000301' + '00100000' + '05000000' + '03000000' + '0000000000000000' + '01000000');
  expect(decode(completion, entry)).toEqual(done);
  expect([sendEntryBytes(2, 0), sendEntryBytes(3, 0), sendEntryBytes(14, 0), sendEntryBytes(1, 224)]).toEqual([
    64, 128, 256, 256,
  ]);
  expect([receiveEntryBytes(1), receiveEntryBytes(2), receiveEntryBytes(15)]).toEqual([32, 64, 256]);
  expect(deviceInformationBytes % 4).toBe(0);
  expect(() => encode(deviceInformation, deviceInformationBytes, { bufferBytes: 1 })).not.toThrow();
});

test('statuses have words', () => {
  for (const status of Object.values(WorkStatus)) expect(describeWorkStatus(status)).not.toMatch(/^status/);
  expect(describeWorkStatus(99)).toBe('status 99');
  expect(describeCommandStatus(5)).toBe('the device has no more of these');
});
