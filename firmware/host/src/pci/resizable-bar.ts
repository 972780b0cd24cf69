import { sizeText } from '@hdl/pcie-rtl';
import { HostError } from '../host-error.ts';
import type { BarState, PciDevice } from './pci-device.ts';
import { Command, ExtendedId, Header, ResizableBar } from './registers.ts';

/** A BAR that can have several sizes (C94). */
export interface ResizableBarState {
  readonly bar: BarState;
  /** Sizes that it can have, in bytes, the smallest first. */
  readonly sizes: readonly bigint[];
  /** Offset of its control register. */
  readonly control: number;
}

/** The BARs of a function that can have several sizes. */
export async function resizableBars(device: PciDevice): Promise<ResizableBarState[]> {
  const base = device.extended.get(ExtendedId.resizableBar);
  if (base === undefined) return [];
  const count = ((await device.read(base + ResizableBar.control)) >>> 5) & 7;
  const found: ResizableBarState[] = [];
  for (let i = 0; i < count; i++) {
    const capability = await device.read(base + ResizableBar.capability + i * ResizableBar.step);
    const control = base + ResizableBar.control + i * ResizableBar.step;
    const index = (await device.read(control)) & 7;
    const bar = device.bars.find(each => each.index === index);
    if (!bar) throw new HostError(`${device.name} says that its BAR${index} can be resized, and has no such BAR`);
    const sizes = Array.from({ length: 28 }, (_, bit) => bit).filter(bit => (capability & (1 << (bit + 4))) !== 0);
    found.push({ bar, control, sizes: sizes.map(bit => 1n << BigInt(20 + bit)) });
  }
  return found;
}

/** Gives a BAR another size, while the function decodes nothing; its address and the windows above have to be assigned anew. @throws HostError for a size that it cannot have. */
export async function resizeBar(device: PciDevice, index: number, bytes: bigint): Promise<void> {
  const found = (await resizableBars(device)).find(({ bar }) => bar.index === index);
  if (!found) throw new HostError(`BAR${index} of ${device.name} has one size only`);
  if (!found.sizes.includes(bytes))
    throw new HostError(
      `BAR${index} of ${device.name} cannot have ${sizeText(bytes)}, only ${found.sizes.map(sizeText).join(', ')}`,
    );
  await device.change(Header.command, Command.io | Command.memory, 0);
  await device.change(found.control, 0x3f00, (bytes.toString(2).length - 21) << 8);
  found.bar.bytes = bytes;
  delete found.bar.address;
}
