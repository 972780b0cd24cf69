/** A transposed FIR filter: signed arithmetic, widths that grow, a generator over the taps. Run with `npx tsx examples/fir.ts`. */
import { fileURLToPath } from 'node:url';
import { bool, emitText, input, Module, output, reg, s, simulate, sint, vec, when } from '@hdl/ts-hdl';

export interface FirOptions {
  /** Bits of a sample. */
  readonly width: number;
  /** Coefficients, the one for the newest sample first; each of at most `coefficient_width` bits, signed. */
  readonly taps: readonly number[];
  readonly coefficient_width: number;
}

/** y[n] = sum of taps[k] * x[n - k], exact. A sample per cycle in which `enable` is 1; the result comes one cycle later. */
export class Fir extends Module<FirOptions> {
  readonly enable = input(bool);
  readonly sample = input(sint(this.p.width));
  readonly result = output(sint(resultWidth(this.p)));
  /** Each holds what the samples so far give for one tap and those after it. */
  private readonly sums = reg(vec(this.p.taps.length, sint(resultWidth(this.p))), { init: 0 });

  protected override logic() {
    const { taps, coefficient_width } = this.p;
    const width = resultWidth(this.p);
    when(this.enable, () => {
      taps.forEach((tap, k) => {
        const product = this.sample.mul(s(coefficient_width, tap)).sext(width);
        const later = this.sums[k + 1];
        this.sums[k]?.set(later ? later.add(product) : product);
      });
    });
    const [first] = this.sums;
    if (first) this.result.set(first);
  }
}

/** Bits that no sum of products leaves. */
function resultWidth({ width, taps, coefficient_width }: FirOptions): number {
  return width + coefficient_width + Math.ceil(Math.log2(taps.length));
}

/** What the filter gives for each sample. */
export function filtered(options: FirOptions, samples: readonly number[]): number[] {
  using sim = simulate(() => new Fir(options));
  const { enable, sample, result } = sim.dut;
  sim.poke(enable, 1);
  return samples.map(x => {
    sim.poke(sample, x);
    sim.step();
    return Number(BigInt.asIntN(result.width, sim.peek(result)));
  });
}

const average: FirOptions = { width: 8, taps: [1, 2, 3, 2, 1], coefficient_width: 4 };

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  using sim = simulate(() => new Fir(average));
  console.log(emitText(sim.design));
  console.log(`a step of 10 through it: ${filtered(average, [0, 10, 10, 10, 10, 10, 10]).join(' ')}`);
}
