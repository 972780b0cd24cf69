import { allOf, clog2, input, Module, mux, output, reg, stream, u, uint, when } from '@hdl/ts-hdl';
import { hasData, isMemory, lengthDw, tlpBeat } from '../tlp/tlp.ts';

/**
 * Splits memory writes into pieces of `bytes` of payload, counted from their first DW, as a root complex may (1.3.1, rule C39). Each piece is a TLP of its own with the address of
 * its first DW and the byte enables that belong to it, and carries the requester's ID, tag and attributes. Combinational; each beat stays a beat. What is
 * no memory write, or has a digest, is left whole.
 */
export class WriteSplitter extends Module<{
  /** Bits of a beat. */
  readonly width: number;
  /** A power of two from the bytes of a beat to 2,048. */
  readonly bytes: number;
}> {
  readonly in = input(stream(tlpBeat(this.p.width)));
  readonly out = output(stream(tlpBeat(this.p.width)));
  private readonly dws = this.p.bytes / 4;
  /** Beats of a piece, less one. */
  private readonly final = (8 * this.p.bytes) / this.p.width - 1;
  /** Beats of the piece that were sent. */
  private readonly sent = reg(uint(Math.max(1, clog2(this.final + 1))), { init: 0 });
  /** Pieces before this one. */
  private readonly pieces = reg(uint(clog2(4096 / this.p.bytes) + 1), { init: 0 });

  protected override logic() {
    const { in: incoming, out, sent, pieces, dws } = this;
    const { header, data, first, last } = incoming.payload;
    const splits = allOf([isMemory(header), hasData(header), header.td.not()]);
    const ahead = pieces
      .zext(13)
      .shl(clog2(dws) as number)
      .trunc(11);
    const left = lengthDw(header).sub(ahead);
    const more = left.gt(dws);
    const later = pieces.any();
    // The last piece's last byte enables are the request's; a piece of one DW has first byte enables only.
    const alone = left.eq(1).and(later);
    const first_be = mux(alone, header.last_be, mux(later, u(4, 0xf), header.first_be));
    const last_be = mux(more, u(4, 0xf), mux(alone, u(4, 0), header.last_be));
    const ends = sent.eq(this.final);
    out.valid.set(incoming.valid);
    incoming.ready.set(out.ready);
    out.put({
      header: {
        ...header,
        length: mux(splits, mux(more, u(11, dws), left).trunc(10), header.length),
        address: header.address.add(mux(splits, ahead.zext(64).shl(2), u(64, 0))),
        first_be: mux(splits, first_be, header.first_be),
        last_be: mux(splits, last_be, header.last_be),
      },
      data,
      first: mux(splits, sent.any().not(), first),
      last: last.or(splits.and(ends)),
    });
    when(out.fire.and(splits), () => {
      sent.set(mux(last.or(ends), u(sent.width, 0), sent.add(1)));
      when(ends, () => pieces.set(pieces.add(1)));
      when(last, () => pieces.set(0));
    });
  }
}
