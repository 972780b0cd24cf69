import { allOf, anyOf, type Bool, cat, type UInt, u } from '@hdl/ts-hdl';
import { at } from '../at.ts';
import type { PortControls } from '../config/port-controls.ts';
import { lowest } from '../link/round-robin.ts';
import { configFields, type Header, isAtomic, isCompletion, isMemory, isMessage, MessageRoute, TlpType } from '../tlp/tlp.ts';
import { accessControl } from './access-control.ts';

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

const no = (): Bool => u(1, 0);
const isMessageTo = (h: Header, route: number): Bool => isMessage(h).and(h.type.part(0, 3).eq(route));

/** Whether the address is in one of the port's memory windows (C30, C31). */
function inWindow(port: PortControls, address: UInt<64>): Bool {
  const mib = address.part(20, 12);
  const low = allOf([address.part(32, 32).any().not(), mib.ge(port.memory_base), mib.le(port.memory_limit)]);
  const page = address.part(20, 44);
  return low.or(page.ge(port.prefetch_base).and(page.le(port.prefetch_limit)));
}
function inIoWindow(port: PortControls, address: UInt<64>): Bool {
  const page = address.part(12, 20);
  return allOf([address.part(32, 32).any().not(), page.ge(port.io_base), page.le(port.io_limit)]);
}
/** Whether the bus lies behind the port. */
const hasBus = (port: PortControls, bus: UInt<8>): Bool =>
  allOf([port.secondary.any(), bus.ge(port.secondary), bus.le(port.subordinate)]);

/** What the routing knows of a TLP whatever its way. */
function traits(h: Header) {
  const memory = isMemory(h).or(isAtomic(h));
  const by_message_id = isMessageTo(h, MessageRoute.byId);
  const completion = isCompletion(h);
  const by_id = completion.or(by_message_id);
  const target = (by: Bool, bus: UInt<8>) => bus.and(cat(...Array.from({ length: 8 }, () => by)).as(8));
  /** Bus that a completion or a message by ID is sent to (C41). */
  const bus = target(by_message_id, h.address.part(56, 8)).or(target(completion, h.requester_id.part(8, 8)));
  return { memory, io: h.type.eq(TlpType.io), atomic: isAtomic(h), by_id, bus, completion };
}

/** Port 0 first. */
const word = (bits: readonly Bool[]): UInt<number> => cat(...bits.toReversed());

/** What is wrong with a hit: the port is there, but does not let the TLP out. */
function leaving(hits: readonly Bool[], ports: readonly PortControls[], atomic: Bool) {
  const up = hits.map((hit, j) => hit.and(at(ports, j).link_up));
  const blocked = anyOf(up.map((hit, j) => allOf([hit, atomic, at(ports, j).atomic_blocked])));
  const aborted = anyOf(hits.map((hit, j) => allOf([hit, at(ports, j).link_up.not(), at(ports, j).aborts])));
  return { egress: up.map((hit, j) => hit.and(atomic.and(at(ports, j).atomic_blocked).not())), blocked, aborted };
}

/** The way of a TLP from above (C20 to C23, C27, C32, C35, C41 to C43, C71e, C83, C98). */
export function wayFromAbove(h: Header, upstream: PortControls, downstream: readonly PortControls[]): Way {
  const { memory, io, atomic, by_id, bus } = traits(h);
  const passes = memory.and(upstream.memory_enable).and(inWindow(upstream, h.address));
  const passes_io = io.and(upstream.io_enable).and(inIoWindow(upstream, h.address));
  const addressed = downstream.map(d =>
    allOf([passes, d.memory_enable, inWindow(d, h.address)]).or(allOf([passes_io, d.io_enable, inIoWindow(d, h.address)])),
  );
  const named = downstream.map(d => allOf([by_id, hasBus(upstream, bus), hasBus(d, bus)]));

  const { bus: config_bus, device, function: number } = configFields(h);
  const type0 = h.type.eq(TlpType.config0);
  const type1 = h.type.eq(TlpType.config1);
  const internal = upstream.secondary.any().and(config_bus.eq(upstream.secondary));
  const exists = downstream.length === 32 ? u(1, 1) : device.lt(downstream.length);
  const access = allOf([number.any().not(), type0.or(allOf([type1, internal, exists]))]);
  const beyond = allOf([type1, internal.not(), hasBus(upstream, config_bus)]);
  const adjacent = downstream.map(d => config_bus.eq(d.secondary));
  // Below a downstream port there is only device 0 (C23), unless its device bits are function bits.
  const configured = downstream.map((d, j) => {
    const absent = allOf([at(adjacent, j), device.any(), d.ari_forwarding.not()]);
    return allOf([beyond, hasBus(d, config_bus), absent.not()]);
  });

  // Of windows that software let overlap, the lower port's counts.
  const hits = lowest(downstream.map((_, j) => anyOf([at(addressed, j), at(named, j), at(configured, j)])));
  const { egress, blocked, aborted } = leaving(hits, downstream, atomic);
  const broadcast = isMessageTo(h, MessageRoute.broadcast);
  const terminate = isMessageTo(h, MessageRoute.local);
  const goes = anyOf([...egress, blocked, access, broadcast, terminate]);
  return {
    egress: word([no(), ...egress]),
    access,
    broadcast,
    terminate,
    unsupported: goes.not(),
    violation: no(),
    blocked,
    aborted,
    convert: anyOf(egress.map((e, j) => allOf([e, beyond, at(adjacent, j)]))),
  };
}

/** The way of a TLP that enters downstream port `index` from below (C25, C33 to C36, C41 to C44, C71e, C72 to C80, C82, C83, C98). */
export function wayFromBelow(h: Header, upstream: PortControls, downstream: readonly PortControls[], index: number): Way {
  const is_own = downstream.map((_, j) => u(1, j === index ? 1 : 0));
  return wayFromPort(h, upstream, downstream, { own: at(downstream, index), is_own });
}

/** The same where the port that the TLP enters by is a signal: `is_own` has a 1 for it. */
export function wayFromPort(
  h: Header,
  upstream: PortControls,
  downstream: readonly PortControls[],
  entered: { readonly own: PortControls; readonly is_own: readonly Bool[] },
): Way {
  const { own, is_own } = entered;
  const { memory, io, atomic, by_id, bus, completion } = traits(h);
  const addressed = memory.or(io);
  const windows = (port: PortControls) => memory.and(inWindow(port, h.address)).or(io.and(inIoWindow(port, h.address)));
  const enabled = (port: PortControls) => memory.and(port.memory_enable).or(io.and(port.io_enable));

  const behind_own = windows(own).or(by_id.and(hasBus(own, bus)));
  // Bus master enable gates requests, and neither completions nor messages (C82).
  const allowed = addressed.not().or(own.bus_master);
  // Of windows that software let overlap, the lower port's counts.
  const peers = lowest(
    downstream.map((port, j) => {
      return allOf([
        at(is_own, j).not(),
        allowed,
        behind_own.not(),
        windows(port)
          .and(enabled(port))
          .or(by_id.and(hasBus(port, bus))),
      ]);
    }),
  );
  const verdict = accessControl(own.acs, own.egress_vector, {
    request: completion.not(),
    memory,
    at: h.at,
    relaxed_ordering: h.attr.bit(1),
    source_valid: hasBus(own, h.requester_id.part(8, 8)),
    peer: word(peers),
    own: behind_own.and(allowed),
  });
  const direct = downstream.map((_, j) => verdict.peer.bit(j));
  const { egress, blocked, aborted } = leaving(direct, downstream, atomic);

  const to_root = isMessageTo(h, MessageRoute.toRootComplex);
  const claimed_above = windows(upstream).or(by_id.and(hasBus(upstream, bus)));
  const plain_up = allOf([addressed.or(by_id), anyOf(peers).not(), behind_own.not(), claimed_above.not()]);
  const wants_up = anyOf([verdict.up, allOf([verdict.violation.not(), plain_up.and(allowed).or(to_root)])]);
  const up = wants_up.and(addressed.not().or(upstream.bus_master));
  const up_blocked = allOf([up, atomic, upstream.atomic_blocked]);
  const terminate = allOf([
    anyOf([isMessageTo(h, MessageRoute.local), isMessageTo(h, MessageRoute.gather)]),
    verdict.violation.not(),
  ]);
  const goes = anyOf([...egress, blocked, up, verdict.violation, terminate]);
  return {
    egress: word([up.and(up_blocked.not()), ...egress]),
    access: no(),
    broadcast: no(),
    terminate,
    unsupported: goes.not(),
    violation: verdict.violation,
    blocked: blocked.or(up_blocked),
    aborted,
    convert: no(),
  };
}
