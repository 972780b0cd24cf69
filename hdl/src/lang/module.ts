import { HdlError } from './errors.ts';
import { assign, Channel, signals } from './shapes.ts';
import { CallSite } from './site.ts';
import type { Driver, HType, In, InputsOf, Sig, Var } from './values.ts';

/** Modules made while a module describes itself, so that children need no registration call. */
let born: Module<unknown>[] = [];

/** Collects the modules that `make` constructs. */
export function constructed<R>(make: () => R): { readonly result: R; readonly modules: readonly Module<unknown>[] } {
  const outer = born;
  const mine: Module<unknown>[] = [];
  born = mine;
  try {
    return { result: make(), modules: mine };
  } finally {
    born = outer;
  }
}

/**
 * A piece of hardware. Ports, registers, wires, memories and children are fields, and a field's name is the hardware's name; behaviour is
 * stated in `logic()`, which runs once when all fields exist. Parameters are `this.p`, ready for use in field initialisers.
 */
export abstract class Module<P = void> {
  readonly p: P;
  /** @internal Where it was made. */
  readonly '~site' = new CallSite();

  constructor(p: P) {
    this.p = p;
    born.push(this as Module<unknown>);
  }

  /** States what the module does. */
  protected abstract logic(): void;

  /** @internal */
  '~describe'(): void {
    this.logic();
  }
}

/** A port that the outside drives; of a stream, the outside is the producer. */
export function input<T extends HType>(type: T): In<Sig<T>> {
  return signals(type, 'input');
}

/** A port that this module drives; of a stream, this module is the producer. */
export function output<T extends HType>(type: T): Var<Sig<T>> {
  return signals(type, 'output');
}

/** A named combinational value. */
export function wire<T extends HType>(type: T): Var<Sig<T>> {
  return signals(type, 'wire');
}

/**
 * A register. With `init` it takes that value on reset; without, reset leaves it alone (for payload whose validity is kept elsewhere).
 * `init` of an enumeration is a state's name; of a bundle or vector only 0.
 */
export function reg<T extends HType>(type: T, options: { readonly init?: InitOf<T> } = {}): Var<Sig<T>> {
  return signals(type, 'register', options.init);
}
type InitOf<T extends HType> = Driver<Sig<T>> | 0;

/** Drives every input of `child`: leaving one out, or naming one that does not exist, does not compile. */
export function connect<M extends Module<never> | Module<unknown>>(child: M, inputs: InputsOf<M>): M {
  for (const [name, value] of Object.entries(inputs)) {
    const port = (child as unknown as { readonly [name: string]: unknown })[name];
    if (port === undefined) throw new HdlError(`${child.constructor.name} has no input '${name}'`);
    join(port, value);
  }
  return child;
}

function join(port: unknown, value: unknown): void {
  if (port instanceof Channel && value instanceof Channel) port.from(value);
  else if (Array.isArray(port) && Array.isArray(value) && port.length === value.length)
    port.forEach((p, i) => {
      join(p, value[i]);
    });
  else assign(port, value);
}
