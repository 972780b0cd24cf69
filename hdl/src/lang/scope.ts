import type * as ir from '../ir/ir.ts';
import type { Bits } from './bits.ts';
import type { Results } from './discarded.ts';
import type { ScopeDomains } from './domain-binding.ts';
import { HdlError } from './errors.ts';
import type { Module } from './module.ts';
import type { Recorded } from './statements.ts';

/** A module in the making: what it owns, by name. */
export interface Scope {
  readonly module: Module<unknown>;
  readonly label: string;
  readonly domains: ScopeDomains;
  readonly signals: Map<Bits, ir.Signal>;
  readonly memories: Map<object, ir.Memory>;
  readonly children: { readonly name: string; readonly scope: Scope; readonly site: ir.Site }[];
  readonly body: Recorded[];
  results: Results | undefined;
  /** The module that this one equals, which then stands for it. */
  twin: Scope | undefined;
  /** All of it is described: it can be the twin of others. */
  complete: boolean;
  built: ir.Module | undefined;
}

/** What `make` gives; a mistake that it finds learns where the module is made. */
export function placed<R>(module: Module<unknown>, make: () => R): R {
  try {
    return make();
  } catch (error) {
    if (error instanceof HdlError) error['~in'](module['~site'].creation);
    throw error;
  }
}
