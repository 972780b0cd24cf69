import { VerilatorError } from './errors.ts';

/** A port of the top module as the model holds it. */
export interface Port {
  /** As in the Verilog. */
  readonly name: string;
  readonly direction: 'input' | 'output';
  readonly width: number;
  /** The model's member. */
  readonly member: string;
}

const declaration = /^\s*VL_(IN|OUT|INOUT)(?:8|16|64|W)?\((.*)\);/gm;
const plain = /^&(\w+),(\d+),(\d+)(?:,\d+)?$/;

/**
 * The ports in the header that Verilator wrote for the top module, which says exactly what the model offers: `VL_IN8(&en,0,0);`.
 * @throws VerilatorError for a port that has no counterpart here: `inout`, or an array.
 */
export function portsOfHeader(header: string): Port[] {
  return [...header.matchAll(declaration)].map(([, kind, text = '']) => {
    const [, member, high, low] = plain.exec(text) ?? [];
    if (member === undefined || kind === 'INOUT')
      throw new VerilatorError(`The top module has the port ${text}: only inputs and outputs that are no arrays can be driven.`);
    const direction = kind === 'IN' ? 'input' : 'output';
    return { name: verilogName(member), direction, width: Number(high) - Number(low) + 1, member };
  });
}

/** Verilator's C++ name of an identifier, undone: words of C++ get a prefix, characters that C++ lacks are written in hexadecimal. */
function verilogName(member: string): string {
  return member
    .replace(/^__SYM__/, '')
    .replace(/__0([0-9A-F]{2})/g, (_, code: string) => String.fromCharCode(parseInt(code, 16)));
}
