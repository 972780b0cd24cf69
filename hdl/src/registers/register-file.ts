import { HdlError } from '../lang/errors.ts';
import { decode } from '../lang/match.ts';
import { input, Module, output, reg } from '../lang/module.ts';
import { cat, u } from '../lang/ops.ts';
import { Bundle, bool, uint } from '../lang/shapes.ts';
import { when } from '../lang/statements.ts';
import type { BundleType, Fields, UInt, UIntType, Var } from '../lang/values.ts';
import { clog2 } from '../lang/widths.ts';
import type { Access, FieldWidth, PlacedField, PlacedRegister, RegisterMap, RegisterMapDescription } from './register-map.ts';

type Chosen<R extends { readonly fields: object }, A extends Access> = {
  readonly [F in keyof R['fields'] as R['fields'][F] extends { readonly access: A } ? F : never]: R['fields'][F] extends infer X
    ? X extends { readonly bits: unknown }
      ? UIntType<FieldWidth<X & { readonly access: A; readonly doc: string; readonly bits: number }>>
      : never
    : never;
};

/** The fields of some kinds of access, as a bundle of bundles: registers without such fields are left out. */
export type FieldBundle<D extends RegisterMapDescription, A extends Access> = BundleType<{
  readonly [R in keyof D['registers'] as keyof Chosen<D['registers'][R], A> extends never ? never : R]: BundleType<
    Chosen<D['registers'][R], A>
  >;
}>;

const toSoftware = ['rw', 'w1c', 'pulse'] as const;
const fromHardware = ['ro', 'w1c'] as const;

/** The bundle of what the hardware around a register file gets: values of `rw` and `w1c` fields, and what `pulse` fields were written with. */
export function valuesOf<D extends RegisterMapDescription>(map: RegisterMap<D>): FieldBundle<D, 'rw' | 'w1c' | 'pulse'> {
  return bundle(map, toSoftware) as FieldBundle<D, 'rw' | 'w1c' | 'pulse'>;
}

/** The bundle of what the hardware around a register file gives: values of `ro` fields, and the bits to set of `w1c` fields. */
export function statusOf<D extends RegisterMapDescription>(map: RegisterMap<D>): FieldBundle<D, 'ro' | 'w1c'> {
  return bundle(map, fromHardware) as FieldBundle<D, 'ro' | 'w1c'>;
}

function bundle(map: RegisterMap, kinds: readonly Access[]): BundleType<Fields> {
  const registers = map.registers.flatMap(({ name, fields }) => {
    const chosen = fields.filter(({ access }) => kinds.includes(access));
    return chosen.length === 0 ? [] : [[name, Bundle(Object.fromEntries(chosen.map(f => [f.name, uint(f.width)])))] as const];
  });
  if (registers.length === 0)
    throw new HdlError(`no register of ${map.description.name} has a field that is ${kinds.join(' or ')}`, {
      help: 'give one of its fields such an access',
    });
  return Bundle(Object.fromEntries(registers));
}

/** Values by register and field, as elaboration sees them. */
interface Values {
  readonly [register: string]: FieldValues;
}
interface FieldValues {
  readonly [field: string]: Var<UInt<number>>;
}

/**
 * The hardware of a register map: one access per cycle, byte enables, `read_data` one cycle after `access_valid`; a write shows in `values` then too.
 * Offsets of no register read 0 and ignore writes. Where hardware sets a `w1c` bit in the cycle in which software clears it, it stays set. Reset
 * gives all fields their reset value.
 *
 * The map needs at least one field of hardware's (`ro` or `w1c`) and one of software's (`rw`, `w1c` or `pulse`).
 */
export class RegisterFile<D extends RegisterMapDescription> extends Module<{ map: RegisterMap<D> }> {
  readonly access_valid = input(bool);
  readonly access_write = input(bool);
  /** Number of the register: its offset / 4. */
  readonly access_register = input(uint(clog2(this.p.map.description.bytes / 4)));
  readonly access_data = input(uint(32));
  /** Bit i enables byte i of a write. */
  readonly access_mask = input(uint(4));
  readonly read_data = output(uint(32));
  readonly status = input(statusOf(this.p.map));
  readonly values = output(valuesOf(this.p.map));
  private readonly held = reg(valuesOf(this.p.map), { init: resets(this.p.map) as never });
  private readonly read_word = reg(uint(32));

  protected override logic() {
    const { registers } = this.p.map;
    const held = this.held as unknown as Values;
    const status = this.status as unknown as Values;
    const values = this.values as unknown as Values;
    this.read_data.set(this.read_word);

    for (const { name, fields } of registers) {
      for (const field of fields) {
        const holder = held[name]?.[field.name];
        if (!holder) continue;
        values[name]?.[field.name]?.set(holder);
        const set = status[name]?.[field.name];
        if (field.access === 'w1c' && set) holder.set(holder.or(set));
        if (field.access === 'pulse') holder.set(0);
      }
    }
    when(this.access_valid, () => {
      decode(
        this.access_register,
        registers.map(r => [r.offset / 4, () => this.read_word.set(word(r, held[r.name], status[r.name]))] as const),
        () => this.read_word.set(0),
      );
      when(this.access_write, () => {
        const writable = registers.filter(({ name }) => held[name]);
        decode(
          this.access_register,
          writable.map(r => [r.offset / 4, () => this.write(r, held[r.name] ?? {}, status[r.name])] as const),
        );
      });
    });
  }

  private write({ fields }: PlacedRegister, held: FieldValues, status: FieldValues | undefined): void {
    for (const { name, low, width, access } of fields) {
      const holder = held[name];
      if (!holder) continue;
      const set = status?.[name];
      for (const { byte, from, bits } of bytesOf(low, width)) {
        when(this.access_mask.bit(byte), () => {
          const part = holder.part(from - low, bits);
          const given = this.access_data.part(from, bits);
          if (access !== 'w1c') part.set(given);
          else if (set) part.set(part.and(given.not()).or(set.part(from - low, bits)));
        });
      }
    }
  }
}

/** Reset values in the shape of `valuesOf`. */
function resets(map: RegisterMap): object {
  const registers = map.registers.flatMap(({ name, fields }) => {
    const held = fields.filter(({ access }) => access === 'rw' || access === 'w1c' || access === 'pulse');
    return held.length === 0 ? [] : [[name, Object.fromEntries(held.map(field => [field.name, field.reset]))] as const];
  });
  return Object.fromEntries(registers);
}

/** The pieces of a field that lie in one byte each: the piece's lowest bit in the register, and its bits. */
function bytesOf(low: number, width: number): { readonly byte: number; readonly from: number; readonly bits: number }[] {
  const pieces: { byte: number; from: number; bits: number }[] = [];
  for (let from = low; from < low + width; ) {
    const byte = Math.floor(from / 8);
    const bits = Math.min(8 * byte + 8, low + width) - from;
    pieces.push({ byte, from, bits });
    from += bits;
  }
  return pieces;
}

/** What a register reads as. */
function word({ fields }: PlacedRegister, held: FieldValues | undefined, status: FieldValues | undefined): UInt<32> {
  const parts: UInt<number>[] = [];
  let next = 0;
  for (const field of fields) {
    if (field.low > next) parts.unshift(u(field.low - next, 0));
    parts.unshift(currentValue(field, held, status));
    next = field.low + field.width;
  }
  if (next < 32) parts.unshift(u(32 - next, 0));
  return cat(...parts).as(32);
}

function currentValue(
  { name, access, width, reset }: PlacedField,
  held: FieldValues | undefined,
  status: FieldValues | undefined,
): UInt<number> {
  const value = access === 'rw' || access === 'w1c' ? held?.[name] : access === 'ro' ? status?.[name] : undefined;
  return value ?? u(width, access === 'constant' ? reset : 0);
}
