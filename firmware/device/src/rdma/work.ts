import { decode } from '../../../layout.ts';
import { packetsOf } from '../../../rdma/packet.ts';
import { WorkStatus } from '../../../rdma/status.ts';
import {
  receiveRequest,
  receiveRequestBytes,
  type ScatterEntry,
  scatterEntry,
  scatterEntryBytes,
  sendRequest,
  sendRequestBytes,
  WorkOpcode,
} from '../../../rdma/work.ts';
import type { RingEntry } from './work-ring.ts';

/** Work requests as the device sees them. */

/** A send request, and how far it is. Its packets have sequence numbers in a row. */
export interface SendWork {
  readonly index: number;
  /** One of `WorkOpcode`. */
  readonly opcode: number;
  readonly signaled: boolean;
  readonly solicited: boolean;
  readonly fence: boolean;
  readonly bytes: number;
  readonly entries: readonly ScatterEntry[];
  /** Data that stood in the request. */
  readonly inline: Uint8Array | undefined;
  readonly immediate: number;
  readonly address: bigint;
  readonly key: number;
  readonly firstPsn: number;
  /** For a READ: of its responses. */
  readonly packets: number;
  /** Packets that are on the wire; all of them for a READ whose request is. */
  sent: number;
  /** Of a READ: responses that have come, and how many had when its request went out last. */
  received: number;
  asked: number;
  /** One of `WorkStatus`, if it cannot be carried out. */
  failure: number | undefined;
}

/** A receive request. */
export interface ReceiveWork {
  readonly index: number;
  readonly entries: readonly ScatterEntry[];
  readonly bytes: number;
  /** One of `WorkStatus`, if it makes no sense. */
  readonly failure: number | undefined;
}

const noWork = { entries: [], bytes: 0 } as const;

export interface SendLimits {
  readonly mtu: number;
  readonly maxMessage: number;
  readonly firstPsn: number;
}

/** What a send request asks for. One that makes no sense has no packets. */
export function sendWork({ index, data }: RingEntry, { mtu, maxMessage, firstPsn }: SendLimits): SendWork {
  const given = decode(sendRequest, data);
  const inline = given.inline ? data.subarray(sendRequestBytes, sendRequestBytes + given.inlineBytes) : undefined;
  const entries = inline ? [] : entriesAt(data, sendRequestBytes, given.entries);
  const bytes = inline ? inline.length : sum(entries ?? []);
  const wrong =
    given.index !== index ||
    given.opcode > WorkOpcode.read ||
    !entries ||
    (inline && (inline.length < given.inlineBytes || given.opcode === WorkOpcode.read));
  const failure = wrong ? WorkStatus.localOperation : bytes > maxMessage ? WorkStatus.localLength : undefined;
  return {
    index,
    opcode: given.opcode,
    signaled: given.signaled === 1,
    solicited: given.solicited === 1,
    fence: given.fence === 1,
    ...(failure === undefined ? { bytes, entries: entries ?? [] } : noWork),
    inline,
    immediate: given.immediate,
    address: given.address,
    key: given.key,
    firstPsn,
    packets: failure === undefined ? packetsOf(bytes, mtu) : 0,
    sent: 0,
    received: 0,
    asked: 0,
    failure,
  };
}

/** What a receive request offers. */
export function receiveWork({ index, data }: RingEntry): ReceiveWork {
  const given = decode(receiveRequest, data);
  const entries = entriesAt(data, receiveRequestBytes, given.entries);
  if (given.index !== index || !entries) return { index, ...noWork, failure: WorkStatus.localOperation };
  return { index, entries, bytes: sum(entries), failure: undefined };
}

/** Parts of scatter-gather entries: `bytes` from `offset` on. */
export function sliceEntries(entries: readonly ScatterEntry[], offset: number, bytes: number): ScatterEntry[] {
  const result: ScatterEntry[] = [];
  let skip = offset;
  let left = bytes;
  for (const { address, bytes: size, key } of entries) {
    const from = Math.min(skip, size);
    const length = Math.min(size - from, left);
    if (length > 0) result.push({ address: address + BigInt(from), bytes: length, key });
    skip -= from;
    left -= length;
  }
  return result;
}

const sum = (entries: readonly ScatterEntry[]): number => entries.reduce((all, { bytes }) => all + bytes, 0);

/** @returns nothing if the entry of the ring has no room for so many. */
function entriesAt(data: Uint8Array, head: number, count: number): ScatterEntry[] | undefined {
  if (head + count * scatterEntryBytes > data.length) return undefined;
  return Array.from({ length: count }, (_, i) => decode(scatterEntry, data.subarray(head + i * scatterEntryBytes)));
}

export const isRead = ({ opcode }: SendWork): boolean => opcode === WorkOpcode.read;
export const isWrite = ({ opcode }: SendWork): boolean => opcode === WorkOpcode.write || opcode === WorkOpcode.writeImmediate;
