import { allOf, bool, clog2, input, lowestBit, Module, memory, output, reg, stream, uint, when } from '@hdl/ts-hdl';
import { tlpBeat } from '../tlp/tlp.ts';

/**
 * Sends copies of a message to all downstream ports (2.2.8, C43): takes it whole, then repeats it for each port whose link is up when it is complete, the lowest first.
 * A copy begins only while `room` is 1. Reset drops what is inside.
 */
export class Broadcaster extends Module<{ readonly width: number; readonly ports: number; readonly max_payload: number }> {
  /** A beat comes; only of one message, until `done`. */
  readonly put = input(bool);
  readonly beat = input(tlpBeat(this.p.width));
  /** All copies are gone: 1 for a cycle. */
  readonly done = output(bool);
  /** Bit j: downstream port j gets a copy. */
  readonly wanted = input(uint(this.p.ports));
  readonly room = input(bool);
  /** One-hot: the port that the copy is for; 0 if none is there. */
  readonly out_port = output(uint(this.p.ports));
  readonly out = output(stream(tlpBeat(this.p.width)));

  /** The digest may need a beat of its own. */
  private readonly address_bits = clog2((8 * this.p.max_payload) / this.p.width + 1);
  private readonly beats = memory(tlpBeat(this.p.width), { depth: 2 ** this.address_bits, style: 'distributed' });
  private readonly written = reg(uint(this.address_bits), { init: 0 });
  private readonly address = reg(uint(this.address_bits), { init: 0 });
  /** Ports that still get a copy. */
  private readonly left = reg(uint(this.p.ports), { init: 0 });
  private readonly midway = reg(bool, { init: 0 });
  private readonly loaded = reg(bool, { init: 0 });

  protected override logic() {
    const { written, address, left, midway, loaded } = this;
    const done = loaded.and(left.any().not());
    this.done.set(done);
    when(done, () => loaded.set(0));
    // Whatever comes is written, and only the address knows whether it counts: a condition would have to reach many memories.
    when(loaded.not(), () => this.beats.write(written, this.beat));
    when(this.put, () => {
      written.set(written.add(1));
      when(this.beat.last, () => {
        written.set(0);
        left.set(this.wanted);
        loaded.set(1);
      });
    });
    const beat = this.beats.peek(address);
    const target = lowestBit(left);
    this.out_port.set(target);
    this.out.valid.set(allOf([left.any(), midway.or(this.room)]));
    this.out.put(beat);
    when(this.out.fire, () => {
      midway.set(beat.last.not());
      address.set(address.add(1));
      when(beat.last, () => {
        address.set(0);
        left.set(left.and(target.not()));
      });
    });
  }
}
