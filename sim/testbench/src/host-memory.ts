import type { MemoryView, Simulation } from '@hdl/ts-hdl';

/** Bytes of a column. */
const columnBytes = 4;

/** Paths of the memories that host memory consists of, below the top module: a column for each DW of a word. */
export const hostMemoryPaths = (width: number): string[] =>
  Array.from({ length: width / (8 * columnBytes) }, (_, i) => `root.memory.column_${i}.words`);

/** Host memory: the CPU's own, beside the root port. Addresses are bus addresses. */
export class HostMemory {
  /** Bus address of the first byte. */
  readonly base: bigint;
  readonly bytes: number;
  /** Column i holds DW i, i + n, i + 2 n, … where there are n of them. */
  private readonly columns: readonly Uint8Array[];

  /** @throws RangeError for an engine that does not keep a DW in four bytes. */
  constructor(simulation: Simulation, width: number, base: bigint) {
    const views: MemoryView[] = hostMemoryPaths(width).map(path => simulation.memory(path));
    if (views.some(view => view.stride !== columnBytes)) throw new RangeError('host memory is not in DW on this engine');
    this.base = base;
    this.bytes = views.reduce((sum, view) => sum + view.depth * columnBytes, 0);
    this.columns = views.map(view => view.bytes);
  }

  /** A copy of `bytes` bytes. @throws RangeError outside host memory. */
  read(address: bigint, bytes: number): Uint8Array {
    const result = new Uint8Array(bytes);
    this.visit(address, bytes, (column, place, i) => {
      result[i] = column[place] ?? 0;
    });
    return result;
  }

  /** @throws RangeError outside host memory. */
  write(address: bigint, data: Uint8Array): void {
    this.visit(address, data.length, (column, place, i) => {
      column[place] = data[i] ?? 0;
    });
  }

  /** Calls `each` for every byte with where it is. */
  private visit(address: bigint, bytes: number, each: (column: Uint8Array, place: number, i: number) => void): void {
    const offset = Number(address - this.base);
    if (offset < 0 || offset + bytes > this.bytes)
      throw new RangeError(`${bytes} bytes at 0x${address.toString(16)} are not in host memory`);
    const { columns } = this;
    const rowBytes = columns.length * columnBytes;
    for (let i = 0; i < bytes; i++) {
      const at = offset + i;
      const inRow = at % rowBytes;
      const column = columns[Math.floor(inRow / columnBytes)];
      if (column) each(column, Math.floor(at / rowBytes) * columnBytes + (inRow % columnBytes), i);
    }
  }
}
