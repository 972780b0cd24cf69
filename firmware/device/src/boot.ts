import { type EndpointSettings, endpointParams } from '@hdl/pcie-rtl';
import { Register } from '../../nvme/registers.ts';
import type { FirmwareDevice, Scheduler } from '../../ports.ts';
import type { WireEnd } from '../../rdma/wire.ts';
import { type EndpointDescription, FirmwareEndpoint } from './endpoint/index.ts';
import { GpuFirmware } from './gpu/index.ts';
import { EndpointHardware } from './nvme/endpoint-hardware.ts';
import { NvmeController, type NvmeMedia, type NvmeOptions } from './nvme/index.ts';
import { RdmaFirmware, type RdmaOptions } from './rdma/index.ts';

/** Bytes of BAR memory that the firmware keeps for itself: the start of it. */
const ownBytes = 4096;

/** How an endpoint of a topology is built, for the firmware of its function 0. @throws RangeError for a kind whose function has no registers for that. */
export function describeEndpoint(settings: EndpointSettings, width: number): EndpointDescription {
  const [first] = endpointParams(settings, width).functions;
  const { registers } = first ?? {};
  if (!registers?.mailbox || !registers.doorbells || !registers.msix)
    throw new RangeError(`an endpoint of the kind '${settings.kind}' has no registers for firmware`);
  const bytes = settings.memory_bytes - ownBytes;
  return {
    vectors: registers.msix.vectors,
    doorbells: registers.doorbells,
    mailbox: registers.mailbox,
    ...(bytes > 0 && { memoryBuffer: { bar: 2, offset: ownBytes, bytes } }),
    spare: 0,
  };
}

/** Cycles between two looks at whether the firmware has booted. */
const lookCycles = 64;

/**
 * Boots an NVMe controller on an endpoint of a topology; it runs as long as the simulation does. Resolves when a host finds the controller's registers.
 * @throws RangeError if function 0 of the endpoint is no controller.
 */
export async function bootNvme(
  scheduler: Scheduler,
  device: FirmwareDevice,
  settings: EndpointSettings,
  media: NvmeMedia,
  options: NvmeOptions = {},
): Promise<NvmeController> {
  if (settings.kind !== 'nvme') throw new RangeError(`${device.name} is of the kind '${settings.kind}', and no NVMe controller`);
  const hardware = await EndpointHardware.start(scheduler, device, media, describeEndpoint(settings, device.width));
  const controller = NvmeController.start(hardware, options);
  while ((await hardware.readRegister(Register.vs)) === 0) await scheduler.delay(lookCycles);
  return controller;
}

/**
 * Boots an RDMA network card on an endpoint of a topology; it runs as long as the simulation does, and its wire ends at `wire`.
 * @throws RangeError if function 0 of the endpoint is no network card.
 */
export async function bootNic(
  scheduler: Scheduler,
  device: FirmwareDevice,
  settings: EndpointSettings,
  wire: WireEnd,
  options: RdmaOptions = {},
): Promise<void> {
  if (settings.kind !== 'nic') throw new RangeError(`${device.name} is of the kind '${settings.kind}', and no network card`);
  const hardware = await FirmwareEndpoint.boot(scheduler, device, describeEndpoint(settings, device.width));
  RdmaFirmware.start(hardware, wire, options);
}

/** Boots a GPU on an endpoint of a topology; it runs as long as the simulation does. @throws RangeError if function 0 of the endpoint is no GPU. */
export async function bootGpu(scheduler: Scheduler, device: FirmwareDevice, settings: EndpointSettings): Promise<void> {
  if (settings.kind !== 'gpu') throw new RangeError(`${device.name} is of the kind '${settings.kind}', and no GPU`);
  GpuFirmware.start(await FirmwareEndpoint.boot(scheduler, device, describeEndpoint(settings, device.width)));
}
