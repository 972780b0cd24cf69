import { HdlError, quantity } from '../lang/errors.ts';
import type { SliceWidth } from '../lang/width-arithmetic.ts';

/**
 * What software and hardware may do with a field.
 *
 * - `rw`: software reads and writes, hardware reads.
 * - `rw_hwclr`: the same, and hardware clears the bits that it gives as 1; clearing wins.
 * - `ro`: hardware gives the value, software reads.
 * - `constant`: always its reset value.
 * - `w1c`: hardware sets bits, software clears those that it writes 1 to (status, events).
 * - `pulse`: reads 0; what software writes is there for one cycle (commands, doorbells).
 */
export type Access = 'rw' | 'rw_hwclr' | 'ro' | 'constant' | 'w1c' | 'pulse';

export interface Field {
  /** `[high, low]`, or the number of a single bit. */
  readonly bits: readonly [high: number, low: number] | number;
  readonly access: Access;
  /** Value after reset, and for good of a `constant`; 0 by default. */
  readonly reset?: number | bigint;
  readonly doc: string;
  /** Names of values, for headers and pages. */
  readonly values?: { readonly [name: string]: number };
  /** Bits of an `rw` or `rw_hwclr` field that software can change, counted from the field's bit 0; the others keep their reset value. All by default. */
  readonly writable?: number | bigint;
  /** Values of an `rw` field that software can set: a write of another one leaves the field as it is. All by default. */
  readonly legal?: readonly number[];
  /** The strongest reset that leaves the field alone: see `RegisterFile`. None by default. */
  readonly survives?: 'soft_reset' | 'warm_reset';
}

/** A register of 32 bits. Bits of no field read 0 and ignore writes. */
export interface Register {
  /** Bytes from the start of the map, a multiple of 4. */
  readonly offset: number;
  readonly doc: string;
  readonly fields: { readonly [name: string]: Field };
  /** Hardware is told of every read, or of every write, of the register. */
  readonly notify?: 'read' | 'write';
  /** Not in this build: software meets nothing at the offset, hardware meets reset values. So that one description serves all builds. */
  readonly absent?: boolean;
  /** Narrower registers that share the word: names for pages and headers. Their bits are whole bytes. */
  readonly parts?: { readonly [name: string]: Part };
}

/** A register of 8, 16 or 24 bits inside a word. */
export interface Part {
  readonly bits: readonly [high: number, low: number];
  readonly doc: string;
}

/** A range of a map that is no register: a memory, a table, doorbells. Something else answers there; pages and headers tell of it. */
export interface Region {
  readonly offset: number;
  readonly bytes: number;
  readonly doc: string;
}

export interface RegisterMapDescription {
  /** An identifier, in snake_case: prefix of the names in a C header. */
  readonly name: string;
  readonly doc: string;
  /** Size of the whole map, a power of two. */
  readonly bytes: number;
  readonly registers: { readonly [name: string]: Register };
  readonly regions?: { readonly [name: string]: Region };
}

/** A field with its place, as every user of a map wants it. */
export interface PlacedField extends Field {
  readonly name: string;
  readonly low: number;
  readonly width: number;
  /** Value after reset, as bits. */
  readonly reset: bigint;
  /** Bits that software's writes can change. */
  readonly writable: bigint;
}

export interface PlacedRegister {
  readonly name: string;
  readonly offset: number;
  readonly doc: string;
  readonly notify: 'read' | 'write' | undefined;
  readonly parts: readonly (Part & { readonly name: string })[];
  /** Lowest bit first. */
  readonly fields: readonly PlacedField[];
}

/** Registers described once: what the RTL, software's accessors, pages, C headers and SystemRDL are made from. */
export interface RegisterMap<D extends RegisterMapDescription = RegisterMapDescription> {
  readonly description: D;
  /** By offset. */
  readonly registers: readonly PlacedRegister[];
  /** Those that are described and not there. */
  readonly absent: readonly PlacedRegister[];
  readonly regions: readonly (Region & { readonly name: string })[];
}

/** Bits of a field. */
export type FieldWidth<F extends Field> = F['bits'] extends readonly [infer H extends number, infer L extends number]
  ? SliceWidth<H, L>
  : 1;

/**
 * A register map from its description.
 * @throws HdlError for registers or fields that overlap, leave the map or the register, have a bad offset or name, or a reset value that does not fit.
 */
export function registerMap<const D extends RegisterMapDescription>(description: D): RegisterMap<D> {
  const { name, bytes } = description;
  identifier(name, 'a register map');
  if (!Number.isInteger(bytes) || bytes < 4 || 2 ** Math.round(Math.log2(bytes)) !== bytes)
    throw new HdlError(`the register map '${name}' has ${bytes} bytes`, {
      help: 'the size of a map is a power of two of at least 4',
    });
  const all = Object.entries(description.registers)
    .map(([register, given]) => placed(name, register, given))
    .sort((a, b) => a.offset - b.offset);
  const isAbsent = (register: PlacedRegister) => description.registers[register.name]?.absent === true;
  const registers = all.filter(register => !isAbsent(register));
  const regions = Object.entries(description.regions ?? {})
    .map(([region, given]) => ({ ...given, name: region }))
    .sort((a, b) => a.offset - b.offset);
  for (const { name: region } of regions) identifier(region, `a region of ${name}`);
  const ranges = [...registers.map(r => ({ name: r.name, offset: r.offset, bytes: 4 })), ...regions];
  ranges.sort((a, b) => a.offset - b.offset);
  ranges.forEach((range, i) => {
    const next = ranges[i + 1];
    if (range.offset < 0 || range.offset + range.bytes > bytes)
      throw new HdlError(`'${range.name}' at 0x${range.offset.toString(16)} is not inside the ${bytes} bytes of ${name}`, {
        help: 'move it, or make the map larger',
      });
    if (next && range.offset + range.bytes > next.offset)
      throw new HdlError(`'${range.name}' and '${next.name}' of ${name} overlap at 0x${next.offset.toString(16)}`, {
        help: 'move one of the two',
      });
  });
  return { description, registers, absent: all.filter(isAbsent), regions };
}

function identifier(name: string, what: string): void {
  if (!/^[a-z][a-z0-9_]*$/.test(name))
    throw new HdlError(`${what} is called '${name}'`, { help: 'use a name in snake_case: it becomes the name of hardware' });
}

function placed(map: string, name: string, { offset, doc, fields, notify, parts }: Register): PlacedRegister {
  identifier(name, `a register of ${map}`);
  if (!Number.isInteger(offset) || offset % 4 !== 0)
    throw new HdlError(`'${name}' of ${map} stands at ${offset}, no multiple of 4`, {
      help: 'registers stand at multiples of 4',
    });
  const list = Object.entries(fields)
    .map(([field, given]) => placedField(`${map}.${name}`, field, given))
    .sort((a, b) => a.low - b.low);
  list.forEach((field, i) => {
    const next = list[i + 1];
    if (next && field.low + field.width > next.low)
      throw new HdlError(`the fields '${field.name}' and '${next.name}' of ${map}.${name} overlap at bit ${next.low}`, {
        help: 'move one of the two',
      });
  });
  if (notify && 'accessed' in fields)
    throw new HdlError(`${map}.${name} has a field 'accessed' beside 'notify'`, {
      help: 'rename the field: that is what the hardware is told by',
    });
  return {
    name,
    offset,
    doc,
    notify,
    fields: list,
    parts: Object.entries(parts ?? {}).map(part => placedPart(`${map}.${name}`, ...part)),
  };
}

function placedPart(register: string, name: string, part: Part): Part & { readonly name: string } {
  identifier(name, `a part of ${register}`);
  const [high, low] = part.bits;
  if (low < 0 || high > 31 || high <= low || low % 8 !== 0 || high % 8 !== 7)
    throw new HdlError(`the part '${name}' of ${register} has the bits ${high} to ${low}`, {
      help: 'a part of a register is made of whole bytes',
    });
  return { ...part, name };
}

function placedField(register: string, name: string, field: Field): PlacedField {
  identifier(name, `a field of ${register}`);
  const [high, low] = typeof field.bits === 'number' ? [field.bits, field.bits] : field.bits;
  if (!Number.isInteger(high) || !Number.isInteger(low) || low < 0 || high < low || high > 31)
    throw new HdlError(`the field '${name}' of ${register} has the bits ${high} to ${low}`, {
      help: 'state bits within 31 to 0, the high one first',
    });
  const width = high - low + 1;
  const reset = BigInt(field.reset ?? 0);
  const fits = (value: bigint) => value >= 0n && value >> BigInt(width) === 0n;
  if (!fits(reset))
    throw new HdlError(`the reset value ${reset} of ${register}.${name} does not fit in ${quantity(width, 'bit')}`, {
      help: 'use a smaller number or a wider field',
    });
  for (const [value, code] of Object.entries(field.values ?? {})) {
    if (!fits(BigInt(code)))
      throw new HdlError(`the value ${value} = ${code} of ${register}.${name} does not fit in ${quantity(width, 'bit')}`, {
        help: 'use a smaller number or a wider field',
      });
  }
  return { ...field, name, low, width, reset, writable: writableBits(register, name, field, width) };
}

function writableBits(register: string, name: string, { access, writable, legal, reset }: Field, width: number): bigint {
  const all = (1n << BigInt(width)) - 1n;
  const stored = access === 'rw' || access === 'rw_hwclr';
  if ((writable !== undefined && !stored) || (legal && access !== 'rw'))
    throw new HdlError(`${register}.${name} is ${access} and says what software can write`, {
      help: 'leave out `writable` and `legal`',
    });
  if (legal && (writable !== undefined || !legal.includes(Number(reset ?? 0)) || legal.some(value => BigInt(value) > all)))
    throw new HdlError(`the legal values of ${register}.${name} do not fit it`, {
      help: 'name values that fit in its bits, the reset value among them, and leave out `writable`',
    });
  const bits = BigInt(writable ?? all);
  if (bits < 0n || bits > all)
    throw new HdlError(`the writable bits of ${register}.${name} are not all inside its ${quantity(width, 'bit')}`, {
      help: 'count them from the lowest bit of the field',
    });
  return stored || access === 'w1c' || access === 'pulse' ? bits : 0n;
}

/** What software does with the words of a map. */
export interface FieldAccessor {
  readonly offset: number;
  readonly low: number;
  readonly width: number;
  /** The field's value in a register's word. */
  get(word: number): number;
  /** The register's word with another value of the field. @throws RangeError if it does not fit. */
  set(word: number, value: number): number;
}

/** Accessors by register and field name: `fields.command.bus_master.set(word, 1)`. */
export type Accessors<D extends RegisterMapDescription> = {
  readonly [R in keyof D['registers']]: { readonly [F in keyof D['registers'][R]['fields']]: FieldAccessor } & {
    readonly offset: number;
  };
};

/** Typed access for host and firmware, from the same description as the hardware; also for registers that are absent from this build. */
export function accessors<D extends RegisterMapDescription>(map: RegisterMap<D>): Accessors<D> {
  const entries = [...map.registers, ...map.absent].map(({ name, offset, fields }) => {
    const own = fields.map(field => [field.name, accessor(offset, field)] as const);
    return [name, { ...Object.fromEntries(own), offset }] as const;
  });
  return Object.fromEntries(entries) as Accessors<D>;
}

function accessor(offset: number, { name, low, width }: PlacedField): FieldAccessor {
  const scale = 2 ** low;
  const limit = 2 ** width;
  const get = (word: number) => Math.floor((word >>> 0) / scale) % limit;
  return {
    offset,
    low,
    width,
    get,
    set(word, value) {
      if (!Number.isInteger(value) || value < 0 || value >= limit)
        throw new RangeError(`${value} does not fit in the ${quantity(width, 'bit')} of the field '${name}'`);
      return (((word >>> 0) - get(word) * scale) % 2 ** 32) + value * scale;
    },
  };
}
