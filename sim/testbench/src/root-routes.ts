import { configTarget, MessageRoute, type Packet, packetClass, packetName, TlpType } from '@hdl/pcie-rtl';

/** What lies below a root port: ranges of bus addresses, and bus numbers from `first` to `last`. */
export interface BelowRoot {
  readonly windows: readonly { readonly base: bigint; readonly bytes: bigint }[];
  readonly buses: { readonly first: number; readonly last: number };
}

export const nothingBelow: BelowRoot = { windows: [], buses: { first: 1, last: 0 } };

/** The bus that a packet goes to by its ID; none for one that goes by its address, or to all. */
function busOf(packet: Packet): number | undefined {
  if (packetClass(packet) === 'completion') return packet.requester_id >> 8;
  if (packetName(packet).startsWith('Cfg')) return configTarget(packet).bus;
  const byId = packet.type === (TlpType.message | MessageRoute.byId);
  return byId ? Number(packet.address >> 56n) : undefined;
}

/** The root port that a packet of the host leaves by: the one that has its bus or its address, the first one if none has. */
export function rootPortOf(packet: Packet, below: readonly BelowRoot[]): number {
  const bus = busOf(packet);
  const { address } = packet;
  const found = below.findIndex(({ windows, buses }) =>
    bus === undefined
      ? windows.some(({ base, bytes }) => address >= base && address < base + bytes)
      : bus >= buses.first && bus <= buses.last,
  );
  return Math.max(0, found);
}
