import type { Reset } from '../ir/ir.ts';
import { Bits, type Owner } from './bits.ts';
import { HdlError } from './errors.ts';
import { CallSite } from './site.ts';
import type { Bool } from './values.ts';

/** How a clock domain looks from outside; what is left out is inherited from the domain that it is connected to. */
export interface DomainOptions {
  /** The clock's port; `x_clk` for a field `x` by default. */
  readonly clock?: string;
  /** `none`, or its kind, level and port: synchronous, active high and `x_rst` (`x_rst_n` if active low) at the top by default. */
  readonly reset?: 'none' | Partial<Reset>;
  /** Registers, memories and children that name no domain belong to this one. A module without such a domain has `clk` and `rst`. */
  readonly default?: boolean;
}

/**
 * A clock with its reset. As a field of a module it gives the module two ports, named after the field; `connect` of the parent says which of its
 * own domains drives them. A value crosses to another domain only into a register that is declared `crossing`.
 */
export class ClockDomain {
  readonly site = new CallSite();
  readonly options: DomainOptions;
  /** Set once, when the field that holds this domain is found. */
  name: string | undefined;
  owner: Owner | undefined;

  constructor(options: DomainOptions) {
    this.options = options;
  }
}

/** A clock domain that has the clock of another one and a reset that the module makes. */
export class ResetDomain extends ClockDomain {
  /** The domain whose clock it has. */
  readonly clock: ClockDomain;
  readonly reset: Bits;
  readonly kind: Reset['kind'];
  readonly active: Reset['active'];

  constructor(clock: ClockDomain, reset: Bits, { kind = 'async', active = 'high', default: isDefault = false }: ResetOptions) {
    super({ default: isDefault });
    this.clock = clock;
    this.reset = reset;
    this.kind = kind;
    this.active = active;
  }
}

export interface ResetOptions {
  /** `async` (the default) acts at once: its end has to come from a register of the same clock, such as that of a ResetSynchroniser. */
  readonly kind?: Reset['kind'];
  /** The level that resets; `high` by default. */
  readonly active?: Reset['active'];
  /** As in `DomainOptions`. */
  readonly default?: boolean;
}

/**
 * A clock domain with the clock of `clock`, a domain of the same module, and a signal as its reset: the output of a ResetSynchroniser, an input, a
 * register. It gives the module no ports, and `connect` does not name it.
 */
export function resetDomain(clock: ClockDomain, reset: Bool, options: ResetOptions = {}): ResetDomain {
  if (!(clock instanceof ClockDomain))
    throw new HdlError('resetDomain takes the clock of a clock domain of this module', {
      help: 'give it a field made with clockDomain(), or ownDomain; a clock cannot be made of signals: let registers wait under a when() instead',
    });
  const bits: unknown = reset;
  if (!(bits instanceof Bits) || bits.width !== 1)
    throw new HdlError('resetDomain takes a signal of one bit as its reset', {
      help: 'give it an output of a ResetSynchroniser, an input or a register of type bool',
    });
  checkReset(options);
  return new ResetDomain(clock, bits, options);
}

/** A clock domain of the module whose field it becomes. */
export function clockDomain(options: DomainOptions = {}): ClockDomain {
  const { reset } = options;
  if (reset !== undefined && reset !== 'none') checkReset(reset);
  return new ClockDomain(options);
}

function checkReset({ kind, active }: ResetOptions): void {
  if (kind !== undefined && kind !== 'sync' && kind !== 'async')
    throw new HdlError(`a reset is 'sync' or 'async', not '${String(kind)}'`, { help: 'state one of the two' });
  if (active !== undefined && active !== 'high' && active !== 'low')
    throw new HdlError(`a reset is active 'high' or 'low', not '${String(active)}'`, { help: 'state one of the two' });
}

/** The domain that things belong to which name none: to hand it to a child in `connect`. */
export const ownDomain: ClockDomain = new ClockDomain({});

/** What `inDomain` states. A child that is made inside it has domains of its own: there it means the child's default. */
export class Surrounding {
  readonly domain: ClockDomain;
  constructor(domain: ClockDomain) {
    this.domain = domain;
  }
}

/** A domain that was named, or one that was stated around the place. */
export type DomainChoice = ClockDomain | Surrounding;

let ambient: Surrounding | undefined;

/** The domain that `inDomain` states around this place. */
export function currentDomain(): Surrounding | undefined {
  return ambient;
}

/** Registers, children, memory accesses, properties and log lines that `make` makes belong to `domain`. */
export function inDomain<R>(domain: ClockDomain, make: () => R): R {
  if (!(domain instanceof ClockDomain))
    throw new HdlError('inDomain takes a clock domain of this module', {
      help: 'give it a field made with clockDomain(), or ownDomain',
    });
  const outer = ambient;
  ambient = domain === ownDomain ? undefined : new Surrounding(domain);
  try {
    return make();
  } finally {
    ambient = outer;
  }
}
