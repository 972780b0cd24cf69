import { decode, encode } from '../../../layout.ts';
import { retryable, Status } from '../../../nvme/status.ts';
import type { Piece } from '../p2pdma/index.ts';
import { TargetError } from './command-error.ts';
import type { ReceivedCapsule, RemoteBuffer } from './connection.ts';
import {
  commandCapsuleBytes,
  DescriptorKind,
  inCapsuleDescriptor,
  keyedDescriptor,
  pointerOffset,
  response,
  responseCapsuleBytes,
} from './protocol.ts';

/** Where the data of a command is: it came with the capsule, or lies in the remote host's memory. */
export type CapsuleData =
  | { readonly in: 'capsule'; readonly piece: Piece; readonly bytes: Uint8Array }
  | ({ readonly in: 'remote memory' } & RemoteBuffer);

/** The data of a capsule's command. @throws TargetError if it points to nothing of the kind. */
export function dataOf(capsule: ReceivedCapsule): CapsuleData {
  const pointer = capsule.bytes.subarray(pointerOffset, pointerOffset + 16);
  const kind = pointer[15] ?? 0;
  if (kind === DescriptorKind.keyed || kind === DescriptorKind.keyedInvalidate) {
    const { address, key, length } = decode(keyedDescriptor, pointer);
    return { in: 'remote memory', address, key, bytes: length };
  }
  if (kind !== DescriptorKind.inCapsule)
    throw new TargetError(
      Status.descriptorTypeInvalid,
      `an SGL descriptor of the kind 0x${kind.toString(16)} is none of fabrics`,
    );
  const { offset, length } = decode(inCapsuleDescriptor, pointer);
  const behind = capsule.bytes.subarray(commandCapsuleBytes);
  const at = Number(offset);
  if (!capsule.data || at + length > behind.length)
    throw new TargetError(
      Status.sglOffsetInvalid,
      `the capsule carries ${behind.length} bytes, and its command wants ${length} from ${at}`,
    );
  const piece = { cpu: capsule.data.cpu + offset, bytes: BigInt(length) };
  return { in: 'capsule', piece, bytes: behind.subarray(at, at + length) };
}

/** What a response says. */
export interface Outcome {
  readonly identifier: number;
  readonly submissionHead: number;
  readonly status: number;
  readonly result?: bigint;
}

/** A response capsule. */
export function encodeResponse({ identifier, submissionHead, status, result = 0n }: Outcome): Uint8Array {
  return encode(response, responseCapsuleBytes, {
    result,
    submissionHead,
    identifier,
    statusCode: status & 0xff,
    statusType: status >> 8,
    doNotRetry: status !== Status.success && !retryable.has(status) ? 1 : 0,
  });
}

/** As `encodeResponse`, the other way. */
export function decodeResponse(bytes: Uint8Array): Required<Outcome> {
  const { result, submissionHead, identifier, statusCode, statusType } = decode(response, bytes);
  return { identifier, submissionHead, status: (statusType << 8) | statusCode, result };
}
