import { allOf, Bundle, bool, input, Module, output, reg, repeat, stream, type UInt, uint, when } from '@hdl/ts-hdl';

/** An interrupt on its way to the one who writes it: MSI (7.7.1). */
export class PortInterrupt extends Bundle({ address: uint(64), data: uint(16) }) {}

/**
 * MSI of a switch port, one vector for all of its sources (6.1.4, 6.7.3.4): a source whose condition becomes true while MSI is on makes the interrupt pend; it is sent
 * when it is neither masked nor without bus master enable. One that pends is forgotten when no condition is true any more, or MSI is switched off. So a condition that
 * becomes true again is a new interrupt, and conditions that become true together are one.
 *
 * 1 cycle from a condition to `out`. Reset forgets what pends.
 */
export class PortInterrupts extends Module<{ readonly sources: number }> {
  /** Bit i: the condition of source i is true: its status and its enable. */
  readonly conditions = input(uint(this.p.sources));
  readonly enable = input(bool);
  readonly mask = input(bool);
  /** Bus master enable. */
  readonly allowed = input(bool);
  readonly clear = input(bool);
  readonly address = input(uint(64));
  readonly data = input(uint(16));
  readonly pending = output(bool);
  readonly out = output(stream(PortInterrupt));

  private readonly were = reg(uint(this.p.sources), { init: 0 });
  private readonly pends = reg(bool, { init: 0 });

  protected override logic() {
    const { pends, were } = this;
    const conditions = this.conditions.and(repeat(this.enable, this.p.sources) as UInt<number>);
    were.set(conditions);
    when(this.out.fire.or(conditions.any().not()), () => pends.set(0));
    when(conditions.and(were.not()).any(), () => pends.set(1));
    when(this.clear, () => {
      were.set(0);
      pends.set(0);
    });
    this.pending.set(pends);
    this.out.valid.set(allOf([pends, this.mask.not(), this.allowed]));
    this.out.put({ address: this.address, data: this.data });
  }
}
