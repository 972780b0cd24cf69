import {
  anyOf,
  Bundle,
  type BundleType,
  bool,
  cat,
  input,
  Module,
  mux,
  output,
  reg,
  select,
  stream,
  u,
  uint,
  when,
} from '@hdl/ts-hdl';
import { requestedBytes } from '../tlp/byte-count.ts';
import { firstByte, hasData, isMemory, lengthDw, Status } from '../tlp/tlp.ts';
import { Claim, Request } from './interfaces.ts';
import { laneBits } from './lane-rotator.ts';

/** Where the data of a completion comes from. A configuration write is performed by `registers` too, and answers with a word that nobody sends. */
export const Source = { none: 0, memory: 1, registers: 2 } as const;

const planFields = (width: number) => ({
  source: uint(2),
  /** Lane of the first DW in its word of the source. */
  lane: uint(laneBits(width)),
  /** DW of payload, 1 .. 1,024; 1 without data. */
  dws: uint(11),
  data: bool,
  status: uint(3),
  /** Bytes that remain, this completion's included; 0 means 4,096. */
  byte_count: uint(12),
  lower_address: uint(7),
  tc: uint(3),
  attr: uint(3),
  requester_id: uint(16),
  tag: uint(10),
});

/** A completion that is to be sent: all of its header but the completer ID, and where its data lies. */
export const completionPlan = (width: number): CompletionPlanType => class CompletionPlan extends Bundle(planFields(width)) {};
export type CompletionPlanType = BundleType<ReturnType<typeof planFields>>;

/** Payload limits in DW by the code of MPS. */
const limits = [32, 64, 128, 256, 512, 1024];

/**
 * Divides the answer to a request into completions (2.3.1.1): memory reads end at multiples of MPS (C57), which are multiples of
 * the endpoint's read completion boundary of 128 bytes (C54). Byte Count and Lower Address per completion (C55), a read of no
 * bytes as one DW (C8); traffic class, attributes, tag and requester ID are the request's (C12, C13). What nobody claimed gets
 * one completion with status UR (C51). The first plan is offered 1 cycle after the request was accepted, then one per cycle, also
 * across requests. `out` is computed from registers only; `in.ready` depends on `out.ready`. Reset drops the request under way.
 */
export class CompletionPlanner extends Module<{ readonly width: number }> {
  readonly in = input(stream(Request));
  /** Code of MPS: 128 << mps bytes. */
  readonly mps = input(uint(3));
  readonly out = output(stream(completionPlan(this.p.width)));
  private readonly busy = reg(bool, { init: 0 });
  private readonly source = reg(uint(2));
  private readonly status = reg(uint(3));
  private readonly data = reg(bool);
  private readonly tc = reg(uint(3));
  private readonly attr = reg(uint(3));
  private readonly requester_id = reg(uint(16));
  private readonly tag = reg(uint(10));
  /** DW of the next completion's first byte in its 4 KiB, and the byte in it. */
  private readonly dword = reg(uint(10));
  private readonly byte_offset = reg(uint(2));
  private readonly dws_left = reg(uint(11));
  private readonly bytes_left = reg(uint(13));

  protected override logic() {
    const { tc, attr, requester_id, tag, source, status, data } = this;
    const limit = select(
      this.mps,
      limits.map(dws => u(11, dws)),
    );
    const room = limit.sub(this.dword.zext(11).and(limit.sub(1)));
    const more = this.dws_left.gt(room);
    const dws = mux(more, room, this.dws_left);

    this.in.ready.set(this.busy.not().or(this.out.ready.and(more.not())));
    this.out.valid.set(this.busy);
    this.out.put({
      source,
      lane: this.dword.trunc(laneBits(this.p.width)),
      dws,
      data,
      status,
      byte_count: this.bytes_left.trunc(12),
      lower_address: cat(this.dword.trunc(5), this.byte_offset).as(7),
      tc,
      attr,
      requester_id,
      tag,
    });
    when(this.out.ready.and(this.busy), () => {
      this.busy.set(more);
      this.dword.set(this.dword.add(dws.trunc(10)));
      this.byte_offset.set(0);
      this.dws_left.set(this.dws_left.sub(dws));
      this.bytes_left.set(this.bytes_left.sub(dws.cat(u(2, 0)).sub(this.byte_offset.zext(13))));
    });
    when(this.in.fire, () => {
      this.busy.set(1);
      this.load();
    });
  }

  private load(): void {
    const { header, claim } = this.in.payload;
    const read = isMemory(header);
    const registers = claim.eq(Claim.bar0).or(claim.eq(Claim.config));
    const unclaimed = claim.eq(Claim.none);
    this.source.set(mux(unclaimed, u(2, Source.none), mux(registers, u(2, Source.registers), Source.memory)));
    this.status.set(mux(unclaimed, u(3, Status.unsupported), Status.success));
    this.data.set(anyOf([unclaimed, hasData(header)]).not());
    this.tc.set(header.tc);
    this.attr.set(header.attr);
    this.requester_id.set(header.requester_id);
    this.tag.set(header.tag);
    this.dword.set(mux(read, header.address.part(2, 10), 0));
    this.byte_offset.set(mux(read, firstByte(header.first_be), 0));
    this.dws_left.set(mux(read.and(unclaimed.not()), lengthDw(header), 1));
    this.bytes_left.set(mux(read, requestedBytes(header), 4));
  }
}
