import { allOf, anyOf, type Bool, Bundle, type BundleType, bool, cat, type UInt, type UIntType, u, uint } from '@hdl/ts-hdl';
import type { Bridge } from '../config/bridge-config-space.ts';
import { configFields, type Header, hasData, isCompletion, isMemory, isMessage, TlpType } from '../tlp/tlp.ts';

/** Where a TLP that enters a switch goes. At most one bit of all of these is 1; none means that it is dropped. */
export const routeType = (ports: number): RouteType =>
  class Route extends Bundle({
    /** One-hot by port: 0 is the upstream port, j + 1 the downstream port j. */
    egress: uint(ports),
    /** Executed by the switch: an access of one of its own configuration spaces. */
    config: bool,
    /** Answered by the ingress port with Unsupported Request. */
    unsupported: bool,
  }) {};
export type RouteType = BundleType<{ egress: UIntType<number>; config: typeof bool; unsupported: typeof bool }>;

/** A decision of the router, before it is registered. */
export interface Decision {
  readonly egress: UInt<number>;
  readonly config: Bool;
  readonly unsupported: Bool;
  /** The configuration request leaves as type 0 (rule C20). */
  readonly convert: Bool;
}

const no = (): Bool => u(1, 0);

/** Fmt of a TLP, and not of a prefix (rule C1). */
const wellFormed = (h: Header): Bool => h.fmt.bit(2).not();
/** FetchAdd, Swap, CAS and the unused code beside them. */
const isAtomic = (h: Header): Bool => h.type.part(2, 3).eq(0b011);
const isAddressed = (h: Header): Bool => isMemory(h).or(isAtomic(h));
/** A message that is routed by ID (rule C15). */
const isIdMessage = (h: Header): Bool => isMessage(h).and(h.type.part(0, 3).eq(0b010));
/** A message to the root complex. */
const isRootMessage = (h: Header): Bool => isMessage(h).and(h.type.part(0, 3).eq(0));

/** Requests of known type that want a completion: what the switch refuses with Unsupported Request. */
function wantsCompletion(h: Header): Bool {
  const read = h.type.part(1, 4).eq(0).and(hasData(h).not());
  const config = h.type.part(1, 4).eq(TlpType.config0 >> 1);
  return read.or(isAtomic(h)).or(config).or(h.type.eq(TlpType.io));
}

/** Whether the address is in one of the bridge's windows (rules C30, C31). */
function inWindow(bridge: Bridge, address: UInt<64>): Bool {
  const mib = address.part(20, 12);
  const memory = allOf([address.part(32, 32).any().not(), mib.ge(bridge.memory_base), mib.le(bridge.memory_limit)]);
  const page = address.part(20, 44);
  return memory.or(page.ge(bridge.prefetch_base).and(page.le(bridge.prefetch_limit)));
}

/** Whether the bus lies behind the bridge; a bridge without bus numbers has none behind it. */
function hasBus(bridge: Bridge, bus: UInt<8>): Bool {
  return allOf([bridge.secondary.any(), bus.ge(bridge.secondary), bus.le(bridge.subordinate)]);
}

/** Bus number that a completion, an ID-routed message or a configuration request is sent to (rule C41). */
function targetBus(h: Header): { readonly byId: Bool; readonly id: UInt<8>; readonly config: UInt<8> } {
  const message = isIdMessage(h);
  const bits = (b: Bool, v: UInt<8>) => v.and(cat(...Array.from({ length: 8 }, () => b)).as(8));
  const id = bits(message, h.address.part(56, 8)).or(bits(isCompletion(h), h.requester_id.part(8, 8)));
  return { byId: message.or(isCompletion(h)), id, config: configFields(h).bus };
}

/** One-hot: only the lowest bit that is set, should software let two windows overlap. */
function lowest(bits: readonly Bool[]): Bool[] {
  return bits.map((bit, i) => (i === 0 ? bit : bit.and(anyOf(bits.slice(0, i)).not())));
}

/** Port 0 first. */
const oneHot = (bits: readonly Bool[]): UInt<number> => cat(...bits.toReversed());

/** Where a TLP from above goes (rules C20 to C23, C32, C35, C41 to C43, C83). */
export function routeFromAbove(h: Header, upstream: Bridge, downstream: readonly Bridge[]): Decision {
  const sane = wellFormed(h);
  const claimed = allOf([sane, isAddressed(h), upstream.memory_enable, inWindow(upstream, h.address)]);
  const addressHits = downstream.map(d => allOf([claimed, d.memory_enable, inWindow(d, h.address)]));

  const { byId, id, config: configBus } = targetBus(h);
  const idSane = allOf([sane, byId, hasBus(upstream, id)]);
  const idHits = downstream.map(d => idSane.and(hasBus(d, id)));

  const { device, function: number } = configFields(h);
  const type0 = sane.and(h.type.eq(TlpType.config0));
  const type1 = sane.and(h.type.eq(TlpType.config1));
  const internal = upstream.secondary.any().and(configBus.eq(upstream.secondary));
  const ownDevice = downstream.length === 32 ? u(1, 1) : device.lt(downstream.length);
  const ownSpace = allOf([number.any().not(), type0.or(allOf([type1, internal, ownDevice]))]);
  const beyond = allOf([type1, internal.not(), hasBus(upstream, configBus)]);
  const adjacent = downstream.map(d => configBus.eq(d.secondary));
  // Below a downstream port there is only device 0 (C23).
  const configHits = downstream.map((d, j) =>
    allOf([beyond, hasBus(d, configBus), (adjacent[j] ?? no()).and(device.any()).not()]),
  );

  const hits = lowest(downstream.map((_, j) => anyOf([addressHits, idHits, configHits].map(list => list[j] ?? no()))));
  const unsupported = allOf([sane, wantsCompletion(h), anyOf(hits).not(), ownSpace.not()]);
  const convert = anyOf(hits.map((hit, j) => allOf([beyond, hit, adjacent[j] ?? no()])));
  return { egress: oneHot([no(), ...hits]), config: ownSpace, unsupported, convert };
}

/** Where a TLP that enters downstream port `index` from below goes (rules C25, C33 to C36, C41 to C44, C82, C83). */
export function routeFromBelow(h: Header, upstream: Bridge, downstream: readonly Bridge[], index: number): Decision {
  const sane = wellFormed(h);
  const own = downstream[index];
  if (!own) throw new RangeError(`there is no downstream port ${index}`);
  const others = downstream.map((bridge, j) => ({ bridge, other: j !== index }));

  const addressed = allOf([sane, isAddressed(h), own.bus_master]);
  const ownWindow = inWindow(own, h.address);
  const { byId, id } = targetBus(h);
  const idSane = sane.and(byId);
  const ownBus = hasBus(own, id);

  const toPeer = addressed.and(ownWindow.not());
  const peers = lowest(
    others.map(({ bridge, other }) => {
      if (!other) return no();
      const address = allOf([toPeer, bridge.memory_enable, inWindow(bridge, h.address)]);
      return address.or(allOf([idSane, ownBus.not(), hasBus(bridge, id)]));
    }),
  );
  const addressUp = allOf([toPeer, inWindow(upstream, h.address).not(), upstream.bus_master]);
  const idUp = allOf([idSane, ownBus.not(), hasBus(upstream, id).not()]);
  const up = allOf([anyOf(peers).not(), anyOf([addressUp, idUp, sane.and(isRootMessage(h))])]);
  const unsupported = allOf([sane, wantsCompletion(h), anyOf(peers).not(), up.not()]);
  return { egress: oneHot([up, ...peers]), config: no(), unsupported, convert: no() };
}
