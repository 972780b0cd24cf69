import { SimulationError } from '@hdl/ts-hdl';

/** Verilator or the compiler cannot be used, or refused the design: what happened and what to do. */
export class VerilatorError extends SimulationError {}
