/**
 * Structures in memory as data: a layout names the items of a structure and where each lies, and serves both directions. All numbers are little endian.
 */

/** One item of a structure. */
export interface Item<T> {
  get(view: DataView): T;
  /** Stores a value. @throws RangeError if it does not fit. */
  set(view: DataView, value: T): void;
}

export type Layout = { readonly [name: string]: Item<unknown> };

/** What a structure says. */
export type Values<L extends Layout> = { readonly [K in keyof L]: ReturnType<L[K]['get']> };

/** Bits `high` to `low` of the DW at a byte offset. */
export function bits(offset: number, high: number, low: number): Item<number> {
  const size = 2 ** (high - low + 1);
  const scale = 2 ** low;
  return {
    get: view => Math.floor(view.getUint32(offset, true) / scale) % size,
    set(view, value) {
      if (!Number.isInteger(value) || value < 0 || value >= size)
        throw new RangeError(`${value} does not fit the bits ${high} to ${low} at byte ${offset}`);
      const old = view.getUint32(offset, true);
      const field = Math.floor(old / scale) % size;
      view.setUint32(offset, old + (value - field) * scale, true);
    },
  };
}

/** An unsigned number of 1 to 4 bytes. */
function unsigned(offset: number, bytes: 1 | 2 | 4): Item<number> {
  return {
    get: view =>
      bytes === 1 ? view.getUint8(offset) : bytes === 2 ? view.getUint16(offset, true) : view.getUint32(offset, true),
    set(view, value) {
      if (!Number.isInteger(value) || value < 0 || value >= 256 ** bytes)
        throw new RangeError(`${value} does not fit the ${bytes} bytes at byte ${offset}`);
      if (bytes === 1) view.setUint8(offset, value);
      else if (bytes === 2) view.setUint16(offset, value, true);
      else view.setUint32(offset, value, true);
    },
  };
}

export const u8 = (offset: number): Item<number> => unsigned(offset, 1);
export const u16 = (offset: number): Item<number> => unsigned(offset, 2);
export const u32 = (offset: number): Item<number> => unsigned(offset, 4);

/** An unsigned number of 64 bits. */
export const u64 = (offset: number): Item<bigint> => ({
  get: view => view.getBigUint64(offset, true),
  set(view, value) {
    if (value < 0n || value >> 64n !== 0n) throw new RangeError(`${value} does not fit the 8 bytes at byte ${offset}`);
    view.setBigUint64(offset, value, true);
  },
});

/** An unsigned number of 128 bits. */
export const u128 = (offset: number): Item<bigint> => ({
  get: view => view.getBigUint64(offset, true) | (view.getBigUint64(offset + 8, true) << 64n),
  set(view, value) {
    if (value < 0n || value >> 128n !== 0n) throw new RangeError(`${value} does not fit the 16 bytes at byte ${offset}`);
    view.setBigUint64(offset, value & 0xffff_ffff_ffff_ffffn, true);
    view.setBigUint64(offset + 8, value >> 64n, true);
  },
});

/** Bytes as they stand. */
export const raw = (offset: number, bytes: number): Item<Uint8Array> => ({
  get: view => new Uint8Array(view.buffer, view.byteOffset + offset, bytes).slice(),
  set(view, value) {
    if (value.length !== bytes) throw new RangeError(`${value.length} bytes do not fit the ${bytes} bytes at byte ${offset}`);
    new Uint8Array(view.buffer, view.byteOffset + offset, bytes).set(value);
  },
});

/** ASCII, filled up on the right: with spaces, or with zeros as qualified names are. */
export const ascii = (offset: number, bytes: number, fill: ' ' | '\0' = ' '): Item<string> => ({
  get: view => {
    const text = String.fromCharCode(...new Uint8Array(view.buffer, view.byteOffset + offset, bytes));
    return fill === ' ' ? text.trimEnd() : text.replace(/\0.*$/s, '');
  },
  set(view, value) {
    if (value.length > bytes) throw new RangeError(`"${value}" is longer than the ${bytes} bytes at byte ${offset}`);
    const target = new Uint8Array(view.buffer, view.byteOffset + offset, bytes);
    for (let i = 0; i < bytes; i++) target[i] = (value.charCodeAt(i) || fill.charCodeAt(0)) & 0x7f;
  },
});

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** What a structure in memory says. @throws RangeError if there are fewer bytes than the layout has. */
export function decode<L extends Layout>(layout: L, bytes: Uint8Array): Values<L> {
  const view = viewOf(bytes);
  return Object.fromEntries(Object.entries(layout).map(([name, item]) => [name, item.get(view)])) as Values<L>;
}

/** Stores values in a structure; what has no value stays as it is. @throws RangeError for a value that does not fit. */
export function store<L extends Layout>(layout: L, bytes: Uint8Array, values: Partial<Values<L>>): void {
  const view = viewOf(bytes);
  for (const [name, value] of Object.entries(values)) {
    const item = layout[name];
    if (value !== undefined) item?.set(view, value);
  }
}

/** A structure of so many bytes; what has no value is 0. @throws RangeError for a value that does not fit. */
export function encode<L extends Layout>(layout: L, bytes: number, values: Partial<Values<L>>): Uint8Array {
  const result = new Uint8Array(bytes);
  store(layout, result, values);
  return result;
}
