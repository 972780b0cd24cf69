import { ErrorMessageCode, messageCode, type Packet, TlpType } from '@hdl/pcie-rtl';

/** What a function tells the root complex of an error, as a message (2.2.8.3, C88). */
export interface ErrorMessage {
  readonly severity: 'correctable' | 'non-fatal' | 'fatal';
  /** Routing ID of the function. */
  readonly source: number;
}

const severities: { readonly [code: number]: ErrorMessage['severity'] } = {
  [ErrorMessageCode.correctable]: 'correctable',
  [ErrorMessageCode.nonfatal]: 'non-fatal',
  [ErrorMessageCode.fatal]: 'fatal',
};

/** @returns nothing for a packet that is no error message. */
export function errorMessage(packet: Packet): ErrorMessage | undefined {
  const severity = packet.type >> 3 === TlpType.message >> 3 ? severities[messageCode(packet)] : undefined;
  return severity && { severity, source: packet.requester_id };
}
