import { type PortView, SimulationError } from '@hdl/ts-hdl';

/** What a port is; generated bindings hold one for each. */
export interface PortType {
  readonly direction: 'input' | 'output';
  readonly width: number;
}

/** The ports of a top module by name, without its clocks. */
export type PortTypes = Readonly<Record<string, PortType>>;

/** An output of a model. */
export interface OutputPort<Width extends number = number> extends PortView {
  readonly width: Width;
  /** The value, without sign. For code that runs often: `words`, which costs no `bigint`. */
  get(): bigint;
}

/** An input of a model. */
export interface InputPort<Width extends number = number> extends OutputPort<Width> {
  /** Sets the value, without sign. @throws SimulationError if it does not fit, or if the port is an output. */
  set(value: bigint | number): void;
}

/** The port that a type describes; one of unknown direction has `set` as well. */
export type PortOf<T extends PortType> = [T['direction']] extends ['output'] ? OutputPort<T['width']> : InputPort<T['width']>;

/** A port on the words of a model. */
export class ModelPort implements InputPort {
  readonly name: string;
  readonly direction: 'input' | 'output';
  readonly width: number;
  readonly words: Uint32Array;

  constructor({ name, direction, width }: PortType & { readonly name: string }, words: Uint32Array) {
    this.name = name;
    this.direction = direction;
    this.width = width;
    this.words = words;
  }

  get(): bigint {
    let value = 0n;
    for (let i = this.words.length - 1; i >= 0; i--) value = (value << 32n) | BigInt(this.words[i] ?? 0);
    return value;
  }

  set(value: bigint | number): void {
    if (this.direction === 'output') throw new SimulationError(`The port ${this.name} is an output: only inputs can be set.`);
    if (typeof value === 'number' && !Number.isSafeInteger(value))
      throw new SimulationError(`The port ${this.name} cannot be set to ${value}: a value is a whole number or a bigint.`);
    const bits = BigInt(value);
    if (bits < 0n || bits >> BigInt(this.width) !== 0n)
      throw new SimulationError(
        `The value ${value} does not fit the port ${this.name} of ${this.width} bit${this.width > 1 ? 's' : ''}, without sign.`,
      );
    for (let i = 0; i < this.words.length; i++) this.words[i] = Number((bits >> BigInt(32 * i)) & 0xffff_ffffn);
  }
}

/** What is different between the ports that bindings describe and those of a model; empty if nothing is. */
export function differences(expected: PortTypes, actual: ReadonlyMap<string, PortView>): string[] {
  const bits = ({ direction, width }: PortType) => `${direction} of ${width} bit${width > 1 ? 's' : ''}`;
  const wrong = Object.entries(expected).flatMap(([name, type]) => {
    const port = actual.get(name);
    if (port === undefined) return [`${name} is not there`];
    return port.width === type.width && port.direction === type.direction
      ? []
      : [`${name} is an ${bits(port)}, not an ${bits(type)}`];
  });
  const added = [...actual.values()]
    .filter(({ name }) => expected[name] === undefined)
    .map(port => `${port.name}, an ${bits(port)}, is new`);
  return [...wrong, ...added];
}
