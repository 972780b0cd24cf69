import { VerilatorError } from './errors.ts';
import type { BuildOptions } from './options.ts';
import type { Port } from './ports.ts';

/** A clock of a model. */
export interface Clock {
  readonly port: Port;
  readonly period: number;
  readonly phase: number;
}

/** The clocks of a model, in the order of its ports. */
export interface ClockPlan {
  readonly clocks: readonly Clock[];
  /** Whether the user gave their timing; otherwise time counts cycles. */
  readonly timed: boolean;
}

/**
 * Finds the clocks among the ports of a top module; see `BuildOptions.clocks`.
 * @throws VerilatorError for a clock that is no input of one bit, for a timing that is not whole numbers, and if it is not clear which input is the clock.
 */
export function clocksOf({ top, clocks, clock }: BuildOptions, ports: readonly Port[]): ClockPlan {
  const inputs = ports.filter(({ direction, width }) => direction === 'input' && width === 1);
  if (clocks === undefined) {
    const port = clock === undefined ? onlyClock(top, inputs) : inputs.find(({ name }) => name === clock);
    return { clocks: port ? [{ port, period: 1, phase: 1 }] : [], timed: false };
  }
  const found = Object.entries(clocks).map(([name, { period, phase = period }]): Clock => {
    const port = inputs.find(candidate => candidate.name === name);
    if (port === undefined)
      throw new VerilatorError(`The module ${top} has no input '${name}' of one bit to be a clock; it has ${namesOf(inputs)}.`);
    check(name, 'period', period);
    check(name, 'phase', phase);
    return { port, period, phase };
  });
  return { clocks: found.toSorted((a, b) => ports.indexOf(a.port) - ports.indexOf(b.port)), timed: found.length > 0 };
}

function onlyClock(top: string, inputs: readonly Port[]): Port | undefined {
  const candidates = inputs.filter(({ name }) => /clk/i.test(name));
  const named = candidates.find(({ name }) => name === 'clk');
  if (named || candidates.length < 2) return named ?? candidates[0];
  const example = candidates.map(({ name }) => `${name}: { period: 10 }`).join(', ');
  const onCommandLine = candidates.map(({ name }) => `--clock ${name}=10`).join(' ');
  throw new VerilatorError(
    `The module ${top} has several inputs that may be clocks: ${namesOf(candidates)}. Say which are, and when they rise, for instance ` +
      `clocks: { ${example} }, or clocks: {} if none is; on the command line ${onCommandLine}, or --combinational.`,
  );
}

function check(clock: string, what: string, value: number): void {
  if (!Number.isInteger(value) || value < 1 || value > 2 ** 31 - 1)
    throw new VerilatorError(`The ${what} of the clock '${clock}' is a whole number of at least 1, not ${value}.`);
}

const namesOf = (ports: readonly Port[]) => ports.map(({ name }) => name).join(', ') || 'none';
