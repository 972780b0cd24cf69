import { HdlError } from '../lang/errors.ts';
import { decode } from '../lang/match.ts';
import { input, Module, output, reg } from '../lang/module.ts';
import { anyOf, cat, mux, u } from '../lang/ops.ts';
import { Bundle, bool, uint } from '../lang/shapes.ts';
import { when } from '../lang/statements.ts';
import type { Bool, BundleType, Fields, UInt, UIntType, Var } from '../lang/values.ts';
import { clog2 } from '../lang/widths.ts';
import type { Access, FieldWidth, PlacedField, PlacedRegister, RegisterMap, RegisterMapDescription } from './register-map.ts';

type Chosen<R extends { readonly fields: object }, A extends Access> = {
  readonly [F in keyof R['fields'] as R['fields'][F] extends { readonly access: A } ? F : never]: R['fields'][F] extends infer X
    ? X extends { readonly bits: unknown }
      ? UIntType<FieldWidth<X & { readonly access: A; readonly doc: string; readonly bits: number }>>
      : never
    : never;
};
/** The signal of `notify`. */
type Told<R> = R extends { readonly notify: 'read' | 'write' } ? { readonly accessed: typeof bool } : unknown;

/** What the hardware around a register file gets: see `valuesOf`. */
export type RegisterValues<D extends RegisterMapDescription> = BundleType<{
  readonly [R in keyof D['registers'] as keyof (Chosen<D['registers'][R], ToSoftware> & Told<D['registers'][R]>) extends never
    ? never
    : R]: BundleType<Chosen<D['registers'][R], ToSoftware> & Told<D['registers'][R]>>;
}>;
/** What the hardware around a register file gives: see `statusOf`. */
export type RegisterStatus<D extends RegisterMapDescription> = BundleType<{
  readonly [R in keyof D['registers'] as keyof Chosen<D['registers'][R], FromHardware> extends never ? never : R]: BundleType<
    Chosen<D['registers'][R], FromHardware>
  >;
}>;

const toSoftware = ['rw', 'rw_hwclr', 'w1c', 'pulse'] as const;
type ToSoftware = (typeof toSoftware)[number];
const fromHardware = ['ro', 'w1c', 'rw_hwclr'] as const;
type FromHardware = (typeof fromHardware)[number];

/**
 * The bundle of what the hardware around a register file gets, by register and field: what `rw`, `rw_hwclr` and `w1c` fields hold, what `pulse` fields
 * were written with; and of registers with `notify`, `accessed`.
 */
export function valuesOf<D extends RegisterMapDescription>(map: RegisterMap<D>): RegisterValues<D> {
  const told = (register: PlacedRegister) => (register.notify ? [['accessed', bool] as const] : []);
  return bundle(map, toSoftware, everything(map), told) as RegisterValues<D>;
}

/** The bundle of what the hardware around a register file gives: values of `ro` fields, the bits to set of `w1c` and to clear of `rw_hwclr` fields. */
export function statusOf<D extends RegisterMapDescription>(map: RegisterMap<D>): RegisterStatus<D> {
  return bundle(map, fromHardware, everything(map)) as RegisterStatus<D>;
}

const everything = ({ registers, absent }: RegisterMap): readonly PlacedRegister[] => [...registers, ...absent];

/** A field that has a register: software can change it. */
const isHeld = ({ access, writable }: PlacedField): boolean => toSoftware.some(kind => kind === access) && writable !== 0n;

/** The registers of the fields of a map. */
function heldOf(map: RegisterMap): BundleType<Fields> {
  return bundle(map, toSoftware, map.registers, () => [], isHeld);
}

function bundle(
  map: RegisterMap,
  kinds: readonly Access[],
  registers: readonly PlacedRegister[],
  more: (register: PlacedRegister) => readonly (readonly [string, typeof bool])[] = () => [],
  wanted: (field: PlacedField) => boolean = () => true,
): BundleType<Fields> {
  const entries = registers.flatMap(register => {
    const chosen = register.fields.filter(field => kinds.includes(field.access) && wanted(field));
    const signals = [...chosen.map(field => [field.name, uint(field.width)] as const), ...more(register)];
    return signals.length === 0 ? [] : [[register.name, Bundle(Object.fromEntries(signals))] as const];
  });
  if (entries.length === 0)
    throw new HdlError(`no register of ${map.description.name} has a field that is ${kinds.join(' or ')}`, {
      help: 'give one of its fields such an access',
    });
  return Bundle(Object.fromEntries(entries));
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
 * `accessed` is 1 in the cycle of the access, of a write only if a byte is enabled; all other values come from registers. Offsets of no register read 0
 * and ignore writes. Where hardware sets a `w1c` bit in the cycle in which software clears it, it stays set.
 *
 * Three resets, each stronger than the one before: `soft_reset` spares fields that survive it or a warm reset, `warm_reset` those that survive that;
 * `rst` gives all fields their reset value.
 *
 * The map needs at least one field of hardware's (`ro`, `w1c` or `rw_hwclr`) and one that software changes.
 */
export class RegisterFile<D extends RegisterMapDescription> extends Module<{ map: RegisterMap<D> }> {
  readonly access_valid = input(bool);
  readonly access_write = input(bool);
  /** Number of the register: its offset / 4. */
  readonly access_register = input(uint(clog2(this.p.map.description.bytes / 4)));
  readonly access_data = input(uint(32));
  /** Bit i enables byte i of a write. */
  readonly access_mask = input(uint(4));
  readonly soft_reset = input(bool);
  readonly warm_reset = input(bool);
  readonly read_data = output(uint(32));
  readonly status = input(statusOf(this.p.map));
  readonly values = output(valuesOf(this.p.map));
  private readonly held = reg(heldOf(this.p.map), { init: resets(this.p.map) as never });
  private readonly read_word = reg(uint(32));

  protected override logic() {
    const { registers, absent } = this.p.map;
    const held = this.held as unknown as Values;
    const status = this.status as unknown as Values;
    const values = this.values as unknown as Values;
    this.read_data.set(this.read_word);

    for (const register of registers) {
      for (const field of register.fields) {
        const value = values[register.name]?.[field.name];
        const holder = held[register.name]?.[field.name];
        value?.set(holder ?? u(field.width, field.reset));
        const set = status[register.name]?.[field.name];
        if (holder && field.access === 'w1c' && set) holder.set(holder.or(set));
        if (holder && field.access === 'pulse') holder.set(0);
        if (holder) keepFixed(holder, field);
      }
      const accessed = values[register.name]?.accessed;
      if (register.notify && accessed) accessed.set(this.accessTo(register));
    }
    for (const { name, fields, notify } of absent) {
      for (const field of fields) values[name]?.[field.name]?.set(field.reset);
      if (notify) values[name]?.accessed?.set(0);
    }
    this.serve(held, status);
    for (const { name, fields } of registers) {
      for (const field of fields) {
        const holder = held[name]?.[field.name];
        const clear = status[name]?.[field.name];
        if (field.access === 'rw_hwclr' && holder && clear) this.clearBits(holder, clear, field);
      }
    }
    when(this.soft_reset.or(this.warm_reset), () => this.reset(held, field => field.survives === undefined));
    when(this.warm_reset, () => this.reset(held, field => field.survives === 'soft_reset'));
  }

  private serve(held: Values, status: Values) {
    const { registers } = this.p.map;
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
    for (const field of fields) {
      const holder = held[field.name];
      if (!holder) continue;
      if (field.legal) {
        const next = cat(
          ...runsOf(field, () => true)
            .toReversed()
            .map(run => this.written(holder, run, field.low)),
        );
        when(anyOf(field.legal.map(value => next.eq(value))), () => holder.set(next));
        continue;
      }
      const set = status?.[field.name];
      for (const run of runsOf(field, bit => writes(field, bit))) {
        when(this.access_mask.bit(run.byte), () => {
          const part = holder.part(run.from - field.low, run.bits);
          const given = this.access_data.part(run.from, run.bits);
          if (field.access !== 'w1c') part.set(given);
          else if (set) part.set(part.and(given.not()).or(set.part(run.from - field.low, run.bits)));
        });
      }
    }
  }

  /** What a part of a field is after a write. */
  private written(holder: Var<UInt<number>>, { byte, from, bits }: Run, low: number): UInt<number> {
    return mux(this.access_mask.bit(byte), this.access_data.part(from, bits), holder.part(from - low, bits));
  }

  /** The bits that hardware clears, over what a write to the register gives them. */
  private clearBits(holder: Var<UInt<number>>, clear: UInt<number>, field: PlacedField): void {
    for (let bit = 0; bit < field.width; bit++) if (writes(field, bit)) when(clear.bit(bit), () => holder.bit(bit).set(0));
  }

  private reset(held: Values, wanted: (field: PlacedField) => boolean): void {
    for (const { name, fields } of this.p.map.registers)
      for (const field of fields) if (wanted(field)) held[name]?.[field.name]?.set(field.reset);
  }

  private accessTo({ offset, notify }: PlacedRegister): Bool {
    const here = this.access_valid.and(this.access_register.eq(offset / 4));
    return notify === 'read' ? here.and(this.access_write.not()) : here.and(this.access_write).and(this.access_mask.any());
  }
}

const writes = ({ writable }: PlacedField, bit: number): boolean => ((writable >> BigInt(bit)) & 1n) === 1n;

/** Bits that software cannot change are constants, so that synthesis makes no registers of them. */
function keepFixed(holder: Var<UInt<number>>, field: PlacedField): void {
  for (const { from, bits } of runsOf(field, bit => !writes(field, bit))) {
    const low = from - field.low;
    holder.part(low, bits).set((field.reset >> BigInt(low)) & ((1n << BigInt(bits)) - 1n));
  }
}

/** Reset values in the shape of `heldOf`. */
function resets(map: RegisterMap): object {
  const registers = map.registers.flatMap(({ name, fields }) => {
    const held = fields.filter(isHeld);
    return held.length === 0 ? [] : [[name, Object.fromEntries(held.map(field => [field.name, field.reset]))] as const];
  });
  return Object.fromEntries(registers);
}

/** Neighbouring bits in one byte of a register. */
interface Run {
  readonly byte: number;
  /** The lowest bit, in the register. */
  readonly from: number;
  readonly bits: number;
}

/** The runs of those bits of a field that are wanted, lowest first; bits are counted from the field's lowest. */
function runsOf({ low, width }: PlacedField, wanted: (bit: number) => boolean): Run[] {
  const runs: Run[] = [];
  for (let bit = 0; bit < width; bit++) {
    if (!wanted(bit)) continue;
    const last = runs.at(-1);
    const byte = Math.floor((low + bit) / 8);
    if (last && last.byte === byte && last.from + last.bits === low + bit)
      runs[runs.length - 1] = { ...last, bits: last.bits + 1 };
    else runs.push({ byte, from: low + bit, bits: 1 });
  }
  return runs;
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
  if (access === 'ro') return status?.[name] ?? u(width, 0);
  if (access === 'pulse') return u(width, 0);
  return held?.[name] ?? u(width, reset);
}
