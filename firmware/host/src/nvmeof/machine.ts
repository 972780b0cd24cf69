import type { Computer } from '../computer.ts';
import type { Host } from '../host.ts';

/** What a storage target needs of the computer that it runs on. */
export interface TargetMachine extends Pick<Computer, 'system' | 'map'> {
  readonly host: Pick<Host, 'scheduler' | 'readMemory' | 'writeMemory'>;
}
