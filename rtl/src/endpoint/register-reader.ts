import { bool, input, Module, mux, output, reg, stream, u, uint, vec, when } from '@hdl/ts-hdl';
import { configFields, hasData, lengthDw } from '../tlp/tlp.ts';
import { Claim, Request } from './interfaces.ts';
import { laneBits, wordOf } from './lane-rotator.ts';

/**
 * Performs configuration requests and reads of BAR0, one request at a time, and collects what comes back in words as the BAR
 * memory would give them: the lane of a DW is its address. A configuration register stands in lane 0; a configuration write gives
 * a word too, when it is done.
 *
 * The configuration space answers 1 cycle after the pulse `config_valid`, the registers 2 cycles after `register_valid`, always.
 * Latency from `in` to `out`: 3 cycles for a configuration request, 4 for a register; within a word a DW per cycle. `out` and the
 * buses come from registers, `in.ready` too. Reset drops the request under way.
 */
export class RegisterReader extends Module<{ readonly width: number }> {
  readonly in = input(stream(Request));
  readonly config_valid = output(bool);
  readonly config_write = output(bool);
  readonly config_register = output(uint(10));
  readonly config_data = output(uint(32));
  readonly config_mask = output(uint(4));
  /** Pulse: a configuration write is performed, sent to `config_id`: {bus, device, function} (C24). */
  readonly config_capture = output(bool);
  readonly config_id = output(uint(16));
  readonly config_read_data = input(uint(32));
  readonly register_valid = output(bool);
  /** Byte address, bits 1:0 are 0. */
  readonly register_address = output(uint(14));
  readonly register_data = input(uint(32));
  readonly out = output(stream(uint(this.p.width)));
  /** A request is under way. */
  private readonly active = reg(bool, { init: 0 });
  /** A DW is asked for in this cycle. */
  private readonly asking = reg(bool, { init: 0 });
  private readonly of_config = reg(bool);
  private readonly write = reg(bool);
  private readonly data = reg(uint(32));
  private readonly mask = reg(uint(4));
  private readonly id = reg(uint(16));
  private readonly dword = reg(uint(12));
  private readonly lane = reg(uint(laneBits(this.p.width)));
  private readonly left = reg(uint(11));
  /** What was asked one and two cycles ago: whether, for which lane, and whether it ends its word. */
  private readonly asked = reg(vec(2, bool), { init: 0 });
  private readonly asked_lane = reg(vec(2, uint(laneBits(this.p.width))));
  private readonly asked_end = reg(vec(2, bool));
  private readonly word = reg(vec(this.p.width / 32, uint(32)));
  private readonly word_valid = reg(bool, { init: 0 });

  protected override logic() {
    const { asking, of_config, lane } = this;
    const [asked1 = asking, asked2 = asking] = this.asked;
    const [lane1 = lane, lane2 = lane] = this.asked_lane;
    const [end1 = asking, end2 = asking] = this.asked_end;
    const end = lane.all().or(this.left.eq(1));

    asked1.set(asking);
    asked2.set(asked1);
    when(asking, () => {
      lane1.set(lane);
      end1.set(end);
      this.asking.set(end.not());
      this.lane.set(lane.add(1));
      this.dword.set(this.dword.add(1));
      this.left.set(this.left.sub(1));
    });
    lane2.set(lane1);
    end2.set(end1);
    const arrives = mux(of_config, asked1, asked2);
    const into = mux(of_config, lane1, lane2);
    const value = mux(of_config, this.config_read_data, this.register_data);
    when(arrives, () => {
      this.word.forEach((dw, i) => {
        when(into.eq(i), () => dw.set(value));
      });
      this.word_valid.set(mux(of_config, end1, end2));
    });
    when(this.out.fire, () => {
      this.word_valid.set(0);
      this.active.set(this.left.any());
      this.asking.set(this.left.any());
    });
    this.in.ready.set(this.active.not());
    when(this.in.fire, () => this.load());

    this.config_valid.set(asking.and(of_config));
    this.config_write.set(this.write);
    this.config_register.set(this.dword.trunc(10));
    this.config_data.set(this.data);
    this.config_mask.set(this.mask);
    this.config_capture.set(asking.and(of_config).and(this.write));
    this.config_id.set(this.id);
    this.register_valid.set(asking.and(of_config.not()));
    this.register_address.set(this.dword.cat(u(2, 0)));
    this.out.valid.set(this.word_valid);
    this.out.put(wordOf(this.word));
  }

  private load(): void {
    const { header, claim, data } = this.in.payload;
    const of_config = claim.eq(Claim.config);
    this.active.set(1);
    this.asking.set(1);
    this.of_config.set(of_config);
    this.write.set(hasData(header));
    this.data.set(data);
    this.mask.set(header.first_be);
    this.id.set(header.address.part(16, 16));
    this.dword.set(mux(of_config, configFields(header).register.zext(12), header.address.part(2, 12)));
    this.lane.set(mux(of_config, u(laneBits(this.p.width), 0), header.address.part(2, laneBits(this.p.width))));
    this.left.set(mux(of_config, u(11, 1), lengthDw(header)));
  }
}
