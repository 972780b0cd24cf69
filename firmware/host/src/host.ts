import type { HostMemory, Scheduler, Testbench } from '@hdl/testbench';
import { ConfigAccess } from './config-access.ts';
import { HostError } from './host-error.ts';
import { HostMemoryPool } from './host-memory-pool.ts';
import { InterruptController } from './interrupts.ts';
import { MemoryAccess } from './memory-access.ts';
import { Requester, type RequesterOptions } from './requester.ts';

/** Bytes of host memory for entries that devices write for the driver; the rest is for data. */
const controlBytes = 4096n;
