import { allOf, type Bool, repeat, type Sig, type UInt } from '@hdl/ts-hdl';
import type { AccessControl } from '../config/port-controls.ts';

/** A TLP from below, as far as access control looks at it. */
export interface Suspect {
  /** A request of any kind that is routed; else a completion. */
  readonly request: Bool;
  /** A memory request (AtomicOps too): it alone has an address type. */
  readonly memory: Bool;
  /** Address type: 2 is translated. */
  readonly at: UInt<2>;
  readonly relaxed_ordering: Bool;
  /** The requester's bus lies behind the port. */
  readonly source_valid: Bool;
  /** One-hot: the downstream port that the TLP would go to, 0 if none. */
  readonly peer: UInt<number>;
  /** The target lies behind the port that the TLP came in by. */
  readonly own: Bool;
}

/** What access control makes of it. At most one of `up`, `violation` and a bit of `peer` is 1; none where access control has no say. */
export interface Verdict {
  /** One-hot: it goes there directly. */
  readonly peer: UInt<number>;
  /** It goes up, though its target lies below. */
  readonly up: Bool;
  /** An ACS violation (C80). */
  readonly violation: Bool;
}

/**
 * Access control at the port where a TLP enters from below (6.12.3, C72 to C79): source validation and translation blocking first, then direct translated, egress
 * control, request redirect; completions know completion redirect alone. `egress_vector` has a bit for each downstream port, as `peer`.
 */
export function accessControl(control: Sig<typeof AccessControl>, egress_vector: UInt<number>, tlp: Suspect): Verdict {
  const { request, memory, peer } = tlp;
  const spoofed = allOf([control.source_validation, request, tlp.source_valid.not()]);
  const blocked = allOf([control.translation_blocking, memory, tlp.at.any()]);
  const refused = spoofed.or(blocked);

  const translated = allOf([control.direct_translated, memory, tlp.at.eq(2)]);
  const controlled = control.egress_control.and(translated.not());
  const forbidden = controlled.and(peer.and(egress_vector).any());
  // A cleared bit of the vector lets a request through even where redirection is on (C77).
  const redirected = allOf([control.request_redirect, translated.not(), controlled.not().or(forbidden), peer.any()]);
  const request_up = request.and(redirected);
  const completion_up = allOf([request.not(), control.completion_redirect, tlp.relaxed_ordering.not(), peer.any()]);
  const returned = allOf([tlp.own, control.upstream_forwarding]);

  const violation = refused.or(allOf([request, forbidden, control.request_redirect.not()]));
  const up = allOf([violation.not(), request_up.or(completion_up).or(returned)]);
  const direct = violation.or(up).not();
  return { peer: peer.and(repeat(direct, peer.width) as UInt<number>), up, violation };
}
