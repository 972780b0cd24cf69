import {
  allOf,
  Bundle,
  bool,
  cat,
  clog2,
  input,
  Module,
  match,
  mux,
  output,
  reg,
  type Sig,
  select,
  states,
  stream,
  type UInt,
  u,
  uint,
  vec,
  when,
} from '@hdl/ts-hdl';
import { requestedBytes } from '../tlp/byte-count.ts';
import { completionAddress, Fmt, firstByte, type Header, hasData, isMemory, Status, TlpType, tlpBeat } from '../tlp/tlp.ts';

/** What a completion takes over from its request (2.2.9, rules C12, C13). */
class Asked extends Bundle({ tc: uint(3), attr: uint(3), requester_id: uint(16), tag: uint(10) }) {}

const askedOf = ({ tc, attr, requester_id, tag }: Header) => ({ tc, attr, requester_id, tag });

/** The header of a completion. */
function completionHeader(
  { tc, attr, requester_id, tag }: Sig<typeof Asked>,
  fields: { readonly fmt: UInt<3>; readonly length: UInt<10>; readonly address: UInt<64> },
) {
  const zero = { th: 0, td: 0, ep: 0, at: 0, last_be: 0, first_be: 0 };
  return { ...zero, ...fields, type: TlpType.completion, tc, attr, requester_id, tag };
}

/**
 * Answers every request with Unsupported Request (2.3.1, rules C51, C53) in the name of a switch port. A beat per cycle in; the completion is
 * offered one cycle after the last beat came and leaves from registers. Reset drops a completion that waits.
 */
export class UnsupportedCompleter extends Module<{ width: number }> {
  readonly in = input(stream(tlpBeat(this.p.width)));
  /** Bus, device and function of the port. */
  readonly id = input(uint(16));
  readonly out = output(stream(tlpBeat(this.p.width)));
  private readonly waiting = reg(bool, { init: 0 });
  private readonly asked = reg(Asked);
  private readonly byte_count = reg(uint(12));
  private readonly lower_address = reg(uint(7));

  protected override logic() {
    const { header, last } = this.in.payload;
    const ready = this.waiting.not().or(this.out.ready);
    this.in.ready.set(ready);
    when(this.out.ready, () => this.waiting.set(0));
    when(allOf([this.in.valid, ready, last]), () => {
      this.waiting.set(1);
      const read = isMemory(header);
      this.asked.set(askedOf(header));
      this.byte_count.set(mux(read, requestedBytes(header).trunc(12), 4));
      this.lower_address.set(mux(read, cat(header.address.part(2, 5), firstByte(header.first_be)).as(7), 0));
    });
    this.out.valid.set(this.waiting);
    const address = completionAddress({
      completer_id: this.id,
      status: u(3, Status.unsupported),
      byte_count: this.byte_count,
      lower_address: this.lower_address,
    });
    this.out.put({
      header: completionHeader(this.asked, { fmt: u(3, Fmt.header3), length: u(10, 0), address }),
      data: 0,
      first: 1,
      last: 1,
    });
  }
}

const Step = states('Idle', 'Access', 'Answer');

/**
 * Executes configuration requests on the configuration spaces of a switch: type 0 on the upstream port's, type 1 on that of the downstream
 * port whose device number it names. One request at a time, 3 cycles each; the completion is selected from registers. A write also lets the
 * space capture its bus and device number (rule C24). Reset drops a request under way.
 */
export class ConfigCompleter extends Module<{ width: number; ports: number }> {
  readonly in = input(stream(tlpBeat(this.p.width)));
  /** Per port: completer ID; the register that was accessed, kept until the next access. */
  readonly id = input(vec(this.p.ports, uint(16)));
  readonly read_data = input(vec(this.p.ports, uint(32)));
  readonly out = output(stream(tlpBeat(this.p.width)));
  /** Bit i: this access is for port i. The rest of the access port is common to all. */
  readonly access_valid = output(uint(this.p.ports));
  readonly access_write = output(bool);
  readonly access_register = output(uint(10));
  readonly access_data = output(uint(32));
  readonly access_mask = output(uint(4));
  /** Bit i: port i takes its bus and device number from `capture_id`. */
  readonly capture = output(uint(this.p.ports));
  readonly capture_id = output(uint(16));
  private readonly step = reg(Step, { init: 'Idle' });
  private readonly asked = reg(Asked);
  private readonly write = reg(bool);
  /** Number of the port whose space it is. */
  private readonly target = reg(uint(clog2(this.p.ports)));
  private readonly target_id = reg(uint(16));
  private readonly number = reg(uint(10));
  private readonly mask = reg(uint(4));
  private readonly data = reg(uint(32));

  protected override logic() {
    const { ports } = this.p;
    const { step, target } = this;
    const chosen = cat(...Array.from({ length: ports }, (_, i) => target.eq(i)).toReversed());

    this.in.ready.set(step.is('Idle'));
    this.access_valid.set(0);
    this.access_write.set(this.write);
    this.access_register.set(this.number);
    this.access_data.set(this.data);
    this.access_mask.set(this.mask);
    this.capture.set(0);
    this.capture_id.set(this.target_id);
    match(Step, step, {
      Idle: () =>
        when(this.in.valid, () => {
          const { header, data } = this.in.payload;
          const device = header.address.part(19, 5).zext(6).add(1).trunc(target.width);
          this.asked.set(askedOf(header));
          this.write.set(hasData(header));
          target.set(mux(header.type.eq(TlpType.config0), u(target.width, 0), device));
          this.target_id.set(header.address.part(16, 16));
          this.number.set(header.address.part(2, 10));
          this.mask.set(header.first_be);
          this.data.set(data.trunc(32));
          step.set('Access');
        }),
      Access: () => {
        this.access_valid.set(chosen);
        when(this.write, () => this.capture.set(chosen));
        step.set('Answer');
      },
      Answer: () => {
        when(this.out.ready, () => step.set('Idle'));
      },
    });

    this.out.valid.set(step.is('Answer'));
    const address = completionAddress({
      completer_id: select<UInt<16>>(target, this.id),
      status: u(3, Status.success),
      byte_count: u(12, 4),
      lower_address: u(7, 0),
    });
    const fmt = mux(this.write, u(3, Fmt.header3), Fmt.data3);
    const length = this.write.not().zext(10);
    this.out.put({
      header: completionHeader(this.asked, { fmt, length, address }),
      data: select<UInt<32>>(target, this.read_data).zext(this.p.width),
      first: 1,
      last: 1,
    });
  }
}
