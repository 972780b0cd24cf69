import { Bundle, bool, uint } from '@hdl/ts-hdl';
import { StallControl } from '../soak/stall.ts';

/** What software tells an agent of the soak; it may change at any time, but for `seed`. */
export class AgentControl extends Bundle({
  /** All numbers of the agents follow from it: the same for all. With bit 31, most TLPs are short. */
  seed: uint(32),
  /** Begins the sequence of random numbers, and forgets all counts; for at least 64 cycles. */
  load: bool,
  /** New posted and non-posted requests are made. */
  send_posted: bool,
  send_requests: bool,
  /** In a cycle without a request under way, one is made with a probability of these / 256. */
  posted_rate: uint(8),
  request_rate: uint(8),
  /** Agents that are sent to. */
  targets: uint(32),
  /** With a probability of `hot_rate` / 256 a request is for the agent `hot`. */
  hot: uint(5),
  hot_rate: uint(8),
  /** Completions may pass posted TLPs, because access control sends them another way (C66). */
  other_way: bool,
  /** Agents whose TLPs are not checked: their link has been down. */
  suspects: uint(32),
  /** Requests to suspects are forgotten, and the counts of what went to them and came from them; for at least 64 cycles. */
  forget: bool,
  /** What `Tally` tells of: an agent, and in bit 0 whether relaxed. */
  look: uint(6),
  /** How the receiving sides are held up, and wholly: posted, non-posted, completions. */
  stall_posted: StallControl,
  stall_requests: StallControl,
  stall_completions: StallControl,
  blocked: uint(3),
  /** Nothing is held up. */
  free: bool,
  /** Cycles, in units of 4,096, after which a TLP that waits counts as starved. */
  patience: uint(8),
}) {}

/** Counts of an agent for one other agent, as `look` says: what it sent there and what it received from there. */
export class Tally extends Bundle({
  posted_sent: uint(32),
  posted_received: uint(32),
  requests_sent: uint(32),
  requests_received: uint(32),
  /** Requests that were answered wholly. */
  requests_done: uint(32),
}) {}

/** What an agent finds wrong, by number. */
export const faults = [
  'nothing',
  'a posted TLP is not the next one of its source: lost, doubled, altered, astray or out of order',
  'data of a posted TLP',
  'a request is not the next one of its source: lost, doubled, altered, astray or out of order',
  'data of a request',
  'a completion that nobody asked for',
  'a completion is not the one that was asked for',
  'data of a completion',
  'a request came before a posted TLP that was sent before it',
  'a completion came before a posted TLP that was sent before it',
  'completions of one completer out of order',
  'a posted TLP does not leave',
  'a request does not leave',
  'a completion does not come',
  'a TLP beyond the credits',
] as const;

/** Numbers of `faults`. */
export const FaultCode = {
  posted: 1,
  posted_data: 2,
  request: 3,
  request_data: 4,
  unexpected: 5,
  completion: 6,
  completion_data: 7,
  request_passes: 8,
  completion_passes: 9,
  completion_order: 10,
  posted_starves: 11,
  request_starves: 12,
  completion_starves: 13,
  overflow: 14,
} as const;
