import { bool, clog2, input, Module, memory, mux, output, uint, when } from '@hdl/ts-hdl';

/**
 * DW that the host and the firmware share, in one memory with a write and a read port. The link's side never waits; the firmware's write waits while the link
 * writes, its read while the link reads (`firmware_write_ready`, `firmware_read_ready`, combinational from the link's side). `word` is what the granted read
 * of the cycle before found. A read in the cycle of a write to the same DW gives the old value. The content is unknown after power-up, and no reset changes it.
 */
export class Mailbox extends Module<{
  /** DW: a power of two. */
  readonly dwords: number;
}> {
  private readonly bits = clog2(this.p.dwords);
  readonly link_write = input(bool);
  readonly link_write_index = input(uint(this.bits));
  readonly link_data = input(uint(32));
  readonly link_mask = input(uint(4));
  readonly link_read = input(bool);
  readonly link_read_index = input(uint(this.bits));
  readonly firmware_write = input(bool);
  readonly firmware_read = input(bool);
  readonly firmware_index = input(uint(this.bits));
  readonly firmware_data = input(uint(32));
  readonly firmware_write_ready = output(bool);
  readonly firmware_read_ready = output(bool);
  readonly word = output(uint(32));
  private readonly words = memory(uint(32), {
    depth: this.p.dwords,
    lane: 8,
    style: this.p.dwords > 64 ? 'block' : 'distributed',
  });

  protected override logic() {
    this.firmware_write_ready.set(this.link_write.not());
    this.firmware_read_ready.set(this.link_read.not());
    when(this.link_write.or(this.firmware_write), () => {
      const index = mux(this.link_write, this.link_write_index, this.firmware_index);
      const data = mux(this.link_write, this.link_data, this.firmware_data);
      this.words.write(index, data, mux(this.link_write, this.link_mask, 0b1111));
    });
    const read_index = mux(this.link_read, this.link_read_index, this.firmware_index);
    this.word.set(this.words.read(read_index, this.link_read.or(this.firmware_read)));
  }
}
