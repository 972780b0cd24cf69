import type { Point } from './points.ts';

/** Why some points cannot, or need not, be exercised. */
export interface Reason {
  /** Files below the project's root. */
  readonly file: RegExp;
  readonly kind: Point['kind'];
  /** Of toggles: names of signals, in which elements of a vector are `*`. */
  readonly signal: RegExp;
  /** Bits of them, both inside; all without. */
  readonly bits?: readonly [low: number, high: number];
  readonly text: string;
}

/** A toggle's signal and bit. */
const toggle = /^(?<name>[\w*]+?)(?:\[(?<bit>\d+)\])? (?:rose|fell)$/;

/** Whether a reason is about a point of a file. */
export function explains(
  { file, kind, signal, bits: [low, high] = [0, Number.MAX_SAFE_INTEGER] }: Reason,
  name: string,
  point: Point,
): boolean {
  if (kind !== point.kind || !file.test(name)) return false;
  const { name: found, bit = '0' } = toggle.exec(point.what)?.groups ?? {};
  return found !== undefined && signal.test(found) && Number(bit) >= low && Number(bit) <= high;
}

/** One text for several groups of signals. */
type Group = Pick<Reason, 'file' | 'signal' | 'bits'>;
const because = (text: string, ...groups: readonly Group[]): Reason[] =>
  groups.map(group => ({ kind: 'toggle' as const, text, ...group }));

const rtl = /^rtl\/src\//;
const dma = /^rtl\/src\/endpoint\/dma\//;
/** The blocks of an endpoint around its DMA, through which the same words pass. */
const endpoint = /^rtl\/src\/endpoint\//;

/** What nothing can do: the PCI Express specification, or how a field is coded, leaves no other value. */
const never: readonly Reason[] = [
  ...because(
    'Bit 2 of Fmt is of prefixes, which no TLP here has (C14): one that has is malformed and goes no further.',
    {
      file: rtl,
      signal: /header_fmt$/,
      bits: [2, 2],
    },
    {
      file: /switch\/virtual-output-queues|link\/model\/link-direction/,
      signal: /^(data|beats)_word$/,
      bits: [640, 640],
    },
  ),
  ...because(
    'A completion has 3 DW of header, and is of type 01010, or 01011 if it is a locked one (2.2.9).',
    { file: rtl, signal: /(^|_)completions?(_\*)*(_beat)?_header_fmt$/, bits: [0, 0] },
    { file: rtl, signal: /(^|_)(completions?(_\*)*(_beat)?|for_(channel|atomic|reader)|requester)_header_type$/, bits: [1, 4] },
    { file: dma, signal: /^(told|beat|errors?)_header_(fmt|type)$/ },
    { file: /receive\/(receive-side|completer|completion-builder)/, signal: /^(tx|beat)_header_type$/, bits: [1, 4] },
    { file: /switch\/switch-agent/, signal: /^answer_header_type$/, bits: [1, 4] },
    { file: /requester-table|host-bridge/, signal: /completion(_\*)*(_in|_out)?(_\*)*_header_type$/ },
    { file: /requester-table/, signal: /^completion_(in|out)_header_fmt$/, bits: [0, 0] },
    { file: /receive-side/, signal: /^requester_header_fmt$/, bits: [0, 0] },
  ),
  ...because(
    'A posted request is of type 00000 or 10rrr, a non-posted one of none above 01110 (C2).',
    { file: rtl, signal: /(^|_)non_posted(_\*)*(_beat)?_header_type$/, bits: [4, 4] },
    {
      file: /host\/(iommu|order-gate|translation-pipe)/,
      signal: /^(non_posted_)?(in|out|first|second|third)_header_type$/,
      bits: [4, 4],
    },
    { file: rtl, signal: /(^|_)(?<!non_)posted(_\*)*(_beat)?_header_type$/, bits: [3, 3] },
    { file: /receive\/posted-router|switch\/broadcaster/, signal: /header_type$/, bits: [3, 3] },
    {
      file: /receive\/(request-router|receive-side|completer|completion-sequencer)|requester-table/,
      signal: /^((error_)?report|out|in|request(_in|_out)?|slow)_header_type$/,
      bits: [4, 4],
    },
  ),
  ...because(
    'What goes down from a host bridge as a posted request, what it splits, and what a switch copies to a group, is a memory write: type 00000, with data; the rest is the host’s, or goes its unicast way.',
    { file: /host\/host-bridge/, signal: /^(down|split)_posted_\*_header_type$/ },
    { file: /host\/write-splitter|switch\/multicaster/, signal: /header_type$/ },
    { file: /switch\/multicaster/, signal: /header_fmt$/, bits: [1, 1] },
  ),
  ...because(
    'A DMA engine and the registers of functions post memory writes and ask with memory requests; posted ones need no tag (2.2.6.2) and get 0, and all have traffic class 0.',
    { file: endpoint, signal: /^(out_)?posted_header_(type|tag|tc)$/ },
    { file: /dma-engine|dma-channel|descriptor-fetch/, signal: /^(non_posted|tx)_header_tc$/ },
  ),
  ...because(
    'Bits 1 and 0 of the address in a request are 0: it counts DW (rtl/src/tlp/tlp.ts).',
    { file: /\/host\//, signal: /(posted|split|in|out|first|second|third|fault|told)(_\*)*(_header)?_address$/, bits: [0, 1] },
    { file: /switch\/multicaster|tlp-monitor/, signal: /header_address$/, bits: [0, 1] },
    { file: endpoint, signal: /(^|_)(in|out|report|posted|non_posted|request|tx|beat)_header_address$/, bits: [0, 1] },
    { file: /\/fabric\//, signal: /^root_rx_header_address$/, bits: [0, 1] },
  ),
  ...because(
    'A completion has no address and no byte enables: what lies there is reserved, but for completer, status, byte count and lower address, and bit 44 is PCI-X’s (2.2.9). Nothing but the header log looks at it.',
    {
      file: rtl,
      signal: /(^|_)(completions?(_\*)*(_beat)?|for_(channel|atomic|reader)|requester|told|errors?)_header_address$/,
      bits: [7, 31],
    },
    {
      file: rtl,
      signal: /(^|_)(completions?(_\*)*(_beat)?|for_(channel|atomic|reader)|requester|told|errors?)_header_address$/,
      bits: [44, 44],
    },
    {
      file: rtl,
      signal:
        /(^|_)(completions?(_\*)*(_beat)?|for_(channel|atomic|reader)|requester|told|errors?)_header_(first_be|last_be|at|th)$/,
    },
  ),
  ...because(
    'A non-posted request carries two operands of 16 bytes and a digest at most (6.15): beats of 512 bits have nothing from bit 288 up.',
    {
      file: rtl,
      signal: /non_posted(_\*)?_data$/,
      bits: [288, 511],
    },
  ),
  ...because('What the registers of functions post, messages of MSI-X and writes of the firmware, is one DW in the first lane.', {
    file: /endpoint\/transaction-layer/,
    signal: /^posted_(data|header_(length|last_be))$/,
  }),
  ...because(
    'A ring has a power of two of descriptors from 2 on, begins at a multiple of 64 bytes, and has completion entries at multiples of 8 (rtl/src/endpoint/dma/descriptor.ts).',
    { file: endpoint, signal: /^ring_entries$/, bits: [0, 0] },
    { file: endpoint, signal: /^ring_base$/, bits: [0, 5] },
    { file: /descriptor-fetch/, signal: /^(address|local_job_source)$/, bits: [0, 5] },
    { file: endpoint, signal: /^completion_base$/, bits: [0, 2] },
    { file: /dma-channel/, signal: /^(posted|entry_beat)_header_(address|length|first_be|last_be)$/, bits: [0, 2] },
  ),
  ...because(
    'What asks for data is one beat, and so is a completion entry: the first and the last one at once.',
    { file: dma, signal: /^(tx|non_posted)_(first|last)$/ },
    { file: /dma\/read-requester/, signal: /^beat_(first|last)$/ },
    { file: /dma-channel/, signal: /^(posted|entry_beat)_(first|last)$/ },
  ),
  ...because(
    'A write of the DMA and a completion entry have data; an entry is 2 whole DW.',
    { file: /dma\/(write-dma|dma-channel)/, signal: /^(tx|posted|entry_beat)_header_fmt$/, bits: [1, 1] },
    { file: /dma-channel/, signal: /^(posted|entry_beat)_header_(first|last)_be$/, bits: [3, 3] },
  ),
  ...because(
    'Descriptors of 8 DW are fetched up to 8 at a time, and 1 DW is read back: no request has a length of 2 to 6 DW, nor one of 128 and more. What is unpacked of a run is counted from 0 again with its last one.',
    { file: /descriptor-fetch/, signal: /^tx_header_length$/, bits: [1, 2] },
    { file: /descriptor-fetch/, signal: /^tx_header_length$/, bits: [7, 7] },
    { file: /dma-channel/, signal: /^non_posted_header_length$/, bits: [1, 2] },
    { file: /dma-channel/, signal: /^non_posted_header_length$/, bits: [7, 7] },
    { file: /descriptor-unpacker/, signal: /^done$/, bits: [3, 3] },
  ),
  ...because('Requesters report poisoned data, timeouts and unexpected completions: 12, 14 and 16, so that bit 0 is 0.', {
    file: dma,
    signal: /^errors_kind$/,
    bits: [0, 0],
  }),
  ...because(
    'A limit is a power of two from 128 bytes on, kept less 1, and what begins at a multiple of it has no lower bits.',
    { file: /transfer-planner/, signal: /^below_limit$/, bits: [0, 6] },
    { file: /completion-sequencer/, signal: /^(answer_limit|boundary)$/, bits: [0, 4] },
  ),
  ...because(
    'The checker of TLPs reports malformed ones and unexpected completions, 18 and 16, and tells both to all functions.',
    { file: /receive\/tlp-checker/, signal: /^(error_)?report_functions$/ },
    { file: /receive\/tlp-checker/, signal: /^(error_)?report_kind$/, bits: [4, 4] },
  ),
  ...because(
    'The filter of digests reports wrong ones alone, kind 19, never as advisory (6.2.3.2.4), and without the mark that the checker took away with the digest.',
    { file: /ecrc-filter/, signal: /^error_kind$/, bits: [2, 3] },
    { file: /ecrc-filter/, signal: /^error_(advisory|header_td)$/ },
  ),
  ...because(
    'A partner has at most 127 header credits and 2,047 data credits outstanding (2.6.1), so no update gives more at once.',
    { file: /link\/credit-gate/, signal: /^header_grant$/, bits: [7, 7] },
    { file: /link\/credit-gate/, signal: /^data_grant$/, bits: [11, 11] },
  ),
  ...because('Reports of refused requests are advisory, each: who asked gets an answer (6.2.3.2.4).', {
    file: /receive\/request-router/,
    signal: /^(error_)?report_advisory$/,
  }),
  ...because(
    'Fewer packets than there are slots wait for a posted packet, which has a slot itself; and slots that were used once are no fresh ones until a reset.',
    {
      file: /switch\/virtual-output-queues/,
      signal: /^((waiters_\*|before_\*|(entry|next|coming)_waiters)_(non_posted|completions)|fresh)$/,
      bits: [9, 9],
    },
    { file: /switch\/passing-order/, signal: /^((waiters|newest)_(non_posted|completions)|after_\*)$/, bits: [9, 9] },
  ),
  ...because('At most as many requests are watched as there are tags, 512; the counter has a bit more than their number.', {
    file: /dma\/read-receiver/,
    signal: /^watched$/,
    bits: [10, 10],
  }),
  ...because('A copy engine holds fewer than 16 jobs: 8 that wait, those whose bytes move, and 4 results.', {
    file: /dma\/local-copy/,
    signal: /^jobs_inside$/,
    bits: [4, 4],
  }),
  ...because('Fewer than 256 completions are inside the filter of digests; they are counted with the bits of a stamp.', {
    file: /ecrc-filter/,
    signal: /^completions$/,
    bits: [8, 9],
  }),
  ...because('An AtomicOp of the DMA has two operands of 16 bytes at most, and its digest is added behind.', {
    file: /dma-engine/,
    signal: /^non_posted_data$/,
    bits: [256, 287],
  }),
  ...because('The agent of a switch sends broadcasts, error messages, completions and writes: 10011, 10000, 0101r and 00000.', {
    file: /switch\/switch-agent/,
    signal: /^(out_beat|beat)_header_type$/,
    bits: [2, 2],
  }),
  ...because('A write of 4,096 bytes has 64 pieces of 64 bytes: they are counted from 0.', {
    file: /host\/write-splitter/,
    signal: /^pieces$/,
    bits: [6, 6],
  }),
  ...because('Requests of the DMA have no hints and nothing poisoned; digests are added behind it.', {
    file: /dma-engine/,
    signal: /^(posted|non_posted)_header_(th|td|ep)$/,
  }),
  ...because(
    'The agent of a switch sends completions and posted TLPs, classes 2 and 0; what is copied to a group is posted, always.',
    { file: /switch\/switch-agent/, signal: /^gone_class$/, bits: [0, 0] },
    { file: /switch\/multicaster/, signal: /^(out|beat)_class$/, bits: [0, 0] },
  ),
  ...because(
    'A completion of the switch itself is one beat. It is successful, of an unsupported request, or of a completer that aborts: 000, 001 and 100.',
    { file: /switch\/switch-agent/, signal: /^answer_(first|last)$/ },
    { file: /switch\/switch-agent/, signal: /^answer_header_address$/, bits: [46, 46] },
  ),
  ...because('Messages of the upstream port ask nobody whether they may go up.', {
    file: /switch\/switch-agent/,
    signal: /^passing$/,
    bits: [0, 0],
  }),
  ...because(
    'Where there is one port below, it has no peers: nothing is redirected, forbidden or kept from them.',
    { file: /config\/port-config-space/, signal: /^controls_egress_vector$/, bits: [0, 0] },
    { file: /switch\/port-ingress/, signal: /^(own_egress_vector|found_(forbidden|redirected))$/, bits: [0, 0] },
  ),
  ...because('The last vector of a word has its turn when the next word has: its bit stays 1.', {
    file: /registers\/msix/,
    signal: /^turn$/,
    bits: [31, 31],
  }),
  ...because(
    'Max_Payload_Size and Max_Read_Request_Size are 128 << n bytes with n up to 5 (7.5.3.4), and no port or function of the designs supports 2 KiB.',
    {
      file: rtl,
      signal: /(^|_)(mps|mrrs|limits_\*)$/,
      bits: [2, 2],
    },
  ),
];

/** What is the same in every cycle of a design, though not the same in all designs. */
const steady: readonly Reason[] = [
  ...because('The number of a port is wired: it differs by instance and never changes.', {
    file: /\/(config|switch)\//,
    signal: /^port$/,
  }),
  ...because(
    'What a BAR compares is its size, a parameter, or what software chose before it gave the BAR an address; the decoders compare all bits alike.',
    { file: /\/(config|endpoint)\//, signal: /bars_\*_compare$/ },
  ),
  ...because(
    'What came on a link, and what the agent of a switch sends, has room by its credits (C70f): it is taken in every cycle.',
    { file: /endpoint\/(endpoint|transaction-layer)|fabric\/fabric/, signal: /^(root_)?rx_ready$/ },
    { file: /ecrc-filter/, signal: /^(posted_ready|(out_)?completion_ready)$/ },
    { file: /switch\/(switch-agent|port-ingress|crossbar)/, signal: /^(out|in|in_\*)_ready$/ },
  ),
  ...because('There is room by what was reserved before: 16 descriptors at most are asked for and held.', {
    file: /descriptor-(fetch|unpacker)/,
    signal: /^(fetched|out)_ready$/,
  }),
  ...because('Whoever asked for an AtomicOp takes its result in the cycle in which it comes.', {
    file: /dma\/atomic-turns/,
    signal: /^result_ready$/,
  }),
  ...because('The tag of AtomicOps is a parameter.', { file: /atomic-requester/, signal: /^(tx|beat)_header_tag$/ }),
  ...because(
    'Address type 01 asks for a translation (10.2.1), which nothing here sends, and no write is one; what comes with it is refused at the ports and in the receive side, which are exercised with it.',
    { file: endpoint, signal: /(^|_)at$/, bits: [0, 0] },
    { file: /switch\/(multicaster|broadcaster|switch-agent)|ecrc-generator/, signal: /header_at$/ },
  ),
  ...because(
    'Endpoints send no hints and nothing poisoned, their registers post untranslated, without attributes or digest, and descriptors are fetched in order and snooped.',
    { file: endpoint, signal: /^(out_)?tx_header_(th|ep)$/ },
    { file: /transaction-layer/, signal: /^posted_header_(attr|th|td|ep|at)$/ },
    { file: /dma-channel|descriptor-fetch/, signal: /^(non_posted|tx)_header_attr$/, bits: [0, 1] },
  ),
];

/** What takes too long. */
const long: readonly Reason[] = [
  ...because(
    'Bit n of a counter, a time in cycles, or a pointer that goes round in a buffer moves after 2^n of what it counts: those from 2^16 up are not worth the hours.',
    {
      file: rtl,
      signal:
        /(^|_)(cycle|beats|bytes|packets|headers|drops|counts?(_\*)*|unread|due|now|posted|non_posted|completions|timer|elapsed)$/,
      bits: [16, 63],
    },
  ),
  ...because(
    'Bit n of a time in µs, or of a word of a medium that keeps its pace, moves after 2^n of them: from 2^13 on that is millions of cycles.',
    {
      file: endpoint,
      signal: /(^|_)(now_us|due|unread|steps)$/,
      bits: [13, 31],
    },
  ),
  ...because('The time that deadlines of interrupts are told by has bit 25 after 2^24 cycles and more.', {
    file: /registers\/moderation/,
    signal: /^deadlines_word$/,
    bits: [25, 25],
  }),
  ...because(
    'Every TLP that a contained port drops takes a containment of its own to be sure of; the counter’s adder is the same for the bits from 2^7 up.',
    {
      file: /port-config-space/,
      signal: /^drops$/,
      bits: [7, 31],
    },
  ),
  ...because(
    'All periods of the completion timeout but the shortest, 50 to 100 µs, are 1 ms to 64 s (7.5.3.16): longer than what is simulated.',
    {
      file: endpoint,
      signal: /(^|_)timeout_value$|^(issued_)?unit$/,
    },
    { file: /read-receiver/, signal: /^requests_word$/, bits: [0, 4] },
  ),
];

/** What only larger designs would do than those that are simulated, in the same way for each bit. */
const larger: readonly Reason[] = [
  ...because(
    'Functions beyond those of the designs in which the block runs: a number has 3 bits, a set one per function of the largest.',
    { file: endpoint, signal: /(^|_)(functions?|owner)$/, bits: [1, 7] },
    { file: endpoint, signal: /^(received_\w+|cancel|idle|quiet)$/, bits: [1, 7] },
    { file: /\/config\//, signal: /^(late|quiet)$/, bits: [3, 23] },
  ),
  ...because(
    'Vectors from 64 up: no function of the simulated endpoints has more; tables of 2,048 are tested by themselves (rtl/test/msix-table.test.ts).',
    {
      file: endpoint,
      signal: /^(vector|interrupts_payload|raised?(_\*)?_payload)$/,
      bits: [6, 10],
    },
  ),
  ...because(
    'Places in rings from 64 up: a ring that is simulated has 64 descriptors in use at most; an index counts modulo the ring’s size, which may be any (rtl/test/dma-channel.test.ts).',
    { file: endpoint, signal: /(^|_)(tail|head|index|place|told|next|coming|ring_entries)$/, bits: [5, 15] },
    { file: /dma-channel/, signal: /^(posted|entry_beat)_data$/, bits: [6, 15] },
  ),
  ...because(
    'Sizes of one TLP of 1 KiB or more, in bytes, DW, words or credits of 16 bytes: Max_Payload_Size and Max_Read_Request_Size of the designs are 512 bytes at most.',
    { file: rtl, signal: /header_length$/, bits: [8, 9] },
    { file: rtl, signal: /(^|_)(credits(_\*)?|freed_credits_\*|needed|following|wanted_\*)$/, bits: [6, 8] },
    { file: /switch\/port-ingress/, signal: /^refund$/, bits: [6, 8] },
    { file: dma, signal: /(^|_)(bytes|left)$/, bits: [10, 12] },
    { file: dma, signal: /(^|_)(words|wanted|unread|left|store_left)$/, bits: [7, 10] },
    { file: /read-deliverer/, signal: /^count$/, bits: [7, 10] },
    { file: /media-buffer/, signal: /^count$/, bits: [8, 10] },
    { file: /completion-sequencer/, signal: /^answer_limit$/, bits: [7, 9] },
    { file: /receive\/posted-(router|writer)/, signal: /^(out|beat|in)_length$/, bits: [8, 9] },
    { file: /link\/credit-allocator/, signal: /^(arrives|leaves)_data$/, bits: [6, 8] },
    { file: /tlp\/tlp-monitor/, signal: /^beats$/, bits: [9, 10] },
    { file: /read-receiver/, signal: /^requests_word$/, bits: [39, 41] },
    { file: /switch\/virtual-output-queues/, signal: /^data_word$/, bits: [620, 621] },
  ),
  ...because(
    'Offsets and lengths of DMA from 8 KiB up, and addresses of words that lie there: BAR memories as large have traffic in their first part, and a few long transfers; each bit more doubles the cycles.',
    { file: endpoint, signal: /(^|_)(length|offset|source|target|bytes|memory_request_payload)$/, bits: [13, 31] },
    {
      file: endpoint,
      signal: /^(?!.*(header|jobs?|remote|wanted|nothing)_address)(\w*_)?(address|target_word|next_word|boundary)$/,
      bits: [12, 19],
    },
    { file: /dma\/atomic-turns/, signal: /^request_\*_address$/, bits: [12, 19] },
    { file: dma, signal: /^memory_(write|request)_\*_(address|payload)$/, bits: [12, 19] },
  ),
  ...because('Accesses of the firmware wait for functions in designs of three; one of eight has more of the same.', {
    file: /firmware-port/,
    signal: /^ready$/,
    bits: [3, 7],
  }),
  ...because(
    'Egresses of larger switches than those in which the egress is blocked, or has something coming just then: there are more of the same.',
    { file: /switch\/crossbar/, signal: /^room$/, bits: [4, 8] },
    { file: /switch\/virtual-output-queues/, signal: /^arrives$/, bits: [6, 16] },
  ),
  ...because(
    'Queues carry headers as they are. Of beats of 512 bits, in which these bits of the word are address type and type, few kinds come; in narrower ones all do.',
    { file: /switch\/virtual-output-queues/, signal: /^data_word$/, bits: [622, 637] },
  ),
  ...because(
    'Operands of 16 bytes, in few AtomicOps: their data is carried as it is, and of so many bits some never change by chance.',
    { file: /atomic-requester/, signal: /^payload$/, bits: [128, 255] },
    { file: /dma-engine/, signal: /^non_posted_data$/, bits: [128, 255] },
    { file: /host-bridge/, signal: /^down_non_posted_\*_data$/, bits: [128, 255] },
  ),
  ...because(
    'A word has a bit for each error that a port can have, made alike of mask, severity and trigger enable: not each error is tried with each of them (rtl/test/switch-device-containment.test.ts).',
    { file: /port-config-space|switch\/port-ingress/, signal: /^containing_(errors_)?(advisory|other)$/ },
  ),
  ...because(
    'Tags from 256 up: a read engine by itself uses 512 (rtl/test/dma-read-tags.test.ts), those of whole DMA engines fewer.',
    {
      file: /dma-engine/,
      signal: /^non_posted_header_tag$/,
      bits: [8, 9],
    },
  ),
  ...because('Register BARs of the simulated functions have 2 MiB at most; offsets have 32 bits for a BAR of any size.', {
    file: /endpoint\/receive\//,
    signal: /^(register_write_address|dword)$/,
    bits: [19, 31],
  }),
  ...because(
    'Buffers of ports are as deep as their credits; those of a whole fabric, and of links, have more than traffic of these lengths fills once.',
    {
      file: /link\/(class-buffer|model\/link-direction)/,
      signal: /_(pointer|address)$/,
      bits: [7, 13],
    },
    { file: /link\/model\/delay-line/, signal: /_pointer$/, bits: [10, 10] },
    { file: /switch\/virtual-output-queues/, signal: /^count_\*_\*$/, bits: [9, 9] },
    { file: /switch\/passing-order/, signal: /^released_\*$/, bits: [9, 9] },
    { file: /dma\/read-requester/, signal: /^used$/, bits: [14, 14] },
  ),
];

/** What blocks pass on without looking at it. */
const wiring: readonly Reason[] = [
  ...because(
    'The fabric only connects: what its root ports, firmware ports and counters are given reaches ports of switches, endpoints and counters as it is, which are exercised with any values (rtl/test/switch-device-traffic, host-bridge, link-counters).',
    {
      file: /fabric\/(observed-)?fabric/,
      signal:
        /^(root_[rt]x_header_\w+|ranges_\*_(base|limit)|counters_\*_\w+|firmware_(request|response)_\*_\w+|media_(in|out)_\*_ready|media_\w+_ready|retrained)$/,
    },
  ),
  ...because(
    'Jobs, results and rings pass these blocks as they are, from the registers that the firmware writes to the blocks that look at them, which are exercised with any values (rtl/test/dma-channel, dma-single, dma-read, dma-write, dma-atomic).',
    {
      file: /endpoint\/(transaction-layer|firmware-engines|dma\/(dma-engine|copy-engines|atomic-turns))/,
      signal:
        /(^|_)(jobs?|results?|wanted|done|answer_\*|flushed_one|reads_nothing)_(\w+_)?(id|address|offset|source|target|length|function|payload|operand|compare)$|^(ring|completion)_(base|entries)$/,
    },
  ),
  ...because('What goes with the words of a task is carried beside them as it is, and looked at where it comes out.', {
    file: dma,
    signal: /(^|_)info$/,
  }),
  ...because(
    'The header of a completion that nobody waits for goes to the error log as it came; the DMA looks at its Requester ID alone. The log is exercised with any header (rtl/test/config-errors.test.ts).',
    { file: dma, signal: /^errors?_header_\w+$/ },
  ),
  ...because(
    'Routing IDs are copied and compared as wholes: buses, devices and functions with these bits are none of the simulated topologies; others of the same ID move.',
    { file: /src\/(config|switch)\//, signal: /(^|_)(id|ids_\*|bus_device|(access|taken)_device|secondary|source)$/ },
    { file: rtl, signal: /(^|_)(requester_id|requester|poster_\*)$/ },
    {
      file: rtl,
      signal: /(^|_)(completions?(_\*)*|for_(channel|atomic|reader)|requester|root_[rt]x)_header_address$/,
      bits: [48, 63],
    },
    { file: /endpoint\//, signal: /(^|_)(id|controls_\*_id|id_\*|own_id)$/ },
    { file: /receive\/(receive-side|completer|completion-builder)/, signal: /^(tx|beat)_header_address$/, bits: [48, 63] },
    { file: /switch\/switch-agent/, signal: /^answer_header_address$/, bits: [48, 63] },
  ),
];

export const reasons: readonly Reason[] = [...never, ...steady, ...long, ...larger, ...wiring];
