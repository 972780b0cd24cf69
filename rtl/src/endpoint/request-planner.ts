import { Bundle, bool, HdlError, input, Module, mux, output, reg, select, stream, u, uint, when } from '@hdl/ts-hdl';

/** One request of a transfer: 1 to 4,096 bytes that do not cross a 4 KiB boundary. */
export class Segment extends Bundle({ address: uint(64), bytes: uint(13) }) {}

/** What `max_bytes` may be. */
const limits = [128, 256, 512, 1024, 2048, 4096];

/**
 * Cuts a transfer into requests at multiples of the size limit, which is 128 << `limit` bytes but at most `max_bytes`: so every
 * request but the first starts at such a multiple, none is larger than the limit (C4) and none crosses a 4 KiB boundary (C5).
 * The first segment is offered 2 cycles after `start`, then one per cycle; `out` comes from registers. Reset ends the transfer.
 * `start` while `busy` is ignored. A transfer of 0 bytes has no segments.
 */
export class RequestPlanner extends Module<{ max_bytes: number }> {
  readonly start = input(bool);
  readonly address = input(uint(64));
  readonly length = input(uint(32));
  /** Code of MPS or MRRS; stable during a transfer. */
  readonly limit = input(uint(3));
  readonly out = output(stream(Segment));
  /** Segments are left. */
  readonly busy = output(bool);
  private readonly next = reg(uint(64));
  private readonly left = reg(uint(32), { init: 0 });
  private readonly segment_valid = reg(bool, { init: 0 });
  private readonly segment = reg(Segment);

  protected override logic() {
    const { max_bytes } = this.p;
    const top = limits.indexOf(max_bytes);
    if (top < 0) throw new HdlError(`the largest request has ${limits.join(', ')} bytes, not ${max_bytes}`);
    const size = select(
      this.limit,
      limits.slice(0, top + 1).map(bytes => u(13, bytes)),
    );
    const room = size.sub(this.next.trunc(13).and(size.sub(1)));
    const rest = this.left.part(13, 19).any().or(this.left.trunc(13).gt(room));
    const bytes = mux(rest, room, this.left.trunc(13));

    this.out.valid.set(this.segment_valid);
    this.out.put(this.segment);
    this.busy.set(this.left.any().or(this.segment_valid));
    when(this.segment_valid.not().or(this.out.ready), () => {
      this.segment_valid.set(this.left.any());
      when(this.left.any(), () => {
        this.segment.set({ address: this.next, bytes });
        this.next.set(this.next.add(bytes.zext(64)));
        this.left.set(this.left.sub(bytes.zext(32)));
      });
    });
    when(this.start.and(this.left.any().not()).and(this.segment_valid.not()), () => {
      this.next.set(this.address);
      this.left.set(this.length);
    });
  }
}
