/** The three modules that the language is judged by: a counter, a skid buffer, a round robin arbiter; and a top that joins them. */
import {
  anyOf,
  type Bool,
  Bundle,
  bool,
  cat,
  connect,
  type HType,
  input,
  Module,
  mux,
  muxOneHot,
  output,
  reg,
  stream,
  uint,
  vec,
  when,
} from '../../src/index.ts';

/** Counts enabled cycles; wraps. */
export class Counter<W extends number> extends Module<{ width: W }> {
  readonly en = input(bool);
  readonly count = output(uint(this.p.width));
  private readonly value = reg(uint(this.p.width), { init: 0 });

  protected override logic() {
    when(this.en, () => this.value.set(this.value.add(1)));
    this.count.set(this.value);
  }
}

/** Breaks the ready path: one word of slack, full throughput, no added latency. */
export class Skid<T extends HType> extends Module<{ type: T }> {
  readonly in = input(stream(this.p.type));
  readonly out = output(stream(this.p.type));
  private readonly full = reg(bool, { init: 0 });
  private readonly held = reg(this.p.type);

  protected override logic() {
    this.in.ready.set(this.full.not());
    this.out.valid.set(this.in.valid.or(this.full));
    this.out.put(mux(this.full, this.held, this.in.payload));
    when(this.in.fire.and(this.out.ready.not()), () => {
      this.full.set(1);
      this.held.set(this.in.payload);
    }).elsewhen(this.out.ready, () => this.full.set(0));
  }
}

/** One beat of a packet. */
export class Beat extends Bundle({ data: uint(64), keep: uint(8), last: bool }) {}

/** Round robin: the input after the one last granted has the highest priority. */
export class RoundRobin<T extends HType> extends Module<{ n: number; type: T }> {
  readonly req = input(vec(this.p.n, stream(this.p.type)));
  readonly out = output(stream(this.p.type));
  readonly grant = output(uint(this.p.n));
  private readonly seen = reg(uint(this.p.n), { init: 0 });

  protected override logic() {
    const valid = this.req.map(r => r.valid);
    const fresh = valid.map((v, i) => v.and(this.seen.bit(i).not()));
    const wrap = anyOf(fresh).not();
    const pick = (v: readonly Bool[]) => v.map((x, i) => (i === 0 ? x : x.and(anyOf(v.slice(0, i)).not())));
    const first = pick(fresh);
    const again = pick(valid);
    const sel = first.map((f, i) => f.or(wrap.and(again[i] ?? f)));

    this.req.forEach((r, i) => {
      r.ready.set((sel[i] ?? wrap).and(this.out.ready));
    });
    this.out.valid.set(anyOf(valid));
    this.out.put(
      muxOneHot(
        sel,
        this.req.map(r => r.payload),
      ),
    );
    this.grant.set(cat(...sel.toReversed()));
    when(this.out.fire, () => {
      this.seen.set(cat(...sel.map((_, i) => anyOf(sel.slice(i))).toReversed()));
    });
  }
}

export class Top extends Module {
  readonly a = input(stream(Beat));
  readonly b = input(stream(Beat));
  readonly out = output(stream(Beat));
  readonly beats = output(uint(16));
  private readonly arbiter = new RoundRobin({ n: 2, type: Beat });
  private readonly skid = new Skid({ type: Beat });
  private readonly counter = new Counter({ width: 16 });

  protected override logic() {
    connect(this.arbiter, { req: [this.a, this.b] });
    connect(this.skid, { in: this.arbiter.out });
    this.out.from(this.skid.out);
    connect(this.counter, { en: this.out.fire });
    this.beats.set(this.counter.count);
  }
}
