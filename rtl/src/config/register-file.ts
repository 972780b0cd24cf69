import { cat, decode, HdlError, mux, type UInt, u, type Var, when } from '@hdl/ts-hdl';

/** Bits of a configuration register that are held in a register of the module (`rw`) or that follow a signal (`ro`). */
export type ConfigField =
  | { readonly low: number; readonly rw: Var<UInt<number>> }
  | { readonly low: number; readonly ro: UInt<number> };

/** A 32-bit configuration register. Bits that no field covers read as in `constant` and ignore writes. */
export interface ConfigRegister {
  /** Byte offset, a multiple of 4. */
  readonly offset: number;
  readonly constant?: number;
  readonly fields?: readonly ConfigField[];
}

/** The access port of a configuration space: one access per cycle of `access_valid`. */
export interface ConfigAccess {
  readonly access_valid: UInt<1>;
  readonly access_write: UInt<1>;
  /** Number of the 32-bit register. */
  readonly access_register: UInt<10>;
  readonly access_data: UInt<32>;
  /** Bit i enables byte i of a write. */
  readonly access_mask: UInt<4>;
}

const signalOf = (field: ConfigField): UInt<number> => ('rw' in field ? field.rw : field.ro);

/**
 * The logic of a configuration space that is described as data: byte-masked writes into the `rw` fields, and `read_data` (a register
 * without reset), valid in the cycle after `access_valid`. Registers that the map does not name read 0. Called inside `logic()`.
 * @throws HdlError for a register that stands twice or fields that overlap or leave the register.
 */
export function serveRegisters(access: ConfigAccess, map: readonly ConfigRegister[], read_data: Var<UInt<32>>): void {
  when(access.access_valid, () => {
    decode(
      access.access_register,
      map.map(register => [numberOf(register), () => read_data.set(readValue(register))] as const),
      () => read_data.set(0),
    );
    when(access.access_write, () => {
      const writable = map.filter(register => register.fields?.some(field => 'rw' in field));
      decode(
        access.access_register,
        writable.map(register => [numberOf(register), () => write(access, register)] as const),
      );
    });
  });
}

function numberOf(register: ConfigRegister): number {
  if (register.offset % 4 !== 0) throw new HdlError(`a configuration register stands at a multiple of 4, not ${register.offset}`);
  return register.offset / 4;
}

/** The register's 32 bits: fields, and the constant between them. */
function readValue(register: ConfigRegister): UInt<32> {
  const fields = [...(register.fields ?? [])].sort((a, b) => b.low - a.low);
  const parts: UInt<number>[] = [];
  let top = 32;
  const constant = (low: number) => {
    if (top === low) return;
    const mask = (1n << BigInt(top - low)) - 1n;
    parts.push(u(top - low, (BigInt(register.constant ?? 0) >> BigInt(low)) & mask));
  };
  for (const field of fields) {
    const signal = signalOf(field);
    if (field.low < 0 || field.low + signal.width > top)
      throw new HdlError(`the field at bit ${field.low} of configuration register ${register.offset} overlaps or leaves it`);
    constant(field.low + signal.width);
    parts.push(signal);
    top = field.low;
  }
  constant(0);
  return cat(...parts).as(32);
}

function write(access: ConfigAccess, register: ConfigRegister): void {
  for (const field of register.fields ?? []) {
    if (!('rw' in field)) continue;
    const { rw, low } = field;
    const high = low + rw.width - 1;
    const parts: UInt<number>[] = [];
    for (let byte = Math.floor(high / 8); byte >= Math.floor(low / 8); byte--) {
      const from = Math.max(low, 8 * byte);
      const width = Math.min(high, 8 * byte + 7) - from + 1;
      parts.push(mux(access.access_mask.bit(byte), access.access_data.part(from, width), rw.part(from - low, width)));
    }
    rw.set(cat(...parts));
  }
}
