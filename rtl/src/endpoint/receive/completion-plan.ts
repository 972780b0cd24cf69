import { Bundle, type BundleType, bool, uint } from '@hdl/ts-hdl';
import { laneBits } from '../lane-rotator.ts';

const fields = (width: number) => ({
  /** The data is a window of the BAR memory that was asked for; else it is the register result, if there is any. */
  memory: bool,
  /** Lane of the first DW in a window. */
  start: uint(laneBits(width)),
  /** The second word of the register result. */
  second: bool,
  first: bool,
  last: bool,
  /** What follows is the completion's header, and means something in its first beat. */
  data: bool,
  locked: bool,
  length: uint(10),
  status: uint(3),
  byte_count: uint(12),
  lower_address: uint(7),
  tc: uint(3),
  attr: uint(3),
  requester_id: uint(16),
  tag: uint(10),
  completer_id: uint(16),
});
export type BeatPlanType = BundleType<ReturnType<typeof fields>>;
const known = new Map<number, BeatPlanType>();

/** A beat of a completion that is to be sent, and where its data is. */
export function beatPlan(width: number): BeatPlanType {
  const type = known.get(width) ?? class BeatPlan extends Bundle(fields(width)) {};
  known.set(width, type);
  return type;
}
