import { bool, input, Module, memory, mux, output, uint, when } from '@hdl/ts-hdl';

/**
 * 256 DW that the host and the firmware share. The link side never waits; the firmware's write waits while the link writes, its
 * read while the link reads (`firmware_write_ready`, `firmware_read_ready`, combinational from the link side's valids). `word`
 * is what the granted read of the cycle before found, and stays until the next one. A read in the cycle of a write to the same
 * DW gives the old value. The content is unknown after power-up.
 */
export class Mailbox extends Module {
  readonly link_write = input(bool);
  readonly link_write_index = input(uint(8));
  readonly link_data = input(uint(32));
  readonly link_mask = input(uint(4));
  readonly link_read = input(bool);
  readonly link_read_index = input(uint(8));
  readonly firmware_write = input(bool);
  readonly firmware_read = input(bool);
  readonly firmware_index = input(uint(8));
  readonly firmware_data = input(uint(32));
  readonly firmware_write_ready = output(bool);
  readonly firmware_read_ready = output(bool);
  readonly word = output(uint(32));
  private readonly words = memory(uint(32), { depth: 256, lane: 8, style: 'block' });

  protected override logic() {
    this.firmware_write_ready.set(this.link_write.not());
    this.firmware_read_ready.set(this.link_read.not());
    const write = this.link_write.or(this.firmware_write);
    when(write, () => {
      const index = mux(this.link_write, this.link_write_index, this.firmware_index);
      const data = mux(this.link_write, this.link_data, this.firmware_data);
      this.words.write(index, data, mux(this.link_write, this.link_mask, 0b1111));
    });
    const read_index = mux(this.link_read, this.link_read_index, this.firmware_index);
    this.word.set(this.words.read(read_index, this.link_read.or(this.firmware_read)));
  }
}
