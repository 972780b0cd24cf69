import { bool, connect, HdlError, input, Lfsr, Module, output } from '@hdl/ts-hdl';

/** How often something is damaged on a link: probabilities, for each that is sent. */
export interface ErrorRates {
  readonly tlps: number;
  readonly updates: number;
  /** Chooses which: an odd or even number of 32 bits, not 0. */
  readonly seed: number;
}

/** The probability that a TLP or DLLP of `bytes` bytes is damaged if each bit is with probability `rate`, such as the 10^-12 that links are specified for. */
export const damageRate = (bytes: number, rate: number): number => -Math.expm1(8 * bytes * Math.log1p(-rate));

/**
 * Says of each TLP and of each flow control update that is sent whether it is damaged: pseudo-random with the given probabilities, exact to 2^-32, the same
 * ones for the same seed. Reset begins anew.
 */
export class BitErrors extends Module<ErrorRates> {
  /** A TLP, or an update, goes on the link: what `tlp` or `update` said was about it. */
  readonly tlp_begins = input(bool);
  readonly update_begins = input(bool);
  readonly tlp = output(bool);
  readonly update = output(bool);
  private readonly of_tlps = new Lfsr({ width: 32, steps: 32, seed: this.p.seed });
  private readonly of_updates = new Lfsr({ width: 32, steps: 31, seed: this.p.seed });

  protected override logic() {
    const { tlps, updates, seed } = this.p;
    for (const rate of [tlps, updates])
      if (!(rate >= 0 && rate < 1)) throw new HdlError(`a probability of damage is at least 0 and below 1, not ${rate}`);
    if (!Number.isInteger(seed) || seed < 1 || seed >= 2 ** 32)
      throw new HdlError(`the seed of bit errors is an integer from 1 to 2^32 - 1, not ${seed}`);
    connect(this.of_tlps, { en: this.tlp_begins });
    connect(this.of_updates, { en: this.update_begins });
    this.tlp.set(this.of_tlps.value.lt(Math.round(tlps * 2 ** 32)));
    this.update.set(this.of_updates.value.lt(Math.round(updates * 2 ** 32)));
  }
}
