import { Bundle, bool, uint } from '@hdl/ts-hdl';

/**
 * What a flow control packet says (2.6, 3.5): one direction of a link has a stream of TLP beats, and against it runs a stream of these.
 *
 *      LinkTransmitter ── tlp: stream(tlpBeat(width)) ──► LinkReceiver
 *                      ◄──── fc: stream(FcUpdate) ───────
 *
 * Counters are those of PCI Express without scaling: headers modulo 2^8, data in units of 4 DW modulo 2^12. Scaled flow control (3.4.2) is not
 * built. There is one virtual channel, VC0.
 */
export class FcUpdate extends Bundle({
  /** One of `FcKind`. */
  kind: uint(2),
  /** One of `FcClass`. */
  traffic: uint(2),
  /** Of InitFC: credits at the beginning, 0 for infinite. Of UpdateFC: all credits granted so far. */
  headers: uint(8),
  data: uint(12),
}) {}

/** Kinds of flow control packets, numbered as in the top bits of a DLLP's type. */
export const FcKind = { init1: 0b01, update: 0b10, init2: 0b11 } as const;

/** Classes of traffic, numbered as in a DLLP's type. */
export const FcClass = { posted: 0, non_posted: 1, completion: 2 } as const;

/** Names of the classes in the order of their numbers. */
export const fcClasses = ['posted', 'non_posted', 'completion'] as const;
export type FcClassName = (typeof fcClasses)[number];

/** Credits of a class as one end advertises them: at most 127 headers and 2,047 data credits (C70d). */
export interface ClassCredits {
  readonly headers: number;
  /** Units of 4 DW. */
  readonly data: number;
}

/** What an end advertises. Endpoints have infinite credits for completions (C70b). */
export interface LinkCredits {
  readonly posted: ClassCredits;
  readonly non_posted: ClassCredits;
  readonly completion: ClassCredits | 'infinite';
}

/** What a transmitter tells the receiver of the same end about the link partner. */
export class PartnerState extends Bundle({
  /** All three classes were initialised: FI1 of FC_INIT1. */
  limits_known: bool,
  /** The partner knows ours: FI2 of FC_INIT2. From then on TLPs may leave. */
  ready: bool,
}) {}
