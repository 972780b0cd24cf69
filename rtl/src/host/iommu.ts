import { bool, connect, input, Module, memory, mux, output, reg, stream, uint, when } from '@hdl/ts-hdl';
import { tlpBeat } from '../tlp/tlp.ts';
import { IommuFault, IommuPage, type IommuParams, iommuContext, TranslationPipe } from './translation-pipe.ts';

/**
 * Translates the addresses of memory requests by who sends them. `contexts` gives each requester ID a mode and a domain, `pages` has the pages of the domains,
 * one aperture after the other; software writes both, at any time, and leaves them as they are in a reset. 3 cycles from `in` to `out`, a beat per cycle, each
 * of the two streams for itself.
 *
 * A refused posted request is dropped. A refused non-posted one goes on with an address that nobody claims, all ones above the page, and is answered with Unsupported
 * Request like any such. Both are told at `fault`; while a fault waits there, further ones are not. A translated request (AT 10b) passes as it is
 * unless its function is blocked (C79); a request for a translation (AT 01b) is refused: there is no service for it. Writes to the MiB at 0xfee0_0000 are
 * interrupts and pass, as does whatever is no memory request. With `enable` 0 everything passes, in as many cycles.
 *
 * Reset forgets what is inside.
 */
export class Iommu extends Module<IommuParams> {
  private readonly beat = tlpBeat(this.p.width);
  readonly enable = input(bool);
  readonly posted_in = input(stream(this.beat));
  readonly posted_out = output(stream(this.beat));
  readonly non_posted_in = input(stream(this.beat));
  readonly non_posted_out = output(stream(this.beat));
  readonly fault = output(stream(IommuFault));
  /** Posted beats inside, 0 to 3. */
  readonly posted_inside = output(uint(2));
  /** One of them leaves in this cycle, or is dropped. */
  readonly posted_leaves = output(bool);
  private readonly contexts = memory(iommuContext(this.p.domains), { depth: 2 ** 16 });
  private readonly pages = memory(IommuPage, { depth: this.p.domains * this.p.pages });
  private readonly posted = new TranslationPipe({ ...this.p, drops: true });
  private readonly non_posted = new TranslationPipe({ ...this.p, drops: false });
  private readonly told = reg(IommuFault);
  private readonly waits = reg(bool, { init: 0 });

  protected override logic() {
    const { posted, non_posted } = this;
    for (const [pipe, incoming, out] of [
      [posted, this.posted_in, this.posted_out],
      [non_posted, this.non_posted_in, this.non_posted_out],
    ] as const) {
      const context = this.contexts.read(pipe.requester_id, pipe.moves);
      const page = this.pages.read(pipe.entry, pipe.moves);
      connect(pipe, { enable: this.enable, in: incoming, context, page });
      out.from(pipe.out);
    }
    this.posted_inside.set(posted.beats_inside);
    this.posted_leaves.set(posted.leaves);
    const { fault, told, waits } = this;
    const first = posted.fault;
    const second = non_posted.fault;
    fault.valid.set(waits);
    fault.put(told);
    when(fault.fire, () => waits.set(0));
    when(waits.not().and(first.valid.or(second.valid)), () => {
      waits.set(1);
      told.set(mux(first.valid, first.payload, second.payload));
    });
    first.ready.set(1);
    second.ready.set(1);
  }
}
