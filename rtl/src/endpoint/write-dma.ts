import { bool, connect, input, Module, mux, output, reg, stream, u, uint, when, wire } from '@hdl/ts-hdl';
import { FunctionState } from '../config/function-state.ts';
import { tlpBeat } from '../tlp/tlp.ts';
import { DmaCommand, DmaResult, DmaStatus } from './engine-command.ts';
import { Drain } from './local-move.ts';
import { extent, memoryRequest } from './memory-request.ts';
import { RequestPlanner } from './request-planner.ts';

/**
 * Writes a media stream or BAR memory to a PCIe address: MWr TLPs cut at multiples of MPS, which never cross 4 KiB (C4, C5),
 * with 3 or 4 DW header by the address (C7) and exact byte enables (C8); tag 0, no attributes.
 *
 *     media ─────────────┐
 *     memory ─► Drain ───┴─► join ─► tx
 *     RequestPlanner ─────────┘
 *
 * The source gives ceil(length / (width / 8)) words; of the last one the low bytes count. The first beat leaves 3 cycles after
 * `start` if a word waits; then a beat per cycle, with none idle between TLPs. `tx` comes from registers and nothing is stored
 * behind it; `media.ready` depends on `tx.ready`. `done` comes in the cycle after `tx` accepted the last beat, so whatever is
 * sent then stays behind the data.
 *
 * A run is refused at once, and nothing is moved, if bus mastering is off or the address (or the offset, where the memory is
 * the source) is no multiple of the width. If bus mastering goes off during a run (C81), no further TLP starts; the rest of the
 * words is taken from the source and lost. Both end with result `refused`. A length of 0 is done at once. Reset ends the run.
 */
export class WriteDma extends Module<{
  /** Bits of a word: 64, 128, 256 or 512. */
  readonly width: number;
  /** Bits of a BAR memory address, which counts words. */
  readonly address_width: number;
  /** Largest payload in bytes that the function has: 128 .. 4096, a power of two. */
  readonly max_payload: number;
}> {
  readonly command = input(DmaCommand);
  readonly status = output(DmaStatus);
  readonly state = input(FunctionState);
  readonly media = input(stream(uint(this.p.width)));
  /** A run takes its words from `media`. */
  readonly media_active = output(bool);
  readonly memory_request = output(stream(uint(this.p.address_width)));
  readonly memory_data = input(stream(uint(this.p.width)));
  readonly tx = output(stream(tlpBeat(this.p.width)));
  private readonly planner = new RequestPlanner({ max_bytes: this.p.max_payload });
  private readonly drain = new Drain({ width: this.p.width, address_width: this.p.address_width });
  private readonly go = wire(bool);
  private readonly running = reg(bool, { init: 0 });
  private readonly done = reg(bool, { init: 0 });
  private readonly result = reg(uint(3), { init: 0 });
  private readonly from_memory = reg(bool, { init: 0 });
  /** Beats of the current TLP that were made. */
  private readonly beat_index = reg(uint(10), { init: 0 });
  /** The current TLP is sent, not dropped. */
  private readonly sending = reg(bool, { init: 0 });
  private readonly out_valid = reg(bool, { init: 0 });
  private readonly beat = reg(tlpBeat(this.p.width));

  protected override logic() {
    const { command, state, planner, drain } = this;
    const shift = Math.log2(this.p.width / 8);
    const misaligned = command.address
      .trunc(shift)
      .any()
      .or(command.memory.and(command.offset.trunc(shift).any()));
    const allowed = state.bus_master.and(misaligned.not());
    const start = command.start.and(this.running.not());
    this.go.set(start.and(allowed));
    connect(planner, { start: this.go, address: command.address, length: command.length, limit: state.mps });

    const advance = this.out_valid.not().or(this.tx.ready);
    const wanted = planner.out.valid.and(advance);
    connect(drain, {
      command: { start: this.go.and(command.memory), offset: command.offset, length: command.length },
      memory_data: this.memory_data,
    });
    this.memory_request.from(drain.memory_request);
    drain.media.ready.set(wanted.and(this.from_memory));
    this.media_active.set(this.running.and(this.from_memory.not()));
    this.media.ready.set(wanted.and(this.from_memory.not()));
    const word_valid = mux(this.from_memory, drain.media.valid, this.media.valid);

    const { address, bytes } = planner.out.payload;
    const first = this.beat_index.any().not();
    const last = this.beat_index.eq(
      bytes
        .sub(1)
        .part(shift, 13 - shift)
        .zext(10),
    );
    const send = mux(first, state.bus_master, this.sending);
    planner.out.ready.set(wanted.and(word_valid).and(last));
    this.tx.valid.set(this.out_valid);
    this.tx.put(this.beat);
    when(advance, () => this.out_valid.set(0));
    when(wanted.and(word_valid), () => {
      this.out_valid.set(send);
      this.sending.set(send);
      this.beat_index.set(mux(last, u(10, 0), this.beat_index.add(1)));
      this.beat.first.set(first);
      this.beat.last.set(last);
      when(this.from_memory, () => this.beat.data.set(drain.media.payload)).otherwise(() =>
        this.beat.data.set(this.media.payload),
      );
    });
    when(wanted.and(first), () => {
      this.beat.header.set(memoryRequest({ data: true, address, extent: extent(bytes), requester_id: state.id, tag: 0 }));
    });

    this.status.set({ busy: this.running, done: this.done, result: this.result });
    this.done.set(0);
    when(start, () => {
      this.from_memory.set(command.memory);
      this.running.set(allowed);
      this.done.set(allowed.not());
      this.result.set(mux(allowed, u(3, DmaResult.success), DmaResult.refused));
    });
    when(wanted.and(word_valid).and(send.not()), () => this.result.set(DmaResult.refused));
    when(this.running.and(planner.busy.not()).and(advance), () => {
      this.running.set(0);
      this.done.set(1);
    });
  }
}
