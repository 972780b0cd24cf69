import { memoryRead, memoryWrite, Status } from '@hdl/pcie-rtl';
import { HostError } from './host-error.ts';
import type { Requester } from './requester.ts';

/** Largest payload and read request that the host's own accesses use, in bytes: what every device takes. */
const pieceBytes = 128;

const statusText: { readonly [status: number]: string } = {
  [Status.unsupported]: 'unsupported request: no device claims the address, or its memory space is off',
  [Status.retry]: 'request retry',
  [Status.abort]: 'completer abort',
};

/** Loads and stores of the CPU to device memory: MRd and MWr, cut at multiples of 128 bytes (so never across 4 KiB, C5). */
export class MemoryAccess {
  private readonly requester: Requester;

  constructor(requester: Requester) {
    this.requester = requester;
  }

  /** Reads one DW at a multiple of 4. @throws HostError as `read` does. */
  async read32(address: bigint): Promise<number> {
    const data = await this.read(address, 4);
    return new DataView(data.buffer, data.byteOffset).getUint32(0, true);
  }

  /** Writes one DW at a multiple of 4. */
  async write32(address: bigint, value: number): Promise<void> {
    await this.write(address, new Uint8Array(Uint32Array.of(value).buffer));
  }

  /** Reads bytes. @throws HostError if the fabric answers with an error, or not in time. */
  async read(address: bigint, bytes: number): Promise<Uint8Array> {
    const result = new Uint8Array(bytes);
    const parts = pieces(address, bytes).map(async piece => {
      const { status, data } = await this.requester.request(from =>
        memoryRead({ ...from, address: piece.address, bytes: piece.bytes }),
      );
      const skip = Number(piece.address & 3n);
      if (status !== Status.success || data.length < skip + piece.bytes)
        throw new HostError(
          `the read of ${piece.bytes} bytes at 0x${piece.address.toString(16)} ended with ${statusText[status] ?? `status ${status} and ${data.length} bytes`}`,
        );
      result.set(data.subarray(skip, skip + piece.bytes), piece.at);
    });
    await Promise.all(parts);
    return result;
  }

  /** Writes bytes: posted, so nothing tells that they arrived (read back for that). */
  async write(address: bigint, data: Uint8Array): Promise<void> {
    for (const piece of pieces(address, data.length)) {
      const payload = data.subarray(piece.at, piece.at + piece.bytes);
      await this.requester.post(from => memoryWrite({ ...from, address: piece.address, data: payload }));
    }
  }
}

/** The requests that an access needs. */
function pieces(address: bigint, bytes: number) {
  const result: { readonly address: bigint; readonly at: number; readonly bytes: number }[] = [];
  for (let at = 0; at < bytes; ) {
    const start = address + BigInt(at);
    const room = pieceBytes - Number(start & BigInt(pieceBytes - 1));
    const piece = { address: start, at, bytes: Math.min(room, bytes - at) };
    result.push(piece);
    at += piece.bytes;
  }
  return result;
}
