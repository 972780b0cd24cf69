import type { Domain, Module, Reset } from '../ir/ir.ts';
import { needsClock, needsReset, ownDomains } from '../ir/state.ts';

/** The ports that the module has for its domains, in order. */
export function domainPorts(
  module: Module,
): { readonly name: string; readonly domain: Domain; readonly role: 'clock' | 'reset' }[] {
  return ownDomains(module).flatMap(domain => [
    ...(needsClock(module, domain) ? [{ name: domain.clock, domain, role: 'clock' as const }] : []),
    ...(domain.reset && needsReset(module, domain) ? [{ name: domain.reset.name, domain, role: 'reset' as const }] : []),
  ]);
}

/** The condition that the reset is active. */
export const isReset = ({ name, active }: Reset): string => (active === 'low' ? `!${name}` : name);

/** The condition that it is not. */
export const notReset = ({ name, active }: Reset): string => (active === 'low' ? name : `!${name}`);

/** `always @(posedge clk)`, with the edge of an asynchronous reset if the block is `resettable`. */
export function blockHead({ clock, reset }: Domain, resettable: boolean): string {
  const edge = resettable && reset?.kind === 'async' ? ` or ${reset.active === 'low' ? 'negedge' : 'posedge'} ${reset.name}` : '';
  return `always @(posedge ${clock}${edge})`;
}
