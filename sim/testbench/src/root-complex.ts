import {
  BarMemory,
  Completer,
  FunctionState,
  isCompletion,
  isMemory,
  isPosted,
  PostedWriter,
  RequestRouter,
  TlpType,
  tlpBeat,
} from '@hdl/pcie-rtl';
import {
  allOf,
  clog2,
  connect,
  input,
  Module,
  mux,
  output,
  PacketArbiter,
  RegisterSlice,
  stream,
  u,
  uint,
  wire,
} from '@hdl/ts-hdl';

export interface RootComplexParams {
  /** Bits of a beat. */
  readonly width: number;
  /** Host memory: bytes, a power of two, and its bus address, a multiple of them. */
  readonly host_bytes: number;
  readonly host_base: bigint;
}

/**
 * The host's end of the root link, in hardware as far as data goes: host memory with its completer stands beside the root port, made of the same
 * blocks as an endpoint's receive side; software sees only what is left.
 *
 *     root_tx (up) ─► slice ─┬─ memory requests to host memory, other non-posted ─► RequestRouter ─► PostedWriter, Completer ◄─► BarMemory
 *                            └─ completions, interrupts, messages ─► to_software               │
 *     root_rx (down) ◄─ slice ◄─ PacketArbiter ◄──────────────────────────────────────────────┴── from_software
 *
 * A beat per cycle both ways. Non-posted requests that nobody claims are answered with Unsupported Request.
 */
export class RootComplex extends Module<RootComplexParams> {
  readonly up = input(stream(tlpBeat(this.p.width)));
  readonly down = output(stream(tlpBeat(this.p.width)));
  /** What the host sends, and what comes up for it. */
  readonly from_software = input(stream(tlpBeat(this.p.width)));
  readonly to_software = output(stream(tlpBeat(this.p.width)));
  /** Payload limit of the root port: 128 << mps bytes. */
  readonly mps = input(uint(3));
  private readonly up_slice = new RegisterSlice({ type: tlpBeat(this.p.width) });
  private readonly for_memory = wire(stream(tlpBeat(this.p.width)));
  private readonly state = wire(FunctionState);
  private readonly router = new RequestRouter({
    width: this.p.width,
    request_depth: 256,
    bar0_bytes: 4096,
    bar2_bytes: this.p.host_bytes,
  });
  private readonly writer = new PostedWriter({ width: this.p.width, address_width: this.addressWidth() });
  private readonly completer = new Completer({ width: this.p.width, address_width: this.addressWidth() });
  private readonly memory = new BarMemory({ width: this.p.width, bytes: this.p.host_bytes, writers: 1, readers: 1 });
  private readonly arbiter = new PacketArbiter({ n: 2, type: tlpBeat(this.p.width) });
  private readonly down_slice = new RegisterSlice({ type: tlpBeat(this.p.width) });
  /**
   * Keeps an interrupt behind the memory writes before it (2.4.1): from the splitter a write takes 3 cycles, router, writer and memory, at most
   * one more where it ends in a word of its own; that one stalls what follows as well.
   */
  private readonly order = Array.from({ length: 4 }, () => new RegisterSlice({ type: tlpBeat(this.p.width) }));

  private addressWidth(): number {
    return clog2(this.p.host_bytes / (this.p.width / 8));
  }

  protected override logic() {
    const { host_base, host_bytes } = this.p;
    connect(this.up_slice, { in: this.up });
    const beat = this.up_slice.out;
    const { header, data, first, last } = beat.payload;
    const low = Math.log2(host_bytes);
    const inside = header.address.part(low, 64 - low).eq(host_base >> BigInt(low));
    this.state.set({
      id: 0,
      // The router looks at it when a TLP begins: only host memory is claimed, not what the borrowed blocks have besides.
      memory_enable: inside,
      bus_master: 1,
      mps: this.mps,
      mrrs: 5,
      bar0: 0xffff_ffff_ffff_f000n,
      bar2: host_base,
      msix_enable: 0,
      msix_mask: 0,
    });

    const request = isPosted(header).or(isCompletion(header)).not();
    const mine = request.or(allOf([isPosted(header), isMemory(header), inside]));
    this.for_memory.valid.set(beat.valid.and(mine));
    // The root complex has no configuration space that can be reached from below; type 1 requests are nobody's in the router.
    const type = mux(header.type.eq(TlpType.config0), u(5, TlpType.config1), header.type);
    this.for_memory.put({ header: { ...header, type }, data, first, last });
    const [entrance, ...rest] = this.order;
    if (!entrance) throw new RangeError('interrupts pass at least one register');
    entrance.in.valid.set(beat.valid.and(mine.not()));
    entrance.in.put(beat.payload);
    const exit = rest.reduce((before, slice) => connect(slice, { in: before.out }), entrance);
    this.to_software.from(exit.out);
    beat.ready.set(mux(mine, this.for_memory.ready, entrance.in.ready));

    connect(this.router, { rx: this.for_memory, state: this.state });
    // Completions do not come this way.
    this.router.completion.ready.set(1);
    connect(this.writer, { posted: this.router.posted });
    this.writer.register_write.ready.set(1);
    const [read] = this.memory.read;
    const [write] = this.memory.write;
    const [word] = this.memory.data;
    if (!read || !write || !word) throw new RangeError('host memory has one writer and one reader');
    write.from(this.writer.memory_write);
    connect(this.completer, {
      request: this.router.request,
      state: this.state,
      config_read_data: 0,
      register_data: 0,
      memory_data: word,
    });
    read.from(this.completer.memory_request);

    connect(this.arbiter, { in: [this.completer.tx, this.from_software] });
    connect(this.down_slice, { in: this.arbiter.out });
    this.down.from(this.down_slice.out);
  }
}
