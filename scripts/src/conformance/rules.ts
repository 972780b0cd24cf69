/** Who has to obey a rule. */
export type Place = 'endpoint' | 'switch' | 'fabric' | 'host';

/** A rule of the transaction layer that can be tested. */
export interface Rule {
  readonly number: string;
  /** In a line, in our words; the base specification has the last one. */
  readonly text: string;
  /** Where it is to be shown; or why nowhere here. */
  readonly applies: readonly Place[] | { readonly not: string };
}

/** All rules, by chapter and number. Tests name them at the start of their titles: `C54 C55: …`. */
export const rules = [
  // TLP formats
  {
    number: 'C1',
    text: 'Fmt 0 to 3 are headers of 3 and 4 DW without and with data, 4 is a prefix; others are malformed',
    applies: ['endpoint', 'switch'],
  },
  {
    number: 'C2',
    text: 'Each Type has its Fmts; what is undefined is malformed, and an endpoint refuses locked reads',
    applies: ['endpoint', 'switch'],
  },
  { number: 'C3', text: 'Length counts DW, 0 means 1,024, and the payload has just as many', applies: ['endpoint'] },
  {
    number: 'C4',
    text: 'No payload exceeds the MPS of its sender; a receiver takes more than its own for malformed',
    applies: ['endpoint'],
  },
  { number: 'C5', text: 'No request crosses a boundary of 4 KiB', applies: ['endpoint'] },
  { number: 'C6', text: 'A read asks for at most MRRS; writes are not limited by it', applies: ['endpoint'] },
  { number: 'C7', text: '3 DW headers for addresses below 4 GiB, 4 DW from there on', applies: ['endpoint'] },
  {
    number: 'C8',
    text: 'Byte enables of the first and the last DW; a request of 1 DW without any is a flush',
    applies: ['endpoint', 'switch'],
  },
  { number: 'C9', text: 'I/O and configuration requests have 1 DW, traffic class 0 and no attributes', applies: ['endpoint'] },
  { number: 'C10', text: 'TD announces one DW of digest behind the payload', applies: ['endpoint', 'switch'] },
  {
    number: 'C11',
    text: 'AT is 0 but in memory requests: 1 asks for a translation, 2 uses one',
    applies: ['endpoint', 'switch'],
  },
  { number: 'C12', text: 'A completion returns the attributes of its request', applies: ['endpoint', 'switch'] },
  { number: 'C13', text: 'A completion returns the traffic class of its request', applies: ['endpoint', 'switch'] },
  {
    number: 'C14',
    text: 'End-to-end prefixes are malformed or blocked where they are not supported',
    applies: ['endpoint'],
  },
  {
    number: 'C15',
    text: 'Messages are routed to the root, by address, by ID, from the root to all, or to the next device',
    applies: ['endpoint', 'switch'],
  },
  { number: 'C16', text: 'A TLP costs 8 bytes on the link beside header and payload, up to generation 5', applies: ['fabric'] },
  // Configuration routing
  {
    number: 'C20',
    text: 'A type 1 configuration request becomes type 0 at the bridge whose secondary bus it names',
    applies: ['switch'],
  },
  { number: 'C21', text: 'Beyond the secondary bus, up to the subordinate one, it is forwarded as it is', applies: ['switch'] },
  { number: 'C22', text: 'Any other bus is answered with Unsupported Request and not forwarded', applies: ['switch'] },
  {
    number: 'C23',
    text: 'Without ARI only device 0 exists below a downstream port; the port refuses the others',
    applies: ['switch'],
  },
  {
    number: 'C24',
    text: 'A function takes its bus and device number from every configuration write of type 0 that it completes',
    applies: ['endpoint', 'switch'],
  },
  { number: 'C25', text: 'Configuration requests travel downstream only', applies: ['switch'] },
  {
    number: 'C26',
    text: 'A function that is not there is an Unsupported Request; retry status answers configuration requests only',
    applies: ['endpoint', 'host'],
  },
  { number: 'C27', text: 'ARI forwarding lets a downstream port pass 256 functions', applies: ['switch'] },
  // Windows and decode
  {
    number: 'C30',
    text: 'Windows have steps of 1 MiB, the prefetchable one 64 bits; I/O has steps of 4 KiB',
    applies: ['switch'],
  },
  { number: 'C31', text: 'A base above its limit closes a window', applies: ['switch'] },
  { number: 'C32', text: 'From above, a request passes that hits a window while memory space is enabled', applies: ['switch'] },
  {
    number: 'C33',
    text: 'From below, a request passes upward that hits no window while bus mastering is enabled',
    applies: ['switch'],
  },
  { number: 'C34', text: 'From below, a hit in another port’s window goes to that port: peer to peer', applies: ['switch'] },
  { number: 'C35', text: 'Inside the upstream window and in no other: Unsupported Request by the switch', applies: ['switch'] },
  {
    number: 'C36',
    text: 'From below into the own window: not sent back, Unsupported Request unless upstream forwarding applies',
    applies: ['switch'],
  },
  { number: 'C37', text: 'A 64-bit prefetchable BAR above 4 GiB lies in the 64-bit window', applies: ['host'] },
  { number: 'C38', text: 'A switch forwards all TLPs between all ports and never splits or joins one', applies: ['switch'] },
  { number: 'C39', text: 'Between hierarchies a root complex may refuse, or split', applies: ['host'] },
  // Routing
  { number: 'C40', text: 'Memory and I/O requests go by address', applies: ['switch'] },
  { number: 'C41', text: 'Completions go by the bus of the requester, also from port to port', applies: ['switch'] },
  { number: 'C42', text: 'A completion that fits nowhere is dropped and reported', applies: ['switch'] },
  { number: 'C43', text: 'Messages go the way that their type implies', applies: ['switch'] },
  { number: 'C44', text: 'Nothing leaves by the port it came in', applies: ['switch'] },
  // Completions
  { number: 'C50', text: 'Status is success, unsupported request, retry or completer abort', applies: ['endpoint'] },
  {
    number: 'C51',
    text: 'What nobody claims is unsupported: posted is dropped and reported, the rest is answered so',
    applies: ['endpoint', 'switch'],
  },
  {
    number: 'C52',
    text: 'Completer abort for what is claimed and cannot be done, and for ACS violations',
    applies: ['endpoint', 'switch'],
  },
  { number: 'C53', text: 'A completion without success has no data and ends its request', applies: ['endpoint', 'switch'] },
  {
    number: 'C54',
    text: 'Read data is split at multiples of the read completion boundary, 128 bytes outside the root complex',
    applies: ['endpoint'],
  },
  { number: 'C55', text: 'Byte Count tells what is left, Lower Address where the data begins', applies: ['endpoint', 'switch'] },
  {
    number: 'C56',
    text: 'Completions of one request come in address order, those of different requests in any',
    applies: ['endpoint'],
  },
  { number: 'C57', text: 'No completion carries more than the MPS of the completer', applies: ['endpoint'] },
  { number: 'C58', text: 'A completion that nobody waits for is dropped and reported', applies: ['endpoint'] },
  {
    number: 'C59',
    text: 'A request that is not answered in time ends with an error, and its late completion is unexpected',
    applies: ['endpoint'],
  },
  // Ordering
  { number: 'C60', text: 'The ordering table: what may, must and must not pass what', applies: ['endpoint', 'switch'] },
  {
    number: 'C61',
    text: 'Non-posted requests that are stuck hold back neither posted requests nor completions',
    applies: ['endpoint', 'switch'],
  },
  { number: 'C62', text: 'Two endpoints that saturate each other never deadlock', applies: ['fabric'] },
  {
    number: 'C63',
    text: 'Data to a peer and a flag to the host take different ways: a read back of the peer restores the order',
    applies: ['endpoint', 'fabric'],
  },
  { number: 'C64', text: 'Peer data may have relaxed ordering; the flag has not', applies: ['endpoint'] },
  { number: 'C65', text: 'ID-based ordering lets different requesters pass each other', applies: ['switch'] },
  {
    number: 'C66',
    text: 'ACS redirection changes the relative order of what is redirected and what is not',
    applies: ['switch'],
  },
  // Flow control
  {
    number: 'C70a',
    text: 'Headers and data of posted, non-posted and completions have credits of their own; a data credit is 4 DW',
    applies: ['endpoint', 'switch'],
  },
  {
    number: 'C70b',
    text: 'Least credits at the start; endpoints give infinite ones for completions',
    applies: ['endpoint', 'switch'],
  },
  { number: 'C70c', text: 'Infinite credits are announced as 0 and not updated', applies: ['endpoint', 'switch'] },
  { number: 'C70d', text: 'No TLP leaves without header and data credits', applies: ['endpoint', 'switch'] },
  { number: 'C70e', text: 'A receiver that overflows reports it', applies: ['endpoint', 'switch'] },
  { number: 'C70f', text: 'Room for the completions is reserved before a read is sent', applies: ['endpoint'] },
  {
    number: 'C70g',
    text: 'Congestion of the root link does not hold back traffic between downstream ports',
    applies: ['switch'],
  },
  // Tags, errors in data
  { number: 'C71a', text: 'A tag is used once at a time; 5, 8 or 10 bits as enabled', applies: ['endpoint'] },
  { number: 'C71b', text: 'Poisoned data is forwarded as such, and not used', applies: ['endpoint', 'switch'] },
  {
    number: 'C71c',
    text: 'ECRC covers all that does not change on the way, and is checked at the end',
    applies: ['endpoint', 'switch'],
  },
  {
    number: 'C71d',
    text: 'Malformed TLPs are dropped and reported, and their credits returned',
    applies: ['endpoint', 'switch'],
  },
  { number: 'C71e', text: 'With the link down the port answers non-posted requests and drops posted ones', applies: ['switch'] },
  // ACS
  { number: 'C72', text: 'Source validation: a request from below has a requester bus of that port', applies: ['switch'] },
  { number: 'C73', text: 'Translation blocking: no request from below has AT other than 0', applies: ['switch'] },
  { number: 'C74', text: 'Request redirect: peer requests go up to the root complex', applies: ['switch', 'endpoint'] },
  { number: 'C75', text: 'Upstream forwarding: what is for the same port goes up and not into the void', applies: ['switch'] },
  {
    number: 'C76',
    text: 'Completion redirect: peer completions without relaxed ordering go up',
    applies: ['switch', 'endpoint'],
  },
  {
    number: 'C77',
    text: 'Egress control: a bit per target port forbids, or with redirect diverts',
    applies: ['switch', 'endpoint'],
  },
  { number: 'C78', text: 'Direct translated: translated requests go straight to the peer', applies: ['switch', 'endpoint'] },
  {
    number: 'C79',
    text: 'Source validation and translation blocking first, then direct translated, egress control, redirect',
    applies: ['switch', 'endpoint'],
  },
  {
    number: 'C80',
    text: 'A violation is logged; posted is dropped, non-posted answered with completer abort by the port',
    applies: ['switch'],
  },
  // Enables, resets
  {
    number: 'C81',
    text: 'Without bus mastering an endpoint sends no requests and no interrupts, but completions',
    applies: ['endpoint'],
  },
  {
    number: 'C82',
    text: 'Without bus mastering a bridge passes no requests from below; completions and the way down are not affected',
    applies: ['switch'],
  },
  {
    number: 'C83',
    text: 'Without memory space an endpoint claims no memory request, and a bridge passes none down',
    applies: ['endpoint', 'switch'],
  },
  {
    number: 'C84',
    text: 'Function level reset: outstanding requests are abandoned, enables and BARs cleared, link settings kept',
    applies: ['endpoint'],
  },
  { number: 'C85', text: 'Secondary bus reset resets all below and leaves the bridge’s windows', applies: ['switch'] },
  {
    number: 'C86',
    text: 'After a reset configuration reads may be answered with retry for a while',
    applies: ['endpoint', 'host'],
  },
  // Error reporting, interrupts
  { number: 'C87', text: 'Each uncorrectable error has its bit', applies: ['endpoint', 'switch'] },
  { number: 'C88', text: 'Masks, severity, first error pointer and header log', applies: ['endpoint', 'switch'] },
  { number: 'C89', text: 'Refusing a non-posted request is an advisory non-fatal error', applies: ['endpoint', 'switch'] },
  { number: 'C90', text: 'Error messages travel to the root complex', applies: ['endpoint', 'switch'] },
  { number: 'C91', text: 'Downstream port containment takes the link down at its trigger', applies: ['switch'] },
  { number: 'C92', text: 'MSI-X: table, masks and pending bits; the message is a posted write', applies: ['endpoint'] },
  { number: 'C93', text: 'An MSI-X address may point to a peer', applies: ['fabric'] },
  // Optional features
  { number: 'C94', text: 'Resizable BAR: sizes offered, size chosen', applies: ['endpoint'] },
  { number: 'C95', text: 'ATS: a translation is asked for and used, invalidation is ordered', applies: ['endpoint'] },
  {
    number: 'C96',
    text: 'PASID: a prefix of 20 bits, only when enabled',
    applies: ['endpoint'],
  },
  { number: 'C97', text: 'Multicast: a posted write into the window goes to all ports of its group', applies: ['switch'] },
  {
    number: 'C98',
    text: 'AtomicOps: FetchAdd, Swap, CAS, enabled by the requester, routed or blocked by ports',
    applies: ['endpoint', 'switch'],
  },
  { number: 'C99', text: 'Relaxed ordering and no snoop only when enabled', applies: ['endpoint'] },
  {
    number: 'C100',
    text: 'Virtual functions send with IDs of their own',
    applies: { not: 'there are no virtual functions: an endpoint has up to 8 physical ones' },
  },
] as const satisfies readonly Rule[];

/** The number of a rule that there is. */
export type RuleNumber = (typeof rules)[number]['number'];
