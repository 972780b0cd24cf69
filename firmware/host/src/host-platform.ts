import type { DevicePlatform } from './device-platform.ts';
import type { Host } from './host.ts';
import { HostError } from './host-error.ts';
import { MsixSetup } from './msix.ts';
import { type AddressRange, formatBdf, type PciFunction } from './pci-function.ts';

/** A function of the fabric as the platform of its driver. @throws HostError if it has no BAR0 with an address, or no MSI-X. */
export async function hostPlatform(
  host: Host,
  device: PciFunction,
  name: string = formatBdf(device.bdf),
): Promise<DevicePlatform> {
  const bar = (index: number): AddressRange | undefined => {
    const found = device.bars.find(each => each.index === index);
    return found?.address === undefined ? undefined : { base: found.address, bytes: found.bytes };
  };
  const registers = bar(0)?.base;
  if (registers === undefined) throw new HostError(`${name} has no BAR0 with an address: enumerate the fabric first`);
  const msix = await MsixSetup.find(host.config, host.memory, device);
  const handlers = new Map<number, () => void>();
  return {
    name,
    scheduler: host.scheduler,
    vectors: msix.vectors,
    memory: {
      allocate: (bytes, alignment) => host.data.allocate(bytes, alignment),
      release: range => host.data.release(range),
      read: (address, bytes) => host.readMemory(address, bytes),
      write: (address, data) => host.writeMemory(address, data),
    },
    readRegister: offset => host.memory.read32(registers + BigInt(offset)),
    writeRegister: (offset, value) => host.memory.write32(registers + BigInt(offset), value),
    async connect(vector, handler) {
      const known = handlers.has(vector);
      handlers.set(vector, handler);
      if (known) return;
      await msix.program(
        vector,
        host.interrupts.register(() => handlers.get(vector)?.()),
      );
      await msix.enable();
    },
    bar,
    writeBar: (address, data) => host.memory.write(address, data),
  };
}
