import { allOf, type Bool, mux, repeat, type Sig, type UInt, u } from '@hdl/ts-hdl';
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

/** What access control says before it is known where the TLP would go. */
export interface AccessRules {
  /** A violation wherever it goes (C72, C73). */
  readonly refused: Bool;
  /** By downstream port: on the way there it is a violation; it goes up instead. */
  readonly forbidden: UInt<number>;
  readonly redirected: UInt<number>;
  /** By downstream port: nothing of this holds. */
  readonly direct: UInt<number>;
  /** It goes up, as its target lies behind the port that it came in by: then it has no peer. */
  readonly returned: Bool;
}

/**
 * Access control at the port where a TLP enters from below (6.12.3, C72 to C79): source validation and translation blocking first, then direct translated, egress
 * control, request redirect; completions know completion redirect alone. `egress_vector` has a bit for each downstream port, as `peer`.
 */
export function accessControl(control: Sig<typeof AccessControl>, egress_vector: UInt<number>, tlp: Suspect): Verdict {
  return verdictOf(tlp.peer, accessRules(control, egress_vector, tlp));
}

/** What is known of it without the target. */
export function accessRules(
  control: Sig<typeof AccessControl>,
  egress_vector: UInt<number>,
  tlp: Omit<Suspect, 'peer'>,
): AccessRules {
  const { request, memory } = tlp;
  const spoofed = allOf([control.source_validation, request, tlp.source_valid.not()]);
  const blocked = allOf([control.translation_blocking, memory, tlp.at.any()]);

  const translated = allOf([control.direct_translated, memory, tlp.at.eq(2)]);
  const controlled = control.egress_control.and(translated.not());
  const spread = (condition: Bool) => repeat(condition, egress_vector.width) as UInt<number>;
  const stopped = egress_vector.and(spread(controlled));
  // A cleared bit of the vector lets a request through even where redirection is on (C77).
  const may_redirect = allOf([request, control.request_redirect, translated.not()]);
  const request_up = spread(may_redirect).and(spread(controlled.not()).or(stopped));
  const completion_up = allOf([request.not(), control.completion_redirect, tlp.relaxed_ordering.not()]);
  const refused = spoofed.or(blocked);
  const forbidden = stopped.and(spread(request.and(control.request_redirect.not())));
  const redirected = request_up.or(spread(completion_up));
  const returned = allOf([tlp.own, control.upstream_forwarding]);
  return {
    refused,
    forbidden,
    redirected,
    returned,
    direct: forbidden.or(redirected).or(spread(refused)).not(),
  };
}

/** The verdict for a TLP to `peer`. */
function verdictOf(peer: UInt<number>, { refused, forbidden, redirected, returned, direct }: AccessRules): Verdict {
  const violation = refused.or(peer.and(forbidden).any());
  const up = violation.not().and(peer.and(redirected).any().or(returned));
  return { peer: mux(returned, u(peer.width, 0), peer.and(direct)) as UInt<number>, up, violation };
}
