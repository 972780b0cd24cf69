import type { Buffers } from './buffers.ts';

/** A part of a transfer. */
export interface Chunk {
  /** Bytes from the start. */
  readonly offset: number;
  readonly bytes: number;
}

/** Parts of `chunkBytes` bytes; the last one has the rest. */
export function chunksOf(length: number, chunkBytes: number): Chunk[] {
  return Array.from({ length: Math.ceil(length / chunkBytes) }, (_, i) => {
    const offset = i * chunkBytes;
    return { offset, bytes: Math.min(chunkBytes, length - offset) };
  });
}

/**
 * Moves all chunks, as many at once as there are buffers: each is begun, in order, when it gets one, and `move` gives it back when the data has
 * left it. After an error no further chunk is begun, and the error is thrown when those under way have ended.
 */
export async function moveChunks(
  chunks: readonly Chunk[],
  buffers: Buffers,
  move: (chunk: Chunk, buffer: bigint) => Promise<void>,
): Promise<void> {
  const errors: unknown[] = [];
  const underWay = new Set<Promise<void>>();
  for (const chunk of chunks) {
    const buffer = await buffers.acquire();
    if (errors.length > 0) {
      buffers.release(buffer);
      break;
    }
    const moving: Promise<void> = move(chunk, buffer)
      .catch(error => void errors.push(error))
      .finally(() => underWay.delete(moving));
    underWay.add(moving);
  }
  await Promise.all(underWay);
  if (errors.length > 0) throw errors[0];
}
