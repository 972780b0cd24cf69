import {
  type Capabilities,
  ControllerStatus,
  decodeCapabilities,
  decodeConfiguration,
  encodeConfiguration,
  Register,
  ShutdownNotification,
} from '../../../nvme/registers.ts';
import { HostError } from '../host-error.ts';
import type { NvmePlatform } from './platform.ts';

/** How a driver enables, disables and shuts down a controller (NVMe 1.4 section 7.6). */

/** Cycles between two looks at CSTS. */
const pollCycles = 100;

/** CC.SHN. */
const shutdownBits = 3 << 14;

/** Both admin queues: bus addresses, and entries. */
export interface AdminQueues {
  readonly submission: bigint;
  readonly completion: bigint;
  readonly size: number;
}

/** @throws HostError if it is no controller that this driver knows. */
export async function readCapabilities(platform: NvmePlatform): Promise<Capabilities> {
  const low = await platform.readRegister(Register.cap);
  const high = await platform.readRegister(Register.cap + 4);
  const capabilities = decodeCapabilities((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0));
  if ((await platform.readRegister(Register.vs)) === 0 || (capabilities.commandSets & 1) === 0)
    throw new HostError(`${platform.name} is no NVMe controller with the NVM command set: does its firmware run?`);
  if (capabilities.minPage > 0)
    throw new HostError(`${platform.name} wants memory pages of ${4096 << capabilities.minPage} bytes; the driver has 4096`);
  return capabilities;
}

/** Disables the controller, if it is enabled, and waits until it is idle. @throws HostError if it stays busy. */
export async function disable(platform: NvmePlatform, timeoutCycles: number): Promise<void> {
  const before = await platform.readRegister(Register.cc);
  if (decodeConfiguration(before).enable) await platform.writeRegister(Register.cc, (before & ~(1 | shutdownBits)) >>> 0);
  await waitFor(platform, 'disable', timeoutCycles, status => (status & ControllerStatus.ready) === 0);
}

/** Enables the controller. @throws HostError if it does not become ready. */
export async function enable(platform: NvmePlatform, queues: AdminQueues, timeoutCycles: number): Promise<void> {
  await platform.writeRegister(Register.aqa, ((queues.size - 1) << 16) | (queues.size - 1));
  for (const [register, address] of [
    [Register.asq, queues.submission],
    [Register.acq, queues.completion],
  ] as const) {
    await platform.writeRegister(register, Number(address & 0xffff_ffffn));
    await platform.writeRegister(register + 4, Number(address >> 32n));
  }
  await platform.writeRegister(
    Register.cc,
    encodeConfiguration({
      enable: true,
      commandSet: 0,
      page: 0,
      arbitration: 0,
      shutdown: ShutdownNotification.none,
      submissionEntry: 6,
      completionEntry: 4,
    }),
  );
  await waitFor(platform, 'enable', timeoutCycles, status => {
    if (status & ControllerStatus.fatal) throw new HostError(`${platform.name} refuses to be enabled: it reports a fatal status`);
    return (status & ControllerStatus.ready) !== 0;
  });
}

/** Tells the controller that power may go, and waits until it is ready for that. @throws HostError if it takes too long. */
export async function shutDown(platform: NvmePlatform, timeoutCycles: number): Promise<void> {
  const before = await platform.readRegister(Register.cc);
  await platform.writeRegister(Register.cc, ((before & ~shutdownBits) | (ShutdownNotification.normal << 14)) >>> 0);
  const done = ControllerStatus.shutdownComplete;
  await waitFor(platform, 'shut down', timeoutCycles, status => (status & ControllerStatus.shutdownMask) === done);
}

async function waitFor(
  platform: NvmePlatform,
  what: string,
  timeoutCycles: number,
  reached: (status: number) => boolean,
): Promise<void> {
  const { scheduler, name } = platform;
  const until = scheduler.now + timeoutCycles;
  for (;;) {
    const status = (await platform.readRegister(Register.csts)) >>> 0;
    if (status === 0xffff_ffff) throw new HostError(`${name} is gone: its registers read as all ones`);
    if (reached(status)) return;
    if (scheduler.now >= until)
      throw new HostError(
        `${name} did not ${what} in ${timeoutCycles} cycles (CSTS 0x${status.toString(16)}): does its firmware run?`,
      );
    await scheduler.delay(pollCycles);
  }
}
