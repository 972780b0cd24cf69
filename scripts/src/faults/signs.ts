import type { Signs } from './report.ts';

/** What tells of a fault of an endpoint. */
export const endpointSigns: Signs = {
  malformed: 'Malformed TLP (AER bit 18), of all functions',
  poisoned: 'Poisoned TLP (bit 12); a request that waits is refused; a transfer ends with an error',
  'wrong digest': 'ECRC (bit 19)',
  unsupported: 'Unsupported Request (bit 20); a request that waits is refused',
  aborted: 'Completer Abort (bit 15); the request is refused',
  refused: 'the outcome of the transfer, zeros in place of its data',
  foreign: 'Unexpected Completion (bit 16)',
  doubled: 'Unexpected Completion (bit 16)',
  lost: 'Completion Timeout (bit 14); the transfer ends with an error',
  late: 'Completion Timeout (bit 14), then Unexpected Completion (bit 16)',
  overrun: 'Receiver Overflow (bit 17); what is beyond the credits is dropped',
  'lost limits': 'nothing: limits are sums of all credits so far, and are sent again before long (C70b)',
  state: 'registers and traffic are as the specification says, meanwhile and afterwards',
};

/** What tells of a fault at a port of a switch. */
export const switchSigns: Signs = {
  malformed: 'Malformed TLP (AER bit 18 of the port); dropped, or passed on for the receiver to see where its end is wrong',
  poisoned: 'Poisoned TLP (bit 12); it arrives as it is, for the receiver to see',
  'spoofed ID': 'ACS Violation (bit 21); a request that waits is refused with Completer Abort',
  translated: 'ACS Violation (bit 21); a request that waits is refused with Completer Abort',
  'address of others':
    'it comes out at the root port and nowhere else; or ACS Violation (bit 21), and a request that waits is refused',
  'own address': 'Unsupported Request (bit 20), or it comes out at the root port',
  'reused tag': 'each of the requests is answered, or passed on',
  unsupported: 'Unsupported Request (bit 20); a request that waits is refused, by a contained port with Completer Abort',
  foreign: 'Unexpected Completion (bit 16), or it comes out at the root port and nowhere else',
  message: 'nothing: error messages are passed on where that is enabled (C90), others end at the port',
  overrun: 'Receiver Overflow (bit 17); what is beyond the credits is dropped',
  'lost limits': 'nothing: limits are sums of all credits so far, and are sent again before long (C70b)',
  state:
    'Surprise Down (bit 5), the status of containment (C91) or of the link; what is for the link meanwhile is refused or dropped (C71e)',
};

/** What tells of a bit that flipped in a memory. */
export const flipSigns: Signs = {
  flipped:
    'what the class ends with: the receiver finds the digest wrong (ECRC, AER bit 19); digests leave out EP and Type[0], which tell by themselves. A TLP whose word was read before comes as it was sent',
};
