import { assert, bool, clog2, connect, input, Module, mux, output, reg, uint, when } from '@hdl/ts-hdl';

/** Claims that a stream keeps what it offers: a word that waits is neither withdrawn nor changed. */
export class StreamMonitor extends Module<{ width: number }> {
  readonly valid = input(bool);
  readonly ready = input(bool);
  readonly word = input(uint(this.p.width));
  /** The stream kept its rule in this cycle. */
  readonly kept = output(bool);
  private readonly waited = reg(bool, { init: 0 });
  private readonly offered = reg(uint(this.p.width));

  protected override logic() {
    this.waited.set(this.valid.and(this.ready.not()));
    this.offered.set(this.word);
    this.kept.set(this.waited.not().or(this.valid.and(this.word.eq(this.offered))));
  }
}

/**
 * Watches one word on its way through a queue: any one, for `watch` is free. Claims that it comes out unchanged after exactly the words that went in before
 * it, that no more than `most` are ever inside, and that a word that is offered stays.
 */
export class QueueMonitor extends Module<{ width: number; most: number }> {
  private readonly bits = clog2(this.p.most + 2);
  readonly push = input(bool);
  readonly pushed = input(uint(this.p.width));
  readonly valid = input(bool);
  readonly ready = input(bool);
  readonly offered = input(uint(this.p.width));
  /** The word that goes in now is the one. */
  readonly watch = input(bool);
  readonly held = output(uint(this.bits));
  readonly watching = output(bool);
  /** Words that have to come out before it. */
  readonly ahead = output(uint(this.bits));
  readonly word = output(uint(this.p.width));
  private readonly rule = new StreamMonitor({ width: this.p.width });
  private readonly count = reg(uint(this.bits), { init: 0 });
  private readonly under_watch = reg(bool, { init: 0 });
  private readonly in_front = reg(uint(this.bits));
  private readonly kept = reg(uint(this.p.width));

  protected override logic() {
    const { push, valid, ready, offered, count, in_front } = this;
    const pop = valid.and(ready);
    connect(this.rule, { valid, ready, word: offered });
    assert(this.rule.kept, 'a word that waits is withdrawn or changed');
    this.held.set(count);
    this.watching.set(this.under_watch);
    this.ahead.set(in_front);
    this.word.set(this.kept);
    assert(count.le(this.p.most), 'more words are inside than fit');
    assert(pop.not().or(count.any()), 'a word comes out that did not go in');
    count.set(count.add(push.zext(this.bits)).sub(pop.zext(this.bits)));
    when(this.under_watch, () => {
      when(pop, () => {
        in_front.set(in_front.sub(1));
        when(in_front.any().not(), () => {
          this.under_watch.set(0);
          assert(offered.eq(this.kept), 'the word comes out changed, or another comes in its place');
        });
      });
    }).elsewhen(push.and(this.watch), () => {
      this.under_watch.set(1);
      in_front.set(mux(pop, count.sub(1), count));
      this.kept.set(this.pushed);
    });
  }
}
