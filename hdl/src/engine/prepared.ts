import type { Design, Reset } from '../ir/ir.ts';
import { coveredDesign, type ModulePoints } from './coverage-points.ts';
import type { SimulationOptions } from './simulation.ts';
import { singleClock } from './single-clock.ts';

/** A design in the form that a machine is made for, and what its simulation has to know of the way there. */
export interface PreparedDesign {
  /** With one clock. */
  readonly design: Design;
  /** Resets that act without an edge; see `SingleClock`. */
  readonly asynchronous: readonly Reset[];
  readonly asynchronousInside: boolean;
  /** What coverage looks at, by module, if it is wanted. */
  readonly points: ReadonlyMap<string, ModulePoints> | undefined;
  /** Whether all named signals have to be in memory. */
  readonly signals: boolean;
}

/** Prepares a design for a machine. @throws SimulationError as `singleClock` does. */
export function prepared(
  design: Design,
  { clocks, trace, signals = false, coverage = false }: SimulationOptions,
): PreparedDesign {
  const covered = coverage ? coveredDesign(design) : undefined;
  const single = singleClock(covered?.design ?? design, clocks);
  return { ...single, points: covered?.points, signals: signals || coverage || trace !== undefined };
}
