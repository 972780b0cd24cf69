import { SimulationError } from './simulation.ts';

/** How often a clock rises, in one unit of time that all clocks of a simulation share. */
export interface ClockTiming {
  /** From one rising edge to the next, from 1 up. */
  readonly period: number;
  /** Time of the first rising edge, from 1 up; one period by default. */
  readonly phase?: number;
}

/** Timings by the name of the clock's port. */
export interface ClockTimings {
  readonly [clock: string]: ClockTiming;
}

/** Period of a clock that is given none. */
const usualPeriod = 2;

/** The timing of each clock. @throws SimulationError for a name that is no clock, and for numbers that no clock can have. */
export function timingsOf(names: readonly string[], given: ClockTimings = {}): Required<ClockTiming>[] {
  for (const name of Object.keys(given)) {
    if (names.includes(name)) continue;
    const known = names.length > 0 ? `its clocks are ${names.join(', ')}` : 'it has none';
    throw new SimulationError(`The design has no clock '${name}': ${known}.`);
  }
  return names.map(name => {
    const { period, phase = period } = given[name] ?? { period: usualPeriod };
    for (const [what, value] of Object.entries({ period, phase })) {
      if (!Number.isInteger(value) || value < 1 || value > 2 ** 31 - 1)
        throw new SimulationError(`The ${what} of the clock '${name}' is a whole number of at least 1, not ${value}.`);
    }
    return { period, phase };
  });
}

/** When clocks rise. A cycle is an instant at which at least one of them does. */
export class ClockSchedule {
  private readonly clocks: { readonly name: string; readonly period: number; left: number }[];
  /** Of the instant that `now` tells of. */
  private cycle = 0;
  private readonly start: readonly number[];

  constructor(names: readonly string[], timings: readonly Required<ClockTiming>[]) {
    this.start = timings.map(({ phase }) => phase);
    this.clocks = names.map((name, i) => ({
      name,
      period: timings[i]?.period ?? usualPeriod,
      left: timings[i]?.phase ?? usualPeriod,
    }));
  }

  /** The clocks that rise in a cycle, counted from 0. Going back in time starts over. */
  at(cycle: number): readonly string[] {
    if (cycle < this.cycle) {
      this.cycle = 0;
      this.clocks.forEach((clock, i) => {
        clock.left = this.start[i] ?? usualPeriod;
      });
    }
    if (this.clocks.length === 1) return this.clocks.map(({ name }) => name);
    for (; this.cycle < cycle; this.cycle++) {
      const next = Math.min(...this.clocks.map(({ left }) => left));
      for (const clock of this.clocks) clock.left = clock.left === next ? clock.period : clock.left - next;
    }
    const next = Math.min(...this.clocks.map(({ left }) => left));
    return this.clocks.filter(({ left }) => left === next).map(({ name }) => name);
  }
}
