import { ones } from '../ir/visit.ts';

interface Net {
  readonly width: number;
  /** How it stands as an operand if nothing at all is read of it, where single bits do not count. */
  readonly whole: string | undefined;
  read: bigint;
  /** All bits are read: then `read` need not tell so. */
  all: boolean;
}

/** Which bits of which names the emitted text reads, so that the rest can be declared unused. */
export class Reads {
  private readonly nets = new Map<string, Net>();

  /** A name that something should read; if `whole` is given, it is that operand that nothing reads, whichever bits it has. */
  declare(name: string, width: number, whole?: string): void {
    this.nets.set(name, { width, whole, read: 0n, all: false });
  }

  /** The text reads bits `low` .. `low + width - 1` of `name`. */
  mark(name: string, low: number, width: number): void {
    const net = this.nets.get(name);
    if (net === undefined || net.all) return;
    if (low === 0 && width >= net.width) net.all = true;
    else net.read |= ones(width) << BigInt(low);
  }

  /** What nothing reads, as Verilog operands: a name, a part of it, or the first word of a memory. */
  unused(): string[] {
    return [...this.nets].flatMap(([name, net]) => {
      if (net.all) return [];
      if (net.whole !== undefined) return net.read === 0n ? [net.whole] : [];
      if (net.read === 0n) return [name];
      return gaps(net.read, net.width).map(([low, high]) => (low === high ? `${name}[${low}]` : `${name}[${high}:${low}]`));
    });
  }
}

/** The runs of zeros in the low `width` bits of `mask`, most significant first. */
export function gaps(mask: bigint, width: number): (readonly [low: number, high: number])[] {
  if ((mask & ones(width)) === ones(width)) return [];
  const result: (readonly [number, number])[] = [];
  let high: number | undefined;
  for (let bit = width - 1; bit >= -1; bit--) {
    const free = bit >= 0 && ((mask >> BigInt(bit)) & 1n) === 0n;
    if (free && high === undefined) high = bit;
    if (!free && high !== undefined) {
      result.push([bit + 1, high]);
      high = undefined;
    }
  }
  return result;
}
