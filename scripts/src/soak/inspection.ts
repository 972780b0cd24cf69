import { functionParams } from './device.ts';
import type { Player } from './player.ts';
import { at } from './reference/config.ts';
import { configRequest } from './stimuli.ts';

/** Looks at what errors leave behind in configuration space. */

/** Registers with status bits: command, device, uncorrectable, correctable. */
const statuses = [at.command, at.device, at.uncorrectable, at.correctable] as const;
const logs = [at.errorControl, ...[0, 4, 8, 12].map(i => at.log + i)] as const;

/** Status bits of a register that software clears. */
const clearable = (offset: number, value: number): number =>
  offset === at.command || offset === at.device ? value & 0xf90f_0000 : value;

/** Compares the registers with what errors are known; `apart`: never two requests at a time. @throws Mismatch */
export function checkErrors(player: Player, look: { readonly logs: boolean; readonly apart?: boolean }): void {
  const { functions, errors } = player.reference;
  const offsets = look.logs ? [...statuses, ...logs] : statuses;
  const read = functionParams.map((_, f) => {
    const registers = new Map<number, number>();
    for (const offset of offsets) {
      player.readConfig(f, offset, value => registers.set(offset, value));
      if (look.apart) player.wait();
    }
    return registers;
  });
  player.wait();
  errors.check(functions, read, look.logs);
  functions.forEach((config, f) => {
    for (const offset of offsets) config.found(offset, read[f]?.get(offset) ?? 0);
  });
}

/** Clears the status bits: of all registers, or where the last look found some. */
export function clearErrors(player: Player, which: 'all' | 'set'): void {
  for (const [f, config] of player.reference.functions.entries())
    for (const offset of statuses) {
      if (which === 'set' && clearable(offset, config.read(offset)) === 0) continue;
      const half = offset === at.command || offset === at.device;
      const write = { data: half ? 0xffff_0000 : 0xffff_ffff, enables: half ? 12 : 15 };
      player.send('CfgWr0', configRequest({ device: player.device, function: f, offset }, write));
    }
  player.wait();
}
