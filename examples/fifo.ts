/** A queue with its properties, and a test with random stalls. Run with `npx tsx examples/fifo.ts`. */
import { fileURLToPath } from 'node:url';
import {
  assert,
  bool,
  clog2,
  cover,
  emitText,
  type HType,
  input,
  Module,
  memory,
  output,
  reg,
  simulate,
  stream,
  uint,
  when,
} from '@hdl/ts-hdl';

/**
 * First in, first out, of any depth. A word can leave one cycle after it came; a word per cycle in and out. `in.ready` and `out.valid` come from
 * registers. Reset empties it.
 */
export class Queue<T extends HType> extends Module<{ type: T; depth: number }> {
  readonly in = input(stream(this.p.type));
  readonly out = output(stream(this.p.type));
  readonly count = output(uint(clog2(this.p.depth + 1)));
  private readonly words = memory(this.p.type, { depth: this.p.depth, style: 'distributed' });
  private readonly head = reg(uint(clog2(this.p.depth)), { init: 0 });
  private readonly tail = reg(uint(clog2(this.p.depth)), { init: 0 });
  private readonly level = reg(uint(clog2(this.p.depth + 1)), { init: 0 });
  private readonly full = reg(bool, { init: 0 });
  private readonly some = reg(bool, { init: 0 });

  protected override logic() {
    const { depth } = this.p;
    const last = depth - 1;
    this.in.ready.set(this.full.not());
    this.out.valid.set(this.some);
    this.out.put(this.words.peek(this.head));
    this.count.set(this.level);

    const put = this.in.fire;
    const take = this.out.fire;
    when(put, () => {
      this.words.write(this.tail, this.in.payload);
      this.tail.set(this.tail.add(1));
      when(this.tail.eq(last), () => this.tail.set(0));
    });
    when(take, () => {
      this.head.set(this.head.add(1));
      when(this.head.eq(last), () => this.head.set(0));
    });
    when(put.and(take.not()), () => {
      this.level.set(this.level.add(1));
      this.some.set(1);
      this.full.set(this.level.eq(last));
    }).elsewhen(take.and(put.not()), () => {
      this.level.set(this.level.sub(1));
      this.some.set(this.level.ne(1));
      this.full.set(0);
    });

    assert(this.level.le(depth), 'never more words than places');
    assert(this.full.eq(this.level.eq(depth)), 'full says whether all places are taken');
    assert(this.some.eq(this.level.any()), 'a word is offered while there is one');
    cover(this.full, 'the queue gets full');
  }
}

/** Sends `words` through a queue, both sides stalling as `random` says. @returns what comes out, in order, and the cycles it took. */
export function through(
  words: readonly number[],
  depth: number,
  random: () => number,
): { readonly out: number[]; readonly cycles: number } {
  using sim = simulate(() => new Queue({ type: uint(16), depth }));
  const { in: into, out } = sim.dut;
  const received: number[] = [];
  let sent = 0;
  let offering = false;
  for (; received.length < words.length; sim.step()) {
    // A word that was offered stays until it is taken.
    offering ||= sent < words.length && random() < 0.6;
    sim.poke(into.valid, offering ? 1 : 0);
    sim.poke(into.payload, words[sent] ?? 0);
    const taking = random() < 0.5;
    sim.poke(out.ready, taking ? 1 : 0);
    if (taking && sim.peek(out.valid)) received.push(Number(sim.peek(out.payload)));
    if (offering && sim.peek(into.ready)) {
      sent++;
      offering = false;
    }
  }
  return { out: received, cycles: sim.cycle };
}

/** Numbers from 0 up to 1 that depend on the seed only (a linear congruential generator). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  using sim = simulate(() => new Queue({ type: uint(16), depth: 5 }));
  console.log(emitText(sim.design));
  const words = Array.from({ length: 1000 }, (_, i) => i);
  const { out, cycles } = through(words, 5, seeded(1));
  console.log(`1,000 words in ${cycles} cycles, ${out.every((word, i) => word === i) ? 'in order' : 'out of order'}`);
}
