import type { Binary, Site } from '../ir/ir.ts';
import { asText, digits, type NetlistBit, type NetlistCell, sourceOf } from './netlist-format.ts';

/** A value: least significant bit first. */
export type Bits = readonly NetlistBit[];

const types = {
  add: '$add',
  sub: '$sub',
  mul: '$mul',
  and: '$and',
  or: '$or',
  xor: '$xor',
  eq: '$eq',
  ne: '$ne',
  lt: '$lt',
  le: '$le',
  gt: '$gt',
  ge: '$ge',
  shl: '$shl',
  shr: '$shr',
} as const satisfies { readonly [op in Binary['op']]: string };

/** The bits of a constant. */
export function constantBits(value: bigint, width: number): Bits {
  return Array.from({ length: width }, (_, i) => ((value >> BigInt(i)) & 1n ? '1' : '0'));
}

/** What a cell is connected to. */
interface Connection {
  readonly direction: 'input' | 'output';
  readonly bits: Bits;
}

/**
 * Makes nets and cells of one module. A net that is driven by other bits (`a = b`) is an alias of them: the format has no assignments, so all aliases are
 * replaced when the module is complete.
 */
export class NetlistBuilder {
  private readonly cells: { readonly name: string; readonly cell: NetlistCell }[] = [];
  private readonly aliases = new Map<number, NetlistBit>();
  // Yosys numbers nets from 2: 0 and 1 are for constants.
  private next = 2;

  /** New nets. */
  nets(width: number): number[] {
    return Array.from({ length: width }, () => this.next++);
  }

  /** Drives nets with other bits. */
  alias(nets: readonly number[], bits: Bits): void {
    nets.forEach((net, i) => {
      const bit = bits[i] ?? '0';
      if (bit !== net) this.aliases.set(net, bit);
    });
  }

  /** The bits without aliases. */
  resolved(bits: Bits): Bits {
    return bits.map(bit => {
      let end = bit;
      for (let steps = 0; typeof end === 'number' && steps <= this.aliases.size; steps++) {
        const next = this.aliases.get(end);
        if (next === undefined) break;
        end = next;
      }
      return end;
    });
  }

  /** All cells, with aliases replaced. */
  finished(): { readonly [name: string]: NetlistCell } {
    return Object.fromEntries(
      this.cells.map(({ name, cell }) => {
        const connections = Object.entries(cell.connections).map(([port, bits]) => [port, this.resolved(bits)]);
        return [name, { ...cell, connections: Object.fromEntries(connections) }];
      }),
    );
  }

  cell(
    type: string,
    parameters: { readonly [name: string]: number | bigint | string },
    connections: { readonly [port: string]: Connection },
    site: Site,
    name?: string,
  ): void {
    const values = Object.entries(parameters).map(([key, v]) => [key, typeof v === 'string' ? v : digits(v)]);
    this.cells.push({
      name: name ?? `${type}$${this.cells.length + 1}`,
      cell: {
        hide_name: name === undefined ? 1 : 0,
        type,
        parameters: Object.fromEntries(values),
        attributes: sourceOf(site),
        port_directions: Object.fromEntries(Object.entries(connections).map(([port, { direction }]) => [port, direction])),
        connections: Object.fromEntries(Object.entries(connections).map(([port, { bits }]) => [port, bits])),
      },
    });
  }

  not(a: Bits, site: Site): Bits {
    return this.unary('$not', a, a.length, site);
  }

  /** `$not`, or a reduction to one bit. */
  unary(type: string, a: Bits, width: number, site: Site): Bits {
    const y = this.nets(width);
    const parameters = { A_SIGNED: 0, A_WIDTH: a.length, Y_WIDTH: width };
    this.cell(type, parameters, { A: input(a), Y: output(y) }, site);
    return y;
  }

  binary(op: Binary['op'], a: Bits, b: Bits, width: number, signed: boolean, site: Site): Bits {
    const y = this.nets(width);
    const arithmetic = op === 'shr' && signed;
    const parameters = {
      A_SIGNED: signed ? 1 : 0,
      A_WIDTH: a.length,
      B_SIGNED: signed && !arithmetic ? 1 : 0,
      B_WIDTH: b.length,
      Y_WIDTH: width,
    };
    this.cell(arithmetic ? '$sshr' : types[op], parameters, { A: input(a), B: input(b), Y: output(y) }, site);
    return y;
  }

  /** `condition ? whenTrue : whenFalse`; bits that are the same on both sides need no hardware. */
  mux(condition: Bits, whenTrue: Bits, whenFalse: Bits, site: Site): Bits {
    const differing = whenTrue.flatMap((bit, i) => (bit === whenFalse[i] ? [] : [i]));
    if (differing.length === 0) return whenTrue;
    const y = this.nets(differing.length);
    const of = (bits: Bits) => differing.map(i => bits[i] ?? '0');
    const connections = { A: input(of(whenFalse)), B: input(of(whenTrue)), S: input(condition), Y: output(y) };
    this.cell('$mux', { WIDTH: differing.length }, connections, site);
    const result = [...whenTrue];
    differing.forEach((i, k) => {
      result[i] = y[k] ?? '0';
    });
    return result;
  }
}

export const input = (bits: Bits): Connection => ({ direction: 'input', bits });
export const output = (bits: Bits): Connection => ({ direction: 'output', bits });

/** The name of a memory as a parameter. */
export const memoryId = (name: string): string => asText(`\\${name}`);
