/** What engines outside of this package are made of: the lowered design, its schedule and its gating plan, and the simulation around a machine. */

export { needsReset, ownDomains } from '../ir/state.ts';
export { type ClockTimings, timingsOf } from './clock-schedule.ts';
export { simulationOf } from './embedded.ts';
export type { PlacedMemory } from './emit-program.ts';
export { placeSpills, visit, visitUses } from './emit-program.ts';
export type { FlatMemory } from './flat-graph.ts';
export {
  bitsOf,
  busyFrom,
  type GatingPlaces,
  LONGEST_PLAIN,
  noteShared,
  Policy,
  placeGating,
  SHORTEST_PLAIN,
  WINDOW,
} from './gating-places.ts';
export type { ChunkProgram, GatingPlan } from './gating-plan.ts';
export { Layout, limbBytes, strideOf } from './layout.ts';
export { limbCount, limbWidth } from './limb-arithmetic.ts';
export { type LimbGraph, Op } from './limb-graph.ts';
export {
  gatingPlanOf,
  type LoweredDesign,
  lowerDesign,
  type PlacedDesign,
  type PlacedRest,
  placedDesign,
  placeRest,
} from './lowered-design.ts';
export { type Gating, type Machine, MOST_CYCLES } from './machine.ts';
export { type PreparedDesign, prepared } from './prepared.ts';
export type { Item, ProgramFunction, Root, WritePort } from './program.ts';
export { resetInputs } from './reset-inputs.ts';
export { type Program, schedule } from './schedule.ts';
export { clockedDomains, singleClock } from './single-clock.ts';
