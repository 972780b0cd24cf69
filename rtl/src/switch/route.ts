import { allOf, anyOf, type Bool, Bundle, type BundleType, bool, cat, repeat, type UInt, u, uint } from '@hdl/ts-hdl';
import { at } from '../at.ts';
import type { PortControls } from '../config/port-controls.ts';
import { lowest } from '../link/round-robin.ts';
import { configFields, type Header, isAtomic, isCompletion, isMemory, isMessage, MessageRoute, TlpType } from '../tlp/tlp.ts';
import { type AccessRules, accessRules } from './access-control.ts';
import { either, every, some, word } from './trees.ts';

/**
 * Where a TLP that enters a switch goes, one-hot over all of these; nothing means that it is dropped without a word, which only TLPs are that are no
 * TLPs (malformed ones, found before).
 */
export interface Way {
  /** One-hot by port: 0 is the upstream port, j + 1 the downstream port j. */
  readonly egress: UInt<number>;
  /** For the switch itself: an access of one of its configuration spaces; a message to all downstream ports, or one that ends here. */
  readonly access: Bool;
  readonly broadcast: Bool;
  readonly terminate: Bool;
  /** Nobody takes it: dropped if posted or a completion, else answered with Unsupported Request; reported so (C51), or as an unexpected completion (C42). */
  readonly unsupported: Bool;
  /** Access control forbids it: dropped if posted, else answered with Completer Abort; reported as an ACS violation (C80). */
  readonly violation: Bool;
  /** The egress lets no AtomicOps out: as unsupported, reported as blocked (C98). */
  readonly blocked: Bool;
  /** The port is contained, and says so with Completer Abort: as unsupported but for the status of the answer (C91). */
  readonly aborted: Bool;
  /** The configuration request leaves as type 0 (C20). */
  readonly convert: Bool;
}

/**
 * What the windows, buses and controls of all ports say of a TLP. What has a bit per downstream port tells what becomes of the TLP if that one is its peer: the windows take
 * as long as all else, so nothing waits for them, and `wayOf` has little to do.
 */
export interface Survey {
  /** One-hot: the downstream port that the target lies behind. */
  readonly peer: UInt<number>;
  /** It leaves there; does so as type 0. */
  readonly goes: UInt<number>;
  readonly convert: UInt<number>;
  /** It may not, for it is an AtomicOp (C98); for the port is contained, and says so with Completer Abort (C91). */
  readonly blocked: UInt<number>;
  readonly aborted: UInt<number>;
  /** Access control forbids it; sends it up instead. */
  readonly forbidden: UInt<number>;
  readonly redirected: UInt<number>;
  /** It goes up if it has no peer; what goes up is an AtomicOp that the upstream port does not let out. */
  readonly upward: Bool;
  readonly blocked_up: Bool;
  /** A violation wherever it goes. */
  readonly refused: Bool;
  /** For the switch itself, as in `Way`. */
  readonly access: Bool;
  readonly broadcast: Bool;
  readonly terminate: Bool;
}

const surveyFields = (ports: number) => ({
  peer: uint(ports),
  goes: uint(ports),
  convert: uint(ports),
  blocked: uint(ports),
  aborted: uint(ports),
  forbidden: uint(ports),
  redirected: uint(ports),
  upward: bool,
  blocked_up: bool,
  refused: bool,
  access: bool,
  broadcast: bool,
  terminate: bool,
});

/** A `Survey` as a register: an ingress keeps it before `wayOf`, for both together take longer than a cycle. */
export function survey(ports: number): SurveyType {
  const known = surveys.get(ports);
  if (known) return known;
  const type = class SurveyWord extends Bundle(surveyFields(ports)) {};
  surveys.set(ports, type);
  return type;
}
export type SurveyType = BundleType<ReturnType<typeof surveyFields>>;
const surveys = new Map<number, SurveyType>();

const no = (): Bool => u(1, 0);
const isMessageTo = (h: Header, route: number): Bool => isMessage(h).and(h.type.part(0, 3).eq(route));

/** Whether a number is from the first to the last one, both included. "At most" as "not less": for the other synthesis adds a comparison for equality. */
const within = <W extends number>(number: UInt<W>, first: UInt<W>, last: UInt<W>): Bool =>
  number.lt(first).not().and(last.lt(number).not());

/** An address, and whether it is below 4 GiB. */
interface Place {
  readonly address: UInt<64>;
  readonly low: Bool;
}

/** That the upper half is 0 is the borrow of a subtraction, which is as soon known as the comparisons with the windows; of a tree of gates three levels would be in their way. */
const placeOf = ({ address }: Header): Place => ({ address, low: address.part(32, 32).zext(33).sub(1).bit(32) });

/** Whether the address is in one of the port's memory windows (C30, C31). */
function inWindow(port: PortControls, { address, low }: Place): Bool {
  const below = allOf([low, within(address.part(20, 12), port.memory_base, port.memory_limit)]);
  return below.or(within(address.part(20, 44), port.prefetch_base, port.prefetch_limit));
}
function inIoWindow(port: PortControls, { address, low }: Place): Bool {
  return allOf([low, within(address.part(12, 20), port.io_base, port.io_limit)]);
}
/** Whether the bus lies behind the port. */
const hasBus = (port: PortControls, bus: UInt<8>): Bool =>
  allOf([port.secondary.any(), within(bus, port.secondary, port.subordinate)]);

/** What the routing knows of a TLP whatever its way. */
function traits(h: Header) {
  const memory = isMemory(h).or(isAtomic(h));
  const by_message_id = isMessageTo(h, MessageRoute.byId);
  const completion = isCompletion(h);
  const by_id = completion.or(by_message_id);
  const target = (by: Bool, bus: UInt<8>) => bus.and(cat(...Array.from({ length: 8 }, () => by)).as(8));
  /** Bus that a completion or a message by ID is sent to (C41). */
  const bus = target(by_message_id, h.address.part(56, 8)).or(target(completion, h.requester_id.part(8, 8)));
  return { memory, io: h.type.eq(TlpType.io), atomic: isAtomic(h), by_id, bus, completion, place: placeOf(h) };
}

/** What becomes of a TLP by its peer. */
function byPeer(ports: readonly PortControls[], atomic: Bool, rules: Pick<AccessRules, 'refused' | 'forbidden' | 'direct'>) {
  const { refused, forbidden, direct } = rules;
  const ofPort = (what: (port: PortControls) => Bool) => word(ports.map((port, j) => direct.bit(j).and(what(port))));
  return {
    goes: ofPort(port => port.link_up.and(atomic.and(port.atomic_blocked).not())),
    blocked: ofPort(port => allOf([port.link_up, atomic, port.atomic_blocked])),
    aborted: ofPort(port => port.link_up.not().and(port.aborts)),
    forbidden,
    refused,
  };
}

/** The way of what `found` says. */
export function wayOf(found: Survey): Way {
  const { peer } = found;
  const egress = peer.and(found.goes);
  const up = anyOf([peer.and(found.redirected).any(), found.upward.and(peer.any().not())]);
  const blocked = anyOf([peer.and(found.blocked).any(), up.and(found.blocked_up)]);
  const violation = found.refused.or(peer.and(found.forbidden).any());
  // What has a peer that takes it or does not let it through, or else goes up, though the upstream port may let no AtomicOps out.
  const to_peer = peer.and(either([found.goes, found.blocked, found.redirected, found.forbidden])).any();
  const to_here = some([found.access, found.broadcast, found.terminate, found.refused]);
  const goes = some([to_peer, found.upward.and(peer.any().not()), to_here]);
  return {
    egress: cat(egress, up.and(found.blocked_up.not())),
    access: found.access,
    broadcast: found.broadcast,
    terminate: found.terminate,
    unsupported: goes.not(),
    violation,
    blocked,
    aborted: peer.and(found.aborted).any(),
    convert: egress.and(found.convert).any(),
  };
}

/** The way of a TLP from above (C20 to C23, C27, C32, C35, C41 to C43, C71e, C83, C98). */
export function wayFromAbove(h: Header, upstream: PortControls, downstream: readonly PortControls[]): Way {
  return wayOf(surveyFromAbove(h, upstream, downstream));
}

/** What is known of it. */
export function surveyFromAbove(h: Header, upstream: PortControls, downstream: readonly PortControls[]): Survey {
  const { memory, io, atomic, by_id, bus, place } = traits(h);
  const window = inWindow(upstream, place).and(upstream.memory_enable);
  const io_window = inIoWindow(upstream, place).and(upstream.io_enable);
  const addressed = downstream.map(d => {
    const within_memory = every([window, d.memory_enable, inWindow(d, place)]);
    const within_io = every([io_window, d.io_enable, inIoWindow(d, place)]);
    return [memory.and(within_memory), io.and(within_io)];
  });
  const named = downstream.map(d => allOf([by_id, hasBus(upstream, bus), hasBus(d, bus)]));

  const { bus: config_bus, device, function: number } = configFields(h);
  const type0 = h.type.eq(TlpType.config0);
  const type1 = h.type.eq(TlpType.config1);
  const internal = upstream.secondary.any().and(config_bus.eq(upstream.secondary));
  const exists = downstream.length === 32 ? u(1, 1) : device.lt(downstream.length);
  const access = allOf([number.any().not(), type0.or(allOf([type1, internal, exists]))]);
  const beyond = every([type1, config_bus.ne(upstream.secondary), hasBus(upstream, config_bus)]);
  const adjacent = downstream.map(d => config_bus.eq(d.secondary));
  // Below a downstream port there is only device 0 (C23), unless its device bits are function bits.
  const configured = downstream.map((d, j) => {
    const absent = allOf([at(adjacent, j), device.any(), d.ari_forwarding.not()]);
    return every([beyond, hasBus(d, config_bus), absent.not()]);
  });

  // Of windows that software let overlap, the lower port's counts.
  const hits = lowest(downstream.map((_, j) => some([...at(addressed, j), at(named, j), at(configured, j)])));
  const nothing = u(downstream.length, 0);
  const rules = { refused: no(), forbidden: nothing, direct: nothing.not() };
  return {
    peer: word(hits),
    ...byPeer(downstream, atomic, rules),
    convert: word(adjacent.map(here => here.and(beyond))),
    redirected: nothing,
    upward: no(),
    blocked_up: no(),
    access,
    broadcast: isMessageTo(h, MessageRoute.broadcast),
    terminate: isMessageTo(h, MessageRoute.local),
  };
}

/** The way of a TLP that enters downstream port `index` from below (C25, C33 to C36, C41 to C44, C71e, C72 to C80, C82, C83, C98). */
export function wayFromBelow(h: Header, upstream: PortControls, downstream: readonly PortControls[], index: number): Way {
  return wayOf(surveyFromPort(h, upstream, downstream, at(downstream, index)));
}

/** What is known of it, where the port that it enters by may be a signal: what its configuration space says is `own`. */
export function surveyFromPort(
  h: Header,
  upstream: PortControls,
  downstream: readonly PortControls[],
  own: PortControls,
): Survey {
  const { memory, io, atomic, by_id, bus, completion, place } = traits(h);
  const addressed = memory.or(io);
  const windows = (port: PortControls) => memory.and(inWindow(port, place)).or(io.and(inIoWindow(port, place)));

  const behind_own = windows(own).or(by_id.and(hasBus(own, bus)));
  // Bus master enable gates requests, and neither completions nor messages (C82).
  const allowed = addressed.not().or(own.bus_master);
  // Of windows that software let overlap, the lower port's counts; what lies behind its own port has no peer.
  const peers = lowest(
    downstream.map(port => {
      const within_memory = every([memory, own.bus_master, port.memory_enable, inWindow(port, place)]);
      const within_io = every([io, own.bus_master, port.io_enable, inIoWindow(port, place)]);
      return some([within_memory, within_io, by_id.and(hasBus(port, bus))]);
    }),
  ).map(hit => hit.and(behind_own.not()));
  const rules = accessRules(own.acs, own.egress_vector, {
    request: completion.not(),
    memory,
    at: h.at,
    relaxed_ordering: h.attr.bit(1),
    source_valid: hasBus(own, h.requester_id.part(8, 8)),
    own: behind_own.and(allowed),
  });
  const to_root = isMessageTo(h, MessageRoute.toRootComplex);
  // Neither behind its own port nor beyond the upstream port's windows.
  const elsewhere = (covers: (port: PortControls) => Bool) => covers(own).or(covers(upstream)).not();
  // What of it comes late is and-ed last, and what passes up first.
  const passes_up = addressed.not().or(upstream.bus_master).and(rules.refused.not());
  const masters = own.bus_master.and(passes_up);
  const plain_up = [
    memory.and(masters).and(elsewhere(port => inWindow(port, place))),
    io.and(masters).and(elsewhere(port => inIoWindow(port, place))),
    by_id.and(passes_up).and(elsewhere(port => hasBus(port, bus))),
  ];
  const ends_here = anyOf([isMessageTo(h, MessageRoute.local), isMessageTo(h, MessageRoute.gather)]);
  return {
    peer: word(peers),
    ...byPeer(downstream, atomic, rules),
    convert: u(downstream.length, 0),
    redirected: rules.redirected.and(repeat(passes_up, downstream.length) as UInt<number>),
    // What lies behind the port that it came in by has no peer.
    upward: some([...plain_up, passes_up.and(to_root.or(rules.returned))]),
    blocked_up: atomic.and(upstream.atomic_blocked),
    refused: rules.refused,
    access: no(),
    broadcast: no(),
    terminate: ends_here.and(rules.refused.not()),
  };
}
