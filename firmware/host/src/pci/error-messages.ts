import { messageCode, type Packet, TlpType } from '@hdl/pcie-rtl';
import type { Bdf } from '../pci-function.ts';

/** What a function tells the root complex of an error, as a message (2.2.8.3, C88). */
export interface ErrorMessage {
  readonly severity: 'correctable' | 'non-fatal' | 'fatal';
  readonly source: Bdf;
}

const severities: { readonly [code: number]: ErrorMessage['severity'] } = { 48: 'correctable', 49: 'non-fatal', 51: 'fatal' };

/** @returns nothing for a packet that is no error message. */
export function errorMessage(packet: Packet): ErrorMessage | undefined {
  const severity = packet.type >> 3 === TlpType.message >> 3 ? severities[messageCode(packet)] : undefined;
  const id = packet.requester_id;
  return severity && { severity, source: { bus: id >> 8, device: (id >> 3) & 0x1f, function: id & 7 } };
}
