import { Opcode } from '../../../rdma/packet.ts';
import { WorkOpcode } from '../../../rdma/work.ts';

const { send, sendImmediate, write, writeImmediate } = WorkOpcode;

/** Opcodes of First, Middle, Last and Only packets. */
const opcodes: { readonly [work: number]: readonly [number, number, number, number] } = {
  [send]: [Opcode.sendFirst, Opcode.sendMiddle, Opcode.sendLast, Opcode.sendOnly],
  [sendImmediate]: [Opcode.sendFirst, Opcode.sendMiddle, Opcode.sendLastImmediate, Opcode.sendOnlyImmediate],
  [write]: [Opcode.writeFirst, Opcode.writeMiddle, Opcode.writeLast, Opcode.writeOnly],
  [writeImmediate]: [Opcode.writeFirst, Opcode.writeMiddle, Opcode.writeLastImmediate, Opcode.writeOnlyImmediate],
};
const responses = [Opcode.readFirst, Opcode.readMiddle, Opcode.readLast, Opcode.readOnly] as const;

const part = (index: number, count: number): 0 | 1 | 2 | 3 => (count === 1 ? 3 : index === 0 ? 0 : index === count - 1 ? 2 : 1);

/** Opcode of packet `index` of `count` of a message. `work` is SEND or WRITE of `WorkOpcode`. */
export const messageOpcode = (work: number, index: number, count: number): number =>
  opcodes[work]?.[part(index, count)] ?? Opcode.sendOnly;

/** Opcode of READ response `index` of `count`. */
export const responseOpcode = (index: number, count: number): number => responses[part(index, count)];
