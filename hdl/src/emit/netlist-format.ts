import type { Module, Site } from '../ir/ir.ts';

/** One bit: the number of a net of the module, or a constant. */
export type NetlistBit = number | '0' | '1';

/** A port of a module. */
export interface NetlistPort {
  readonly direction: 'input' | 'output';
  /** Least significant first, as all lists of bits here. */
  readonly bits: readonly NetlistBit[];
}

/** An operator, a register, a port of a memory, or an instance of another module. */
export interface NetlistCell {
  readonly hide_name: 0 | 1;
  /** `$add`, `$mux`, `$dff`, ... as Yosys documents them, or the name of a module. */
  readonly type: string;
  /** Numbers as binary digits, most significant first; text as it is. */
  readonly parameters: { readonly [name: string]: string };
  readonly attributes: { readonly [name: string]: string };
  readonly port_directions: { readonly [name: string]: 'input' | 'output' };
  readonly connections: { readonly [name: string]: readonly NetlistBit[] };
}

/** A signal's name for bits. */
export interface NetlistName {
  readonly hide_name: 0 | 1;
  readonly bits: readonly NetlistBit[];
  readonly attributes: { readonly [name: string]: string };
}

export interface NetlistMemory {
  readonly hide_name: 0 | 1;
  readonly attributes: { readonly [name: string]: string };
  readonly width: number;
  readonly start_offset: number;
  readonly size: number;
}

export interface NetlistModule {
  readonly attributes: { readonly [name: string]: string };
  /** The parameters that a black box has, with the values of an instance. */
  readonly parameter_default_values?: { readonly [name: string]: string };
  readonly ports: { readonly [name: string]: NetlistPort };
  readonly cells: { readonly [name: string]: NetlistCell };
  readonly memories: { readonly [name: string]: NetlistMemory };
  readonly netnames: { readonly [name: string]: NetlistName };
}

/** A design in the form of Yosys's `write_json`: give it to `JSON.stringify`. */
export interface Netlist {
  readonly creator: string;
  readonly modules: { readonly [name: string]: NetlistModule };
}

/** A number as a parameter or attribute. */
export function digits(value: number | bigint, width = 32): string {
  return BigInt.asUintN(width, BigInt(value)).toString(2).padStart(width, '0');
}

/** Text as a parameter: text that looks like a number has a space behind it. */
export function asText(text: string): string {
  return /^[01xz]* *$/.test(text) ? `${text} ` : text;
}

/** The attribute that says where something was written, if that is known. */
export function sourceOf({ frames: [place] }: Site): { readonly [name: string]: string } {
  return place ? { src: `${place.file.replace(/^.*[/\\]/, '')}:${place.line}.${place.column}` } : {};
}

/** The parameters that a black box is given. */
export function blackBoxParameters({ external }: Module): { readonly [name: string]: string } {
  const values = [...(external?.parameters ?? [])].map(([name, value]) => {
    if (typeof value === 'string') return [name, asText(value)];
    return [name, digits(value, Math.max(32, value.toString(2).length))];
  });
  return Object.fromEntries(values);
}
