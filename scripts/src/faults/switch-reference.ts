import { Kind } from '../soak/reference/errors.ts';
import { defined, wrongSingle } from '../soak/reference/rules.ts';
import { bodyDwords, classOf, dwords, hasData, isAtomic, isCompletion, isMessage, messageCode, type Tlp } from '../soak/tlp.ts';
import { links } from './switch-harness.ts';
import { ioBase, mebi, memoryBase, prefetchBase, prefetchHigh, secondary, subordinate } from './switch-plan.ts';

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

/** What becomes of a TLP that enters the switch. */
export interface Judgement {
  /** The link that it leaves by. */
  readonly to?: number;
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
    if (!defined(t) || wrongSingle(t) || bytes > ingress.payload) return { error: PortKind.malformed };
    const beats = (length: number) => Math.max(1, Math.ceil((8 * length) / this.width));
    const [due, got] = [beats(4 * bodyDwords(t)), beats(t.body.length)];
    if (due !== got && (due === 1 || got === 1)) return { error: PortKind.malformed };
    const way = from === 0 ? this.fromAbove(t) : this.fromBelow(t, from);
    if (way.to === undefined) return way;
    const egress = this.port(way.to);
    if (bytes > egress.payload) return { error: PortKind.malformed };
    if (egress.link !== 'up') return this.refuse(t, egress.link === 'contained' ? 4 : 1);
    if (due !== got) return { ...way, error: PortKind.malformed, cut: (this.width / 8) * Math.min(due, got) };
    // The receiver sees the poison; a port that passes it on logs it (6.2.3.2.4).
    return t.ep === 1 && hasData(t) ? { ...way, error: PortKind.poisoned } : way;
  }

  private port(link: number): PortState {
    const port = this.ports[link];
    if (!port) throw new RangeError(`there is no link ${link}`);
    return port;
  }

  /** Nobody takes it (2.3.1, 2.3.2). */
  private refuse(t: Tlp, status: 1 | 4 = 1): Judgement {
    if (isCompletion(t)) return { error: PortKind.unexpected };
    return classOf(t) === 1 ? { status, error: PortKind.unsupported } : { error: PortKind.unsupported };
  }

  private fromAbove(t: Tlp): Judgement {
    const bus = isCompletion(t) ? t.requester >>> 8 : isMessage(t) && t.type === 18 ? t.high >>> 24 : undefined;
    const to = downstream.find(port => (bus === undefined ? !isMessage(t) && claims(port, t) : behind(port, bus)));
    return to === undefined ? this.refuse(t) : { to };
  }

  private fromBelow(t: Tlp, from: number): Judgement {
    const { acs, busMaster } = this.port(from);
    const completion = isCompletion(t);
    const memory = (t.type <= 1 && !completion) || isAtomic(t);
    const addressed = memory || t.type === 2;
    const violation: Judgement = classOf(t) === 1 ? { status: 4, error: PortKind.violation } : { error: PortKind.violation };
    if (!completion && acs.sourceValidation && !behind(from, t.requester >>> 8)) return violation;
    if (memory && acs.translationBlocking && t.at !== 0) return violation;
    if (addressed && !busMaster) return this.refuse(t);

    const bus = completion ? t.requester >>> 8 : t.type === 18 ? t.high >>> 24 : undefined;
    if (bus === undefined && !addressed) return this.special(t);
    const isBehind = (port: number) => (bus === undefined ? claims(port, t) : behind(port, bus));
    if (isBehind(from)) return acs.upstreamForwarding ? { to: 0 } : this.refuse(t);
    const to = downstream.find(port => port !== from && isBehind(port));
    if (to === undefined) return (bus === undefined ? claimedAbove(t) : inSwitch(bus)) ? this.refuse(t) : { to: 0 };
    if (completion) return { to: acs.completionRedirect && (t.attr & 2) === 0 ? 0 : to };
    if (memory && acs.directTranslated && t.at === 2) return { to };
    if (acs.egressControl) {
      if (((acs.vector >>> to) & 1) === 0) return { to };
      return acs.requestRedirect ? { to: 0 } : violation;
    }
    return { to: acs.requestRedirect ? 0 : to };
  }

  /** Configuration requests, which come from above alone, and messages that are not routed by ID. */
  private special(t: Tlp): Judgement {
    if (!isMessage(t)) return this.refuse(t);
    // To the root complex; error messages pass only where reporting is enabled, which it is not.
    if (t.type === 16) return [0x30, 0x31, 0x33].includes(messageCode(t)) ? {} : { to: 0 };
    // What ends at the receiver ends here.
    return t.type === 20 || t.type === 21 ? {} : this.refuse(t);
  }
}
