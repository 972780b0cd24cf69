import type { Computer } from '../computer.ts';
import type { Host } from '../host.ts';
import type { SystemMemory } from '../p2pdma/index.ts';

/** What a storage target needs of the computer that it runs on. */
export interface TargetMachine extends Pick<Computer, 'map'> {
  readonly system: SystemMemory;
  readonly host: Pick<Host, 'scheduler' | 'readMemory' | 'writeMemory'>;
}
