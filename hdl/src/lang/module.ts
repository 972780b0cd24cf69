import { ClockDomain, currentDomain, ResetDomain } from './domain.ts';
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

/** How many modules of each class there are in the design that is being described. */
let population = new Map<unknown, number>();

/** Counts the modules of `make` and of what is done with them. */
export function counted<R>(make: () => R): R {
  const outer = population;
  population = new Map();
  try {
    return make();
  } finally {
    population = outer;
  }
}

/** Whether no other module of its class was made until now. */
export const isAlone = (module: Module<unknown>): boolean => population.get(module.constructor) === 1;

/**
 * A piece of hardware. Ports, registers, wires, memories and children are fields, and a field's name is the hardware's name; behaviour is
 * stated in `logic()`, which runs once when all fields exist. Parameters are `this.p`, ready for use in field initialisers.
 */
export abstract class Module<P = void> {
  readonly p: P;
  /** @internal Where it was made. */
  readonly '~site' = new CallSite();
  /** @internal The domain of the parent that it was made in. */
  readonly '~domain' = currentDomain();
  /** @internal The parent's domains for its own, stated by `connect`. */
  readonly '~clocks' = new Map<ClockDomain, ClockDomain>();

  constructor(p: P) {
    this.p = p;
    born.push(this as Module<unknown>);
    population.set(this.constructor, (population.get(this.constructor) ?? 0) + 1);
  }

  /**
   * States what the module does. It depends on the module's fields and on constants alone: modules of one class with equal fields are the same hardware, and
   * for them it runs once.
   */
  protected abstract logic(): void;

  /** @internal */
  '~describe'(): void {
    this.logic();
  }
}

export interface InputOptions {
  /** The domain that the value belongs to where the module is the top; `asynchronous`: to none. The module's own by default. */
  readonly domain?: ClockDomain | 'asynchronous';
}

/** A port that the outside drives; of a stream, the outside is the producer. */
export function input<T extends HType>(type: T, options: InputOptions = {}): In<Sig<T>> {
  return signals(type, 'input', options);
}

/** A port that this module drives; of a stream, this module is the producer. */
export function output<T extends HType>(type: T): Var<Sig<T>> {
  return signals(type, 'output');
}

/** A named combinational value. */
export function wire<T extends HType>(type: T): Var<Sig<T>> {
  return signals(type, 'wire');
}

export interface RegisterOptions<T extends HType> {
  /** What reset gives: a number, a state's name, 0 for a whole bundle or vector. Without it reset leaves the register alone. */
  readonly init?: Driver<Sig<T>> | 0;
  /** The clock that updates it; by default that of `inDomain` around it, else the module's own. */
  readonly domain?: ClockDomain;
  /**
   * It may take values of other domains: `true` for a synchroniser's first stage, which takes them straight from a register, `'stable'` for data that a
   * handshake keeps still while it is taken, with any logic on its way.
   */
  readonly crossing?: boolean | 'stable';
}

/** A register. With `init` it takes that value on reset; without, reset leaves it alone (for payload whose validity is kept elsewhere). */
export function reg<T extends HType>(type: T, options: RegisterOptions<T> = {}): Var<Sig<T>> {
  return signals(type, 'register', { ...options, domain: options.domain ?? currentDomain() });
}

/** A constant that becomes a Verilog parameter of the module, with `value` in this instance. Widths cannot depend on it. */
export function parameter<T extends HType>(type: T, value: Driver<Sig<T>>): Sig<T> {
  return signals(type, 'parameter', { init: value });
}

/** Drives every input of `child` and names the domains for its clocks: leaving one out, or naming one that does not exist, does not compile. */
export function connect<M extends Module<never> | Module<unknown>>(child: M, inputs: InputsOf<M>): M {
  for (const [name, value] of Object.entries(inputs)) {
    const port = (child as unknown as { readonly [name: string]: unknown })[name];
    if (port === undefined)
      throw new HdlError(`${child.constructor.name} has no input '${name}'`, {
        help: 'connect names the inputs and clock domains of the child',
      });
    if (port instanceof ResetDomain)
      throw new HdlError(`the clock domain '${name}' of ${child.constructor.name} has the clock of another one of its domains`, {
        help: 'leave it out: connect names the domain whose clock it has',
      });
    if (port instanceof ClockDomain) child['~clocks'].set(port, clock(name, value));
    else join(port, value);
  }
  return child;
}

function clock(name: string, value: unknown): ClockDomain {
  if (value instanceof ClockDomain) return value;
  throw new HdlError(`'${name}' is a clock domain`, {
    help: 'give it a domain of this module, or ownDomain; a clock cannot be made of signals: let registers wait under a when() instead, or bring a clock that is made outside in as a domain',
  });
}

function join(port: unknown, value: unknown): void {
  if (port instanceof Channel && value instanceof Channel) port.from(value);
  else if (Array.isArray(port) && Array.isArray(value) && port.length === value.length)
    port.forEach((p, i) => {
      join(p, value[i]);
    });
  else assign(port, value);
}
