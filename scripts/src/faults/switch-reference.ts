import { Kind } from '../soak/reference/errors.ts';
import { defined, wrongSingle } from '../soak/reference/rules.ts';
import { bodyDwords, classOf, dwords, hasData, isAtomic, isCompletion, isMessage, messageCode, type Tlp } from '../soak/tlp.ts';
import { links } from './switch-harness.ts';
import { innerBus, ioBase, mebi, memoryBase, prefetchBase, prefetchHigh, secondary, subordinate } from './switch-plan.ts';

/** Errors of a switch port beside those of an endpoint: their bits in its AER registers (7.8.4.2). */
export const PortKind = { ...Kind, surpriseDown: 5, violation: 21 } as const;

/** Access control of a downstream port (7.7.8.3). */
export interface AccessControl {
  readonly sourceValidation: boolean;
  readonly translationBlocking: boolean;
  readonly requestRedirect: boolean;
  readonly completionRedirect: boolean;
  readonly upstreamForwarding: boolean;
  readonly egressControl: boolean;
  readonly directTranslated: boolean;
  /** A bit per port number. */
  readonly vector: number;
}

export interface PortState {
  readonly acs: AccessControl;
  readonly busMaster: boolean;
  /** Payload limit in bytes. */
  readonly payload: number;
  /** The link is up; else requests for it are refused with UR, or with CA. */
  link: 'up' | 'down' | 'contained';
}

/** Where a TLP comes from and is addressed to: from above to what is below a port, to nobody, to all; from below. `here`: it ends at the port, or in the switch. */
export type Route = 'down' | 'down to nobody' | 'all' | 'up' | 'peer' | 'own side' | 'nobody' | 'here' | 'unrouted';
/** What access control did with it. */
export type Access =
  | 'none'
  | 'source validation'
  | 'translation blocking'
  | 'request redirect'
  | 'completion redirect'
  | 'relaxed completion'
  | 'upstream forwarding'
  | 'egress allowed'
  | 'egress blocked'
  | 'egress redirected'
  | 'direct translated';
/** What is wrong with it, or with where it goes. */
export type Trouble =
  | 'none'
  | 'malformed'
  | 'wrong length'
  | 'over the egress limit'
  | 'poisoned'
  | 'refused'
  | 'no bus mastering'
  | 'violation'
  | 'link down'
  | 'contained';

/** Why this becomes of it. */
export interface Cause {
  readonly route: Route;
  readonly access: Access;
  readonly trouble: Trouble;
}

/** What becomes of a TLP that enters the switch. */
export interface Judgement extends Cause {
  /** The link that it leaves by. */
  readonly to?: number;
  /** The links that copies of it leave by. */
  readonly copies?: readonly number[];
  /** The type that it leaves as, if not its own. */
  readonly as?: number;
  /** Status of the completion that refuses it. */
  readonly status?: 1 | 4;
  /** Error that the port where it entered logs. */
  readonly error?: number;
  /** It leaves with so many bytes of its body. */
  readonly cut?: number;
}

const behind = (port: number, bus: number): boolean => bus >= secondary(port) && bus <= subordinate(port);
const inSwitch = (bus: number): boolean => bus >= 2 && bus <= subordinate(links - 1);
const downstream = Array.from({ length: links - 1 }, (_, i) => i + 1);

/** Whether an address lies in a port's windows. */
function claims(port: number, t: Tlp): boolean {
  const within = (base: number, size: number) => t.low >= base && t.low < base + size;
  if (t.type === 2) return within(ioBase(port), 0x1000);
  const high = t.fmt & 1 ? t.high : 0;
  return (high === 0 && within(memoryBase(port), mebi)) || (high === prefetchHigh && within(prefetchBase(port), mebi));
}
/** Whether it lies in the windows of the upstream port, which take in the holes between those of the others. */
function claimedAbove(t: Tlp): boolean {
  const within = (base: number, end: number) => t.low >= base && t.low < end;
  if (t.type === 2) return within(ioBase(1), ioBase(links));
  const high = t.fmt & 1 ? t.high : 0;
  return (
    (high === 0 && within(memoryBase(1), memoryBase(links))) ||
    (high === prefetchHigh && within(prefetchBase(1), prefetchBase(links)))
  );
}

/** Says of a TLP, from the specification alone, what a switch has to do with it (2.3, 6.12.3, 7.5.1.3; C20 to C44, C71d, C72 to C83). */
export class SwitchReference {
  readonly ports: readonly PortState[];
  readonly width: number;

  constructor(ports: readonly PortState[], width: number) {
    this.ports = ports;
    this.width = width;
  }

  judge(t: Tlp, from: number): Judgement {
    const ingress = this.port(from);
    const bytes = hasData(t) ? 4 * dwords(t) : 0;
    const bad: Judgement = { error: PortKind.malformed, route: 'unrouted', access: 'none', trouble: 'malformed' };
    if (!defined(t) || wrongSingle(t) || bytes > ingress.payload) return bad;
    const beats = (length: number) => Math.max(1, Math.ceil((8 * length) / this.width));
    const [due, got] = [beats(4 * bodyDwords(t)), beats(t.body.length)];
    if (due !== got && (due === 1 || got === 1)) return bad;
    const way = from === 0 ? this.fromAbove(t) : this.fromBelow(t, from);
    const { route, access } = way;
    if (way.to === undefined) return way.copies ? this.leaving(t, way, due, got) : this.ending(t, way);
    const egress = this.port(way.to);
    if (egress.link !== 'up') {
      const contained = egress.link === 'contained';
      return { ...this.refuse(t, way, contained ? 4 : 1), trouble: contained ? 'contained' : 'link down' };
    }
    if (bytes > egress.payload) return { error: PortKind.malformed, route, access, trouble: 'over the egress limit' };
    return this.leaving(t, way, due, got);
  }

  /** What ends in the switch: data with poison is not used (2.7.2.2, C71b). */
  private ending(t: Tlp, way: Judgement): Judgement {
    if (way.route !== 'here' || way.trouble !== 'none' || t.ep === 0 || !hasData(t)) return way;
    const told: Judgement = { ...way, error: PortKind.poisoned, trouble: 'poisoned' };
    return classOf(t) === 1 ? { ...told, status: 1 } : told;
  }

  /** What is told of a TLP that leaves, of `got` beats where `due` would be right. */
  private leaving(t: Tlp, way: Judgement, due: number, got: number): Judgement {
    if (due !== got) {
      const cut = (this.width / 8) * Math.min(due, got);
      return { ...way, error: PortKind.malformed, cut, trouble: 'wrong length' };
    }
    // The receiver sees the poison; a port that passes it on logs it (6.2.3.2.4).
    return t.ep === 1 && hasData(t) ? { ...way, error: PortKind.poisoned, trouble: 'poisoned' } : way;
  }

  private port(link: number): PortState {
    const port = this.ports[link];
    if (!port) throw new RangeError(`there is no link ${link}`);
    return port;
  }

  /** Nobody takes it (2.3.1, 2.3.2). */
  private refuse(t: Tlp, { route, access }: Omit<Cause, 'trouble'>, status: 1 | 4 = 1): Judgement {
    const cause: Cause = { route, access, trouble: 'refused' };
    if (isCompletion(t)) return { error: PortKind.unexpected, ...cause };
    return classOf(t) === 1 ? { status, error: PortKind.unsupported, ...cause } : { error: PortKind.unsupported, ...cause };
  }

  private fromAbove(t: Tlp): Judgement {
    const plain: Cause = { route: 'down', access: 'none', trouble: 'none' };
    if (t.type === 4 || (t.type === 5 && t.low >>> 24 === innerBus)) return { ...plain, route: 'here' };
    if (t.type === 5) return this.configured(t);
    if (isMessage(t) && t.type === 19)
      return { ...plain, route: 'all', copies: downstream.filter(port => this.port(port).link === 'up') };
    if (isMessage(t) && t.type === 20) return { ...plain, route: 'here' };
    if (t.type === 1) return this.refuse(t, { route: 'down to nobody', access: 'none' });
    const bus = isCompletion(t) ? t.requester >>> 8 : isMessage(t) && t.type === 18 ? t.high >>> 24 : undefined;
    const to = downstream.find(port => (bus === undefined ? !isMessage(t) && claims(port, t) : behind(port, bus)));
    return to === undefined ? this.refuse(t, { route: 'down to nobody', access: 'none' }) : { to, ...plain };
  }

  /** A configuration request of type 1 that is not for the switch: on the bus below a port there is device 0 alone (C20, C23). */
  private configured(t: Tlp): Judgement {
    const bus = t.low >>> 24;
    const to = downstream.find(port => behind(port, bus));
    const adjacent = to !== undefined && bus === secondary(to);
    if (to === undefined || (adjacent && ((t.low >>> 19) & 31) !== 0))
      return this.refuse(t, { route: 'down to nobody', access: 'none' });
    return { to, route: 'down', access: 'none', trouble: 'none', ...(adjacent && { as: 4 }) };
  }

  private fromBelow(t: Tlp, from: number): Judgement {
    const { acs, busMaster } = this.port(from);
    const completion = isCompletion(t);
    const memory = t.type === 0 || isAtomic(t);
    const addressed = memory || t.type === 2;
    const { route, port: to } = this.placeBelow(t, from);
    const passes = (egress: number, access: Access = 'none'): Judgement => ({ to: egress, route, access, trouble: 'none' });
    const violation = (access: Access): Judgement => {
      const cause: Cause = { route, access, trouble: 'violation' };
      return classOf(t) === 1 ? { status: 4, error: PortKind.violation, ...cause } : { error: PortKind.violation, ...cause };
    };
    if (!completion && acs.sourceValidation && !behind(from, t.requester >>> 8)) return violation('source validation');
    if (memory && acs.translationBlocking && t.at !== 0) return violation('translation blocking');
    if (addressed && !busMaster) return { ...this.refuse(t, { route, access: 'none' }), trouble: 'no bus mastering' };
    if (route === 'here') return { route, access: 'none', trouble: 'none' };
    if (route === 'own side' && acs.upstreamForwarding) return passes(0, 'upstream forwarding');
    if (route === 'up' && t.type !== 4 && t.type !== 5) return passes(0);
    if (to === undefined) return this.refuse(t, { route, access: 'none' });
    if (completion) {
      if (!acs.completionRedirect) return passes(to);
      return (t.attr & 2) === 0 ? passes(0, 'completion redirect') : passes(to, 'relaxed completion');
    }
    if (memory && acs.directTranslated && t.at === 2) return passes(to, 'direct translated');
    if (acs.egressControl) {
      if (((acs.vector >>> to) & 1) === 0) return passes(to, 'egress allowed');
      return acs.requestRedirect ? passes(0, 'egress redirected') : violation('egress blocked');
    }
    return acs.requestRedirect ? passes(0, 'request redirect') : passes(to);
  }

  /** Where a TLP from below is addressed to, and the port if that is another one. */
  private placeBelow(t: Tlp, from: number): { readonly route: Route; readonly port?: number } {
    // Configuration requests come from above alone (C25).
    if (t.type === 4 || t.type === 5) return { route: 'up' };
    // To the root complex; error messages pass only where reporting is enabled, which it is not. What ends at the receiver ends here.
    if (t.type === 16) return { route: [0x30, 0x31, 0x33].includes(messageCode(t)) ? 'here' : 'up' };
    if (t.type === 20 || t.type === 21) return { route: 'here' };
    // No locked reads pass (docs/decisions.md).
    if (t.type === 1 || (isMessage(t) && t.type !== 18)) return { route: 'nobody' };
    const bus = isCompletion(t) ? t.requester >>> 8 : t.type === 18 ? t.high >>> 24 : undefined;
    const isBehind = (port: number) => (bus === undefined ? claims(port, t) : behind(port, bus));
    if (isBehind(from)) return { route: 'own side' };
    const port = downstream.find(other => other !== from && isBehind(other));
    if (port !== undefined) return { route: 'peer', port };
    return { route: (bus === undefined ? claimedAbove(t) : inSwitch(bus)) ? 'nobody' : 'up' };
  }
}
