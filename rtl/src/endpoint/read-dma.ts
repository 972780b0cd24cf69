import { bool, connect, input, Module, mux, output, reg, stream, u, uint, when, wire } from '@hdl/ts-hdl';
import { FunctionState } from '../config/function-state.ts';
import { tlpBeat } from '../tlp/tlp.ts';
import { CompletionBuffer, ReadSlot } from './completion-buffer.ts';
import { DmaCommand, DmaResult, DmaStatus } from './engine-command.ts';
import { memoryWrite } from './interfaces.ts';
import { Fill } from './local-move.ts';
import { extent, memoryRequest } from './memory-request.ts';
import { RequestPlanner } from './request-planner.ts';

interface ReadDmaParams {
  /** Bits of a word: 64, 128, 256 or 512. */
  readonly width: number;
  /** Bits of a BAR memory address, which counts words. */
  readonly address_width: number;
  /** Requests that may be outstanding: a power of two, 32 by default. More than 32 need hosts that enable extended tags. */
  readonly tags?: number;
  /** Largest request in bytes, whatever MRRS allows, and what every tag reserves: a power of two, 512 by default. */
  readonly max_read_request?: number;
}

/**
 * Reads a PCIe address into a media stream or BAR memory: MRd TLPs cut at multiples of MRRS, which never cross 4 KiB (C5), with
 * 3 or 4 DW header by the address (C7) and exact byte enables (C8); all tags may be outstanding, completions come in any order.
 *
 *     RequestPlanner ─► tx
 *                   └─► CompletionBuffer ─┬─► media
 *         completion ─►                   └─► Fill ─► memory_write
 *
 * The first request leaves 3 cycles after `start`, then one per cycle while tags are free. A read is delivered when it is
 * complete and all before it were, a word per cycle; ceil(length / (width / 8)) words in all. `completion` is always ready;
 * `tx` comes from registers. `done` comes at most 2 cycles after the last word was accepted.
 *
 * Refused at once, moving nothing, if bus mastering is off or the address (or the offset, where the memory is the target) is no
 * multiple of the width. If bus mastering goes off during a run (C81), no further request is sent, but zeros stand for the
 * data; likewise for reads that end with an error status (C53) or poisoned data (result `abort`): the local side always gets
 * its number of words. A length of 0 is done at once. `unexpected` counts completions that belong to no request (C58). Reset
 * ends the run.
 */
export class ReadDma extends Module<ReadDmaParams> {
  readonly command = input(DmaCommand);
  readonly status = output(DmaStatus);
  readonly state = input(FunctionState);
  readonly completion = input(stream(tlpBeat(this.p.width)));
  readonly unexpected = output(uint(16));
  readonly tx = output(stream(tlpBeat(this.p.width)));
  readonly media = output(stream(uint(this.p.width)));
  /** A run gives its words to `media`. */
  readonly media_active = output(bool);
  readonly memory_write = output(stream(memoryWrite(this.p.width, this.p.address_width)));
  private readonly planner = new RequestPlanner({ max_bytes: this.p.max_read_request ?? 512 });
  private readonly completions = new CompletionBuffer({
    width: this.p.width,
    tags: this.p.tags ?? 32,
    max_bytes: this.p.max_read_request ?? 512,
  });
  private readonly fill = new Fill({ width: this.p.width, address_width: this.p.address_width });
  private readonly slot = wire(stream(ReadSlot));
  private readonly to_fill = wire(stream(uint(this.p.width)));
  private readonly go = wire(bool);
  private readonly running = reg(bool, { init: 0 });
  private readonly done = reg(bool, { init: 0 });
  private readonly refused = reg(bool, { init: 0 });
  private readonly to_memory = reg(bool, { init: 0 });
  private readonly out_valid = reg(bool, { init: 0 });
  private readonly beat = reg(tlpBeat(this.p.width));

  protected override logic() {
    const { command, state, planner, completions: buffer, fill } = this;
    const shift = Math.log2(this.p.width / 8);
    const misaligned = command.address
      .trunc(shift)
      .any()
      .or(command.memory.and(command.offset.trunc(shift).any()));
    const allowed = state.bus_master.and(misaligned.not());
    const start = command.start.and(this.running.not());
    this.go.set(start.and(allowed));
    connect(planner, { start: this.go, address: command.address, length: command.length, limit: state.mrrs });

    const advance = this.out_valid.not().or(this.tx.ready);
    const segment = planner.out.payload;
    connect(buffer, { allocate: this.slot, requester_id: state.id, completion: this.completion, clear: this.go });
    this.slot.valid.set(planner.out.valid.and(advance));
    this.slot.put({ segment, lost: state.bus_master.not() });
    planner.out.ready.set(advance.and(this.slot.ready));
    this.unexpected.set(buffer.unexpected);
    this.tx.valid.set(this.out_valid);
    this.tx.put(this.beat);
    when(advance, () => {
      this.out_valid.set(planner.out.valid.and(this.slot.ready).and(state.bus_master));
      when(planner.out.valid, () => {
        const { address, bytes } = segment;
        const tag = buffer.tag.zext(10);
        this.beat.set({
          header: memoryRequest({ data: false, address, extent: extent(bytes), requester_id: state.id, tag }),
          data: 0,
          first: 1,
          last: 1,
        });
      });
    });

    connect(fill, {
      command: { start: this.go.and(command.memory), offset: command.offset, length: command.length },
      media: this.to_fill,
    });
    this.to_fill.valid.set(buffer.words.valid.and(this.to_memory));
    this.to_fill.put(buffer.words.payload);
    this.memory_write.from(fill.memory_write);
    this.media.valid.set(buffer.words.valid.and(this.to_memory.not()));
    this.media.put(buffer.words.payload);
    buffer.words.ready.set(mux(this.to_memory, this.to_fill.ready, this.media.ready));
    this.media_active.set(this.running.and(this.to_memory.not()));

    this.status.set({ busy: this.running, done: this.done, result: mux(this.refused, u(3, DmaResult.refused), buffer.result) });
    this.done.set(0);
    when(start, () => {
      this.to_memory.set(command.memory);
      this.running.set(allowed);
      this.refused.set(allowed.not());
      this.done.set(allowed.not());
    });
    when(this.running.and(planner.busy.not()).and(buffer.empty).and(fill.status.busy.not()), () => {
      this.running.set(0);
      this.done.set(1);
    });
  }
}
