import type { Point } from './points.ts';

/** Why some points cannot, or need not, be exercised. */
export interface Reason {
  /** Files below the project's root. */
  readonly file: RegExp;
  readonly kinds: readonly Point['kind'][];
  /** Points of these lines only. */
  readonly what?: RegExp;
  readonly text: string;
}

export const reasons: readonly Reason[] = [
  {
    file: /^rtl\/src\/.*/,
    kinds: ['toggle'],
    what: /non_posted(_\*)?_data\[(28[89]|29\d|[345]\d\d)\]/,
    text: 'A non-posted request carries two operands of 16 bytes and a digest at most (6.15): beats of 512 bits have nothing from bit 288 up.',
  },
  {
    file: /^rtl\/src\/endpoint\/transaction-layer\.ts$/,
    kinds: ['toggle'],
    what: /^posted_data\[(3[2-9]|[4-9]\d|\d{3})\]/,
    text: 'What the registers of functions post, messages of MSI-X and writes of the firmware, is one DW in the first lane.',
  },
  {
    file: /^rtl\/src\/link\/model\//,
    kinds: ['toggle'],
    what: /on_the_way\[(\d{2,})\]/,
    text: 'Stages of the delay lines of link models: each does what the one before it did a cycle earlier, and the lines of links with traffic are shorter than the longest that is built.',
  },
  {
    file: /^rtl\/src\/(fabric|link|switch|config|endpoint|tlp|host)\//,
    kinds: ['toggle'],
    what: /(^|_)(cycle|beats|bytes|packets|headers|drops|counts?|unread|due|now|now_us)\[(2\d|[3-6]\d)\]/,
    text: 'Bit n of a counter, or of a time in cycles, moves after 2^n of what it counts: those from 2^20 up are not worth the hours.',
  },
  {
    file: /^rtl\/src\/endpoint\/(dma\/|transaction-layer|firmware-engines)/,
    kinds: ['toggle'],
    what: /reserved[01]\[/,
    text: 'Reserved bits of a descriptor, which software leaves 0 and nothing reads (rtl/src/endpoint/dma/descriptor.ts).',
  },
  {
    file: /^rtl\/src\/endpoint\//,
    kinds: ['toggle'],
    what: /(^|_)(length|offset|source|target|bytes)\[(1[7-9]|2\d|3[01])\]/,
    text: 'Offsets and lengths of DMA from 128 KiB up: the BAR memories that are simulated are smaller, and a transfer so long with a medium is not worth its cycles.',
  },
];
