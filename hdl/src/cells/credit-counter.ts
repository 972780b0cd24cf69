import { input, Module, output, reg } from '../lang/module.ts';
import { bool, uint } from '../lang/shapes.ts';
import { when } from '../lang/statements.ts';
import type { Contract } from './contract.ts';

/**
 * The sender's side of flow control by credits, as PCI Express counts them (Base Specification, "Flow Control"): limit and consumption run modulo
 * 2^width, and a packet may go if consumption with it does not pass the limit, by the rule of half the range. 8 bits count header credits, 12 bits
 * data credits. An initial limit of 0 means that there is no limit. Until it is initialised there are no credits.
 */
export class CreditCounter<W extends number> extends Module<{ width: W }> {
  static readonly contract: Contract = {
    purpose: 'Credits of a link partner, modulo 2^width: whether a packet may go',
    latency: 1,
    paths: ['enough: needed'],
    reset: 'no credits',
    keeps: [],
    demands: '`take` only while `enough`; `needed` and the credits that are out are less than 2^(width - 1)',
  };
  /** `limit` is the partner's first one. */
  readonly initialise = input(bool);
  /** `limit` takes the place of the last one. */
  readonly update = input(bool);
  /** All credits that the partner has granted since reset, modulo 2^width. */
  readonly limit = input(uint(this.p.width));
  /** Credits of the packet that wants to go. */
  readonly needed = input(uint(this.p.width));
  /** It goes. */
  readonly take = input(bool);
  readonly enough = output(bool);
  private readonly credit_limit = reg(uint(this.p.width), { init: 0 });
  private readonly consumed = reg(uint(this.p.width), { init: 0 });
  private readonly unlimited = reg(bool, { init: 0 });

  protected override logic() {
    const rest = this.credit_limit.sub(this.consumed.add(this.needed));
    this.enough.set(this.unlimited.or(rest.le(2 ** (this.p.width - 1))));
    when(this.take, () => this.consumed.set(this.consumed.add(this.needed)));
    when(this.initialise.or(this.update), () => this.credit_limit.set(this.limit));
    when(this.initialise, () => this.unlimited.set(this.limit.any().not()));
  }
}
