import {
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
  select,
  states,
  stream,
  type UInt,
  u,
  uint,
  vec,
  when,
} from '@hdl/ts-hdl';
import { at } from '../at.ts';
import { operandBytes, requestedBytes } from '../tlp/byte-count.ts';
import {
  completionAddress,
  Fmt,
  firstByte,
  type Header,
  hasData,
  isAtomic,
  isMemory,
  Status,
  TlpType,
  tlpBeat,
} from '../tlp/tlp.ts';
import { noteOf } from './agent-note.ts';

/** What a completion takes over from its request (2.2.9, C12, C13). */
class Asked extends Bundle({ tc: uint(3), attr: uint(3), requester_id: uint(16), tag: uint(10), locked: bool }) {}

const askedOf = ({ tc, attr, requester_id, tag, type }: Header) => ({
  tc,
  attr,
  requester_id,
  tag,
  locked: type.eq(TlpType.memoryLocked),
});

const Step = states('Idle', 'Access', 'Wait', 'Read', 'Take', 'Answer');

/**
 * Answers the non-posted requests that end in a switch, one at a time: executes configuration requests on the configuration spaces of the ports (type 0 on
 * the upstream port's, type 1 on that of the downstream port whose device number it names), and refuses the others with the status that their ingress has
 * noted (C51 to C53, C80). The completion bears the ID of the port that was configured or that refuses, and goes back the way the request came.
 *
 * 6 cycles from `take` to `out`; a write also lets the space capture its bus and device number (C24). Reset drops a request under way.
 */
export class RequestAnswerer extends Module<{ readonly width: number; readonly ports: number }> {
  /** The first beat of a request with its note; not before `done` of the one before. */
  readonly take = input(bool);
  readonly beat = input(tlpBeat(this.p.width));
  /** The completion is taken: 1 for a cycle. */
  readonly done = output(bool);
  /** By port, 0 is the upstream port: ID; the register that was accessed 2 cycles before. */
  readonly ids = input(vec(this.p.ports + 1, uint(16)));
  readonly read_data = input(vec(this.p.ports + 1, uint(32)));
  /** Bit i: this access is for port i. The rest of the access port is common to all. */
  readonly access_valid = output(uint(this.p.ports + 1));
  readonly access_write = output(bool);
  readonly access_register = output(uint(10));
  readonly access_data = output(uint(32));
  readonly access_mask = output(uint(4));
  readonly access_device = output(uint(13));
  /** The port that the completion leaves by. */
  readonly out_port = output(uint(6));
  readonly out = output(stream(tlpBeat(this.p.width)));
  /** Bit i: a request that came in by port i was answered with Completer Abort. */
  readonly aborted = output(uint(this.p.ports + 1));

  private readonly step = reg(Step, { init: 'Idle' });
  private readonly asked = reg(Asked);
  private readonly from = reg(uint(6));
  /** The port in whose name the answer is given. */
  private readonly target = reg(uint(clog2(this.p.ports + 1)));
  private readonly access = reg(bool);
  private readonly write = reg(bool);
  private readonly status = reg(uint(3));
  private readonly byte_count = reg(uint(12));
  private readonly lower_address = reg(uint(7));
  private readonly device = reg(uint(13));
  private readonly number = reg(uint(10));
  private readonly mask = reg(uint(4));
  private readonly data = reg(uint(32));
  /** What each port reads, and what the target has read. */
  private readonly reads = reg(vec(this.p.ports + 1, uint(32)));
  private readonly read = reg(uint(32));

  protected override logic() {
    const { step, target } = this;
    const bits = (chosen: UInt<number>) => cat(...Array.from({ length: this.p.ports + 1 }, (_, i) => chosen.eq(i)).toReversed());
    this.done.set(this.out.fire);
    this.access_valid.set(0);
    this.access_write.set(this.write);
    this.access_register.set(this.number);
    this.access_data.set(this.data);
    this.reads.forEach((word, port) => {
      word.set(at(this.read_data, port));
    });
    this.access_mask.set(this.mask);
    this.access_device.set(this.device);
    this.aborted.set(0);
    this.out.valid.set(0);
    match(Step, step, {
      Idle: () => when(this.take, () => this.load()),
      Access: () => {
        when(this.access, () => this.access_valid.set(bits(target)));
        step.set('Wait');
      },
      Wait: () => step.set('Read'),
      // The ports are far apart, and so are their registers from here: to choose among them takes a cycle of its own.
      Read: () => step.set('Take'),
      Take: () => {
        this.read.set(select(target, padded(this.reads, target.width)).as(32));
        step.set('Answer');
      },
      Answer: () => {
        this.out.valid.set(1);
        when(this.out.ready, () => {
          step.set('Idle');
          when(this.access.not().and(this.status.eq(Status.abort)), () => this.aborted.set(bits(target)));
        });
      },
    });
    this.answer();
  }

  private load(): void {
    const { header, data } = this.beat;
    const told = noteOf(data);
    const type0 = header.type.eq(TlpType.config0);
    const device = header.address.part(19, 5).zext(6).add(1);
    const accessed = mux(type0, u(6, 0), device);
    const memory = isMemory(header).or(header.type.eq(TlpType.memoryLocked));
    this.asked.set(askedOf(header));
    this.from.set(told.port);
    this.target.set(mux(told.access, accessed, told.port).trunc(this.target.width));
    this.access.set(told.access);
    this.write.set(hasData(header));
    this.status.set(mux(told.access, u(3, Status.success), told.status));
    this.byte_count.set(mux(memory, requestedBytes(header).trunc(12), mux(isAtomic(header), operandBytes(header).zext(12), 4)));
    this.lower_address.set(mux(memory, cat(header.address.part(2, 5), firstByte(header.first_be)).as(7), 0));
    this.device.set(header.address.part(19, 13));
    this.number.set(header.address.part(2, 10));
    this.mask.set(header.first_be);
    this.data.set(data.trunc(32));
    this.step.set('Access');
  }

  private answer(): void {
    const { asked, target, access } = this;
    const reads = access.and(this.write.not());
    const { tc, attr, requester_id, tag, locked } = asked;
    const address = completionAddress({
      completer_id: select(target, padded(this.ids, target.width)).as(16),
      status: this.status,
      byte_count: this.byte_count,
      lower_address: this.lower_address,
    });
    this.out_port.set(this.from);
    this.out.put({
      header: {
        fmt: mux(reads, u(3, Fmt.data3), Fmt.header3),
        type: mux(locked, u(5, TlpType.completionLocked), TlpType.completion),
        tc,
        attr,
        th: 0,
        td: 0,
        ep: 0,
        at: 0,
        length: reads.zext(10),
        requester_id,
        tag,
        last_be: 0,
        first_be: 0,
        address,
      },
      data: this.read.zext(this.p.width),
      first: 1,
      last: 1,
    });
  }
}

/** As many as `bits` bits choose from. */
function padded<X>(list: readonly X[], bits: number): readonly X[] {
  const [first] = list;
  return first === undefined ? list : Array.from({ length: 2 ** bits }, (_, i) => list[i] ?? first);
}
