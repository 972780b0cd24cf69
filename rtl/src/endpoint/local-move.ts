import { bool, input, Module, mux, output, reg, repeat, stream, u, uint, when } from '@hdl/ts-hdl';
import { MoveCommand, MoveStatus } from './engine-command.ts';
import { memoryWrite } from './interfaces.ts';

interface MoveParams {
  /** Bits of a word: 64, 128, 256 or 512. */
  readonly width: number;
  /** Bits of a BAR memory address, which counts words. Offsets wrap at the memory's end. */
  readonly address_width: number;
}

/** log2 of the bytes of a word. */
const byteBits = (width: number): number => Math.log2(width / 8);

/**
 * Moves a media stream into the BAR memory: `length` bytes, ceil(length / (width / 8)) words; of the last word only the bytes
 * that count are written. A word per cycle, 1 cycle from `media` to `memory_write`, which comes from registers; `media.ready`
 * depends on `memory_write.ready`. `done` comes in the cycle after the memory accepted the last word; a length of 0 is done at
 * once. Bits of `offset` below a word are ignored. Reset ends the run.
 */
export class Fill extends Module<MoveParams> {
  readonly command = input(MoveCommand);
  readonly status = output(MoveStatus);
  readonly media = input(stream(uint(this.p.width)));
  readonly memory_write = output(stream(memoryWrite(this.p.width, this.p.address_width)));
  private readonly running = reg(bool, { init: 0 });
  private readonly done = reg(bool, { init: 0 });
  /** Bytes that were not yet taken from the stream. */
  private readonly left = reg(uint(32));
  private readonly next = reg(uint(this.p.address_width));
  private readonly out_valid = reg(bool, { init: 0 });
  private readonly word = reg(memoryWrite(this.p.width, this.p.address_width));

  protected override logic() {
    const { width, address_width } = this.p;
    const bytes = width / 8;
    const full = repeat(u(1, 1), bytes);
    const more = this.left.any();
    const tail = this.left.lt(bytes);
    const advance = this.out_valid.not().or(this.memory_write.ready);

    this.memory_write.valid.set(this.out_valid);
    this.memory_write.put(this.word);
    this.media.ready.set(this.running.and(more).and(advance));
    this.status.set({ busy: this.running, done: this.done });
    this.done.set(0);
    when(this.running.not(), () => {
      when(this.command.start, () => {
        this.running.set(1);
        this.left.set(this.command.length);
        this.next.set(this.command.offset.zext(32 + address_width).part(byteBits(width), address_width));
      });
    }).elsewhen(advance, () => {
      this.out_valid.set(more.and(this.media.valid));
      when(more.and(this.media.valid), () => {
        const mask = mux(
          tail,
          u(bytes, 1)
            .shl(this.left.trunc(byteBits(width)))
            .sub(1),
          full,
        );
        this.word.set({ address: this.next, data: this.media.payload, mask });
        this.next.set(this.next.add(1));
        this.left.set(mux(tail, u(32, 0), this.left.sub(bytes)));
      });
      when(more.not(), () => {
        this.running.set(0);
        this.done.set(1);
      });
    });
  }
}

/**
 * Moves BAR memory to a media stream: ceil(length / (width / 8)) words, the last one with whatever the memory holds behind the
 * end. A word per cycle if the memory keeps up. `memory_request` comes from registers; `media` is the memory's response,
 * combinationally (0 cycles, and `memory_data.ready` is `media.ready`), valid only while a run wants words. `done` comes in the
 * cycle after the last word was accepted; a length of 0 is done at once. Bits of `offset` below a word are ignored. Reset ends
 * the run.
 */
export class Drain extends Module<MoveParams> {
  readonly command = input(MoveCommand);
  readonly status = output(MoveStatus);
  readonly memory_request = output(stream(uint(this.p.address_width)));
  readonly memory_data = input(stream(uint(this.p.width)));
  readonly media = output(stream(uint(this.p.width)));
  private readonly running = reg(bool, { init: 0 });
  private readonly done = reg(bool, { init: 0 });
  private readonly requesting = reg(bool, { init: 0 });
  private readonly next = reg(uint(this.p.address_width));
  /** Words to request and words to deliver. */
  private readonly to_request = reg(uint(33 - byteBits(this.p.width)));
  private readonly to_deliver = reg(uint(33 - byteBits(this.p.width)));

  protected override logic() {
    const { width, address_width } = this.p;
    const shift = byteBits(width);
    const more = this.to_deliver.any();

    this.memory_request.valid.set(this.requesting);
    this.memory_request.put(this.next);
    this.media.valid.set(this.running.and(more).and(this.memory_data.valid));
    this.media.put(this.memory_data.payload);
    this.memory_data.ready.set(this.running.and(more).and(this.media.ready));
    this.status.set({ busy: this.running, done: this.done });
    this.done.set(0);
    when(this.running.not(), () => {
      when(this.command.start, () => {
        const words = this.command.length.addx(width / 8 - 1).part(shift, 33 - shift);
        this.running.set(1);
        this.requesting.set(this.command.length.any());
        this.to_request.set(words);
        this.to_deliver.set(words);
        this.next.set(this.command.offset.zext(32 + address_width).part(shift, address_width));
      });
    }).otherwise(() => {
      when(this.memory_request.fire, () => {
        this.next.set(this.next.add(1));
        this.to_request.set(this.to_request.sub(1));
        this.requesting.set(this.to_request.ne(1));
      });
      when(this.memory_data.fire, () => this.to_deliver.set(this.to_deliver.sub(1)));
      when(more.not(), () => {
        this.running.set(0);
        this.done.set(1);
      });
    });
  }
}
