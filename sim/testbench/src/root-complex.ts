import {
  BarMemory,
  BridgePort,
  FcUpdate,
  functionControls,
  HostBridge,
  type HostBridgeParams,
  IommuFault,
  isCompletion,
  isMemory,
  isPosted,
  type LinkCredits,
  LinkPort,
  ReceiveSide,
  TlpType,
  tlpBeat,
} from '@hdl/pcie-rtl';
import {
  anyOf,
  type Bool,
  Bundle,
  bool,
  clog2,
  connect,
  HdlError,
  input,
  Module,
  mux,
  output,
  PacketArbiter,
  RegisterSlice,
  type Stream,
  stream,
  u,
  uint,
  vec,
  wire,
} from '@hdl/ts-hdl';
import { at } from './at.ts';

export interface RootComplexParams {
  /** Bits of a beat. */
  readonly width: number;
  /** Host memory: bytes, a power of two of at least 4,096, and its bus address, a multiple of them below 2^64. */
  readonly host_bytes: number;
  readonly host_base: bigint;
  /** What the root port advertises; `rootCredits` by default. */
  readonly credits?: LinkCredits;
  /** Largest payload in bytes that it takes; 512 by default. */
  readonly max_payload?: number;
  /** Root ports; 1 by default. Several need a `bridge`. */
  readonly ports?: number;
  /** Makes a `HostBridge`, which translates addresses and sends requests of devices down again; without, what is not for host memory is software's. */
  readonly bridge?: RootBridgeParams;
}

/** Of a `HostBridge`, whatever its root ports. */
export type RootBridgeParams = Omit<HostBridgeParams, 'width' | 'ports'>;

/** What software sets of the `HostBridge`. */
export const bridgeControl = (ports: number) =>
  Bundle({ translates: bool, forwards_posted: bool, forwards_non_posted: bool, below: vec(ports, BridgePort) });

/** Credits of a root port that keep a link busy: several of the longest payloads, and the reads of several devices. It takes all completions (C70b). */
export const rootCredits: LinkCredits = {
  posted: { headers: 32, data: 256 },
  non_posted: { headers: 32, data: 32 },
  completion: 'infinite',
};

/** Cycles from a posted beat taken to its word in host memory. */
const writeCycles = 3;

/**
 * The host's end of the root links, in hardware as far as data goes: host memory with its completer stands beside the root ports, made of the same
 * blocks as an endpoint's receive side; software sees only what is left.
 *
 *     rx ─► LinkPort ─┬─ posted for host memory, all non-posted ─► ReceiveSide ◄─► BarMemory
 *                    │                                                │ completions
 *                    └─ completions, interrupts, messages ─► to_software
 *     tx ◄─ LinkPort ◄──── completions ◄── PacketArbiter ◄─────────────┘
 *                    └─── posted, non-posted, completions ◄── from_software
 *
 * With several root ports the `HostBridge` lies between them and the rest. Completions of host memory go to the port that has the requester's bus; software says by which port
 * each packet of its own leaves. A beat per cycle both ways, as far as the partner's credits go. Non-posted requests that nobody claims are answered with Unsupported Request; AtomicOps are
 * performed in host memory. What comes up for software comes after the writes to host memory before it (2.4.1). There are no registers in which errors are
 * logged: malformed TLPs are dropped.
 */
export class RootComplex extends Module<RootComplexParams> {
  private readonly beat = tlpBeat(this.p.width);
  private readonly address_width = clog2(this.p.host_bytes / (this.p.width / 8)) as number;
  private readonly ports = this.p.ports ?? 1;
  /** By root port, the link below: what comes up, and the partner's credits; what goes down, and the credits for what comes up. */
  readonly rx = input(vec(this.ports, stream(this.beat)));
  readonly rx_fc = input(vec(this.ports, stream(FcUpdate)));
  readonly tx = output(vec(this.ports, stream(this.beat)));
  readonly tx_fc = output(vec(this.ports, stream(FcUpdate)));
  /** 0 stops the link: what waits to leave is lost, and the credits are exchanged anew when it is 1 again. */
  readonly link_up = input(vec(this.ports, bool));
  /** What the host sends by each root port, and what comes up for it. */
  readonly from_software = input(vec(this.ports, stream(this.beat)));
  readonly to_software = output(stream(this.beat));
  /** Payload limit of the root port: 128 << mps bytes. */
  readonly mps = input(uint(3));
  /** With `bridge`. */
  readonly bridge_control = this.p.bridge && input(bridgeControl(this.ports));
  readonly fault = this.p.bridge && output(stream(IommuFault));
  private readonly bridge = this.p.bridge && new HostBridge({ ...this.p.bridge, width: this.p.width, ports: this.ports });
  /** What came up, behind the bridge if there is one. */
  private readonly up_posted = wire(stream(this.beat));
  private readonly up_requests = wire(stream(this.beat));
  private readonly up_completions = wire(stream(this.beat));
  /** By root port: what software sends down, and with it what the bridge does. */
  private readonly software_posted = wire(vec(this.ports, stream(this.beat)));
  private readonly software_requests = wire(vec(this.ports, stream(this.beat)));
  private readonly links = this.perPort(
    () =>
      new LinkPort({
        width: this.p.width,
        credits: this.p.credits ?? rootCredits,
        max_payload: this.p.max_payload ?? 512,
      }),
  );
  private readonly receive = new ReceiveSide({
    width: this.p.width,
    address_width: this.address_width,
    maps: [[{ to: 'memory', base: 0, bytes: this.p.host_bytes }]],
    bars: 1,
  });
  private readonly memory = new BarMemory({ width: this.p.width, bytes: this.p.host_bytes, writers: 1, readers: 1 });
  private readonly controls = wire(functionControls(1));
  private readonly for_memory = wire(stream(this.beat));
  private readonly requests = wire(stream(this.beat));
  private readonly no_completions = wire(stream(this.beat));
  private readonly for_software = wire(stream(this.beat));
  private readonly up_arbiter = new PacketArbiter({ n: 2, type: this.beat });
  private readonly up_delay = Array.from({ length: writeCycles }, () => new RegisterSlice({ type: this.beat }));
  private readonly down_posted = wire(vec(this.ports, stream(this.beat)));
  private readonly down_requests = wire(vec(this.ports, stream(this.beat)));
  /** By root port: completions of software, and of host memory. */
  private readonly answers = wire(vec(this.ports, stream(this.beat)));
  private readonly memory_answers = wire(vec(this.ports, stream(this.beat)));
  private readonly down_arbiters = this.perPort(() => new PacketArbiter({ n: this.p.bridge ? 3 : 2, type: this.beat }));
  private readonly posted_arbiters = this.bridged(() => new PacketArbiter({ n: 2, type: this.beat }));
  private readonly request_arbiters = this.bridged(() => new PacketArbiter({ n: 2, type: this.beat }));

  private perPort<X>(make: () => X): X[] {
    return Array.from({ length: this.ports }, make);
  }

  private bridged<X>(make: () => X): X[] {
    return this.p.bridge ? this.perPort(make) : [];
  }

  protected override logic() {
    this.joinLinks();
    this.joinBridge();
    this.receivePosted();
    this.receiveRequests();
    this.joinMemory();
    this.inform();
    this.send();
  }

  private joinLinks(): void {
    this.links.forEach((link, i) => {
      connect(link, {
        rx: at(this.rx, i),
        rx_fc: at(this.rx_fc, i),
        posted: at(this.down_posted, i),
        non_posted: at(this.down_requests, i),
        completion: at(this.down_arbiters, i).out,
        // Completions with relaxed ordering need not wait for posted TLPs (C64): the attribute is the requester's.
        relaxed: 1,
        link_up: at(this.link_up, i),
      });
      at(this.tx, i).from(link.tx);
      at(this.tx_fc, i).from(link.tx_fc);
      link.overflow.ready.set(1);
    });
  }

  private joinBridge(): void {
    const { links, bridge, bridge_control, fault } = this;
    if (!bridge || !bridge_control || !fault) {
      const [link, another] = links;
      if (!link || another)
        throw new HdlError(`a root complex with ${links.length} root ports`, { help: 'several need a bridge' });
      this.up_posted.from(link.received_posted);
      this.up_requests.from(link.received_non_posted);
      this.up_completions.from(link.received_completion);
      at(this.down_posted, 0).from(at(this.software_posted, 0));
      at(this.down_requests, 0).from(at(this.software_requests, 0));
      return;
    }
    connect(bridge, {
      translates: bridge_control.translates,
      forwards_posted: bridge_control.forwards_posted,
      forwards_non_posted: bridge_control.forwards_non_posted,
      below: [...bridge_control.below],
      posted: links.map(link => link.received_posted),
      non_posted: links.map(link => link.received_non_posted),
      completion: links.map(link => link.received_completion),
    });
    this.up_posted.from(bridge.up_posted);
    this.up_requests.from(bridge.up_non_posted);
    this.up_completions.from(bridge.up_completion);
    this.posted_arbiters.forEach((arbiter, i) => {
      connect(arbiter, { in: [at(this.software_posted, i), at(bridge.down_posted, i)] });
      at(this.down_posted, i).from(arbiter.out);
    });
    this.request_arbiters.forEach((arbiter, i) => {
      connect(arbiter, { in: [at(this.software_requests, i), at(bridge.down_non_posted, i)] });
      at(this.down_requests, i).from(arbiter.out);
    });
    fault.from(bridge.fault);
  }

  /** Memory writes to host memory are the receive side's. */
  private receivePosted(): void {
    const { host_base, host_bytes } = this.p;
    const posted = this.up_posted;
    const { header } = posted.payload;
    const low = Math.log2(host_bytes);
    const inside = header.address.part(low, 64 - low).eq(host_base >> BigInt(low));
    const mine = isMemory(header).and(inside);
    passIf(mine, posted, this.for_memory);
    passIf(mine.not(), posted, this.for_software);
    posted.ready.set(mux(mine, this.for_memory.ready, this.for_software.ready));
  }

  /**
   * Non-posted requests are too. The root complex has no configuration space that can be reached from below; type 1 requests are nobody's at an
   * endpoint's receive side.
   */
  private receiveRequests(): void {
    const { valid, ready, payload } = this.up_requests;
    const { header, data, first, last } = payload;
    const type = mux(header.type.eq(TlpType.config0), u(5, TlpType.config1), header.type);
    this.requests.valid.set(valid);
    this.requests.put({ header: { ...header, type }, data, first, last });
    ready.set(this.requests.ready);
  }

  private joinMemory(): void {
    const { receive, memory } = this;
    const { host_base, host_bytes } = this.p;
    const compare = ((1n << 64n) - BigInt(host_bytes)) >> 12n;
    this.controls.set({ ...noControls, memory_enable: 1, mps: this.mps, bars: [{ base: host_base, compare }] });
    connect(receive, {
      posted: this.for_memory,
      non_posted: this.requests,
      completion: this.no_completions,
      controls: [this.controls],
      retry: 0,
      link_data: memory.link_data,
      atomic_result: memory.atomic_result,
      config_read_data: 0,
      register_data: 0,
    });
    memory.link_write.from(receive.link_write);
    memory.link_read.from(receive.link_read);
    memory.atomic.from(receive.atomic);
    // Software reads and writes host memory without taking time: nobody is at the ports for words.
    for (const write of memory.write) {
      write.valid.set(0);
      write.put({ address: 0, data: 0, mask: 0 });
    }
    for (const read of memory.read) {
      read.valid.set(0);
      read.put(0);
    }
    for (const data of memory.data) data.ready.set(1);
    // Completions are software's.
    this.no_completions.valid.set(0);
    this.no_completions.put(this.up_completions.payload);
    receive.requester.ready.set(1);
    receive.register_write.ready.set(1);
    receive.error.ready.set(1);
  }

  /**
   * Takes to software what is for it, behind the writes before it: a write takes `writeCycles` to get into host memory, and what comes later as many, in
   * which it stands still while the memory stands still for an AtomicOp.
   */
  private inform(): void {
    const { receive, memory, up_arbiter } = this;
    const moves = receive.link_write.valid.not().or(memory.link_write.ready);
    connect(up_arbiter, { in: [this.for_software, this.up_completions] });
    const last = this.up_delay.reduce<Beats>((before, slice) => {
      gate(moves, before, slice.in);
      return slice.out;
    }, up_arbiter.out);
    gate(moves, last, this.to_software);
  }

  private send(): void {
    this.from_software.forEach((from, i) => {
      const { header } = from.payload;
      const [to_posted, to_answers, to_requests] = [this.software_posted, this.answers, this.software_requests].map(to =>
        at(to, i),
      );
      if (!to_posted || !to_answers || !to_requests) return;
      const posted = isPosted(header);
      const completion = isCompletion(header);
      passIf(posted, from, to_posted);
      passIf(completion, from, to_answers);
      passIf(posted.or(completion).not(), from, to_requests);
      from.ready.set(mux(posted, to_posted.ready, mux(completion, to_answers.ready, to_requests.ready)));
    });
    this.sortAnswers();
    this.down_arbiters.forEach((arbiter, i) => {
      const forwarded = this.bridge ? [at(this.bridge.down_completion, i)] : [];
      connect(arbiter, { in: [at(this.memory_answers, i), at(this.answers, i), ...forwarded] });
    });
  }

  /** Gives a completion of host memory to the root port that has its requester's bus: to the first one if no other has. */
  private sortAnswers(): void {
    const { tx } = this.receive;
    const bus = tx.payload.header.requester_id.part(8, 8);
    const others = (this.bridge_control?.below ?? []).map(({ secondary, subordinate }, i) =>
      i === 0 ? u(1, 0) : bus.ge(secondary).and(bus.le(subordinate)),
    );
    const ways = this.memory_answers.map((_, i) => (i === 0 ? anyOf([u(1, 0), ...others]).not() : at(others, i)));
    ways.forEach((way, i) => {
      passIf(way, tx, at(this.memory_answers, i));
    });
    tx.ready.set(anyOf(ways.map((way, i) => way.and(at(this.memory_answers, i).ready))));
  }
}

/** Everything off. */
const noControls = {
  id: 0,
  memory_enable: 0,
  bus_master: 0,
  mps: 0,
  mrrs: 0,
  relaxed_ordering: 0,
  no_snoop: 0,
  extended_tag: 0,
  ten_bit_tag: 0,
  timeout_value: 0,
  timeout_disable: 0,
  atomic_requester: 0,
  ido_request: 0,
  ido_completion: 0,
  ecrc_generate: 0,
  ecrc_check: 0,
  msix_enable: 0,
  msix_mask: 0,
  acs: 0,
  acs_egress: 0,
  ats_enable: 0,
  ats_unit: 0,
  resetting: 0,
} as const;

type Beats = Stream<ReturnType<typeof tlpBeat>>;

/** Offers what stands at `from` to one of several; `ready` is the caller's. */
function passIf(condition: Bool, from: Beats, to: Beats): void {
  to.valid.set(from.valid.and(condition));
  to.put(from.payload);
}

/** Joins two streams while `open` is 1. */
function gate(open: Bool, from: Beats, to: Beats): void {
  passIf(open, from, to);
  from.ready.set(to.ready.and(open));
}
