import type { BlockDriver } from './block-driver.ts';
import { Buffers, barMemory } from './buffers.ts';
import { type Chunk, chunksOf, moveChunks } from './chunks.ts';
import { HostError } from './host-error.ts';

/**
 * How a copy travels.
 *
 * | flow | steps per chunk |
 * |---|---|
 * | `peer-write` | source: media to its BAR memory; source: MWr to the target's BAR memory; target: BAR memory to media |
 * | `peer-read` | source: media to its BAR memory; target: MRd from there to its media |
 * | `host-memory` | source: MWr to host memory; target: MRd from there to its media |
 */
export type Flow = 'peer-write' | 'peer-read' | 'host-memory';

export interface CopyOptions {
  readonly source: BlockDriver;
  readonly target: BlockDriver;
  /** Bytes, from the start of both media: 1 up to the smaller capacity. */
  readonly length: number;
  readonly flow: Flow;
  /** Bytes per command, a multiple of both drives' `alignment`; by default what leaves four buffers in each memory on the way, at most 128 KiB. */
  readonly chunkBytes?: number;
  /** Called when a chunk is on the target's media. */
  readonly onProgress?: (bytesDone: number, length: number) => void;
}

/**
 * Copies the first `length` bytes of one drive to another, chunk by chunk, with several chunks under way so that the links stay busy.
 * @throws HostError for a length beyond a drive, chunks that do not fit, and for what a drive reports; the first error ends the copy, when the
 * chunks under way have ended.
 */
export async function copyFile(options: CopyOptions): Promise<void> {
  const { source, target, length, flow, onProgress } = options;
  for (const drive of [source, target]) checkLength(drive, length);
  const { chunkBytes = defaultChunkBytes(options) } = options;
  checkChunk([source, target], chunkBytes);

  let done = 0;
  const finished = ({ bytes }: Chunk) => {
    done += bytes;
    onProgress?.(done, length);
  };
  const chunks = chunksOf(length, chunkBytes);
  if (flow === 'peer-write') return copyByPeerWrite(source, target, chunks, chunkBytes, finished);
  const buffers = flow === 'peer-read' ? Buffers.inDrive(source, chunkBytes) : Buffers.inHost(source.host, chunkBytes);
  try {
    await copyThrough(source, target, chunks, buffers, finished);
  } finally {
    buffers.close();
  }
}

export interface ReadOptions {
  readonly drive: BlockDriver;
  /** Bytes, from the start of the media. */
  readonly length: number;
  /** Bytes per command, 128 KiB by default. */
  readonly chunkBytes?: number;
  /** Gets the chunks in order of their offsets. The bytes are the caller's. */
  readonly onChunk: (bytes: Uint8Array, offset: number) => void;
}

/** Reads the first `length` bytes of a drive into the host, through host memory. @throws HostError as `copyFile` does. */
export async function readDrive({ drive, length, chunkBytes = mostChunkBytes, onChunk }: ReadOptions): Promise<void> {
  checkLength(drive, length);
  checkChunk([drive], chunkBytes);
  const { host } = drive;
  const buffers = Buffers.inHost(host, chunkBytes);
  try {
    // A drive completes its reads in order, so the chunks come in order.
    await moveChunks(chunksOf(length, chunkBytes), buffers, async ({ offset, bytes }, buffer) => {
      try {
        await drive.read(offset, bytes, buffer);
        onChunk(host.readMemory(buffer, bytes), offset);
      } finally {
        buffers.release(buffer);
      }
    });
  } finally {
    buffers.close();
  }
}

type Finished = (chunk: Chunk) => void;

/** The source writes to where the target reads. */
async function copyThrough(source: BlockDriver, target: BlockDriver, chunks: Chunk[], buffers: Buffers, finished: Finished) {
  await moveChunks(chunks, buffers, async (chunk, buffer) => {
    try {
      await source.read(chunk.offset, chunk.bytes, buffer);
      await target.write(chunk.offset, chunk.bytes, buffer);
    } finally {
      buffers.release(buffer);
    }
    finished(chunk);
  });
}

/** A chunk has a buffer in the source until it was pushed, and one in the target from then on. */
async function copyByPeerWrite(
  source: BlockDriver,
  target: BlockDriver,
  chunks: Chunk[],
  chunkBytes: number,
  finished: Finished,
): Promise<void> {
  const nearMemory = barMemory(source);
  const nearBuffers = Buffers.inDrive(source, chunkBytes);
  const farBuffers = Buffers.inDrive(target, chunkBytes);
  const push = async ({ offset, bytes }: Chunk, near: bigint): Promise<bigint> => {
    try {
      await source.read(offset, bytes, near);
      const far = await farBuffers.acquire();
      try {
        await source.push(Number(near - nearMemory.base), bytes, far);
      } catch (error) {
        farBuffers.release(far);
        throw error;
      }
      return far;
    } finally {
      nearBuffers.release(near);
    }
  };
  await moveChunks(chunks, nearBuffers, async (chunk, near) => {
    const far = await push(chunk, near);
    try {
      await target.write(chunk.offset, chunk.bytes, far);
    } finally {
      farBuffers.release(far);
    }
    finished(chunk);
  });
}

const leastBuffers = 4;
const mostChunkBytes = 128 * 1024;

/** Bytes of a chunk when the caller does not say: a power of two. */
function defaultChunkBytes({ source, target, flow }: CopyOptions): number {
  const memories = { 'peer-write': [source, target], 'peer-read': [source], 'host-memory': [] }[flow].map(barMemory);
  const room = Math.min(mostChunkBytes * leastBuffers, ...memories.map(({ bytes }) => Number(bytes)));
  return 2 ** Math.floor(Math.log2(room / leastBuffers));
}

function checkLength(drive: BlockDriver, length: number): void {
  if (!Number.isSafeInteger(length) || length < 1 || BigInt(length) > drive.identity.capacity)
    throw new HostError(
      `cannot move ${length} bytes: ${drive.name} has ${drive.identity.capacity} bytes, and at least 1 is moved`,
    );
}

function checkChunk(drives: readonly BlockDriver[], chunkBytes: number): void {
  const alignment = Math.max(...drives.map(drive => drive.identity.alignment));
  if (!Number.isInteger(chunkBytes) || chunkBytes <= 0 || chunkBytes % alignment !== 0)
    throw new HostError(`a chunk has a multiple of ${alignment} bytes, not ${chunkBytes}`);
}
