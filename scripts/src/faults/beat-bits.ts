import type { MemoryView } from '@hdl/ts-hdl';
import { isSealed } from '../soak/reference/digest.ts';
import { defined, rightLength, wrongSingle } from '../soak/reference/rules.ts';
import { bodyDwords, hasData, isAtomic, isMessage, logWords, type Tlp } from '../soak/tlp.ts';

/** Beats of TLPs as they lie in the words of memories, and single bits of them. */

/** Fields of a header with their lowest bits in its 127. */
const layout = [
  ['low', 0, 32],
  ['high', 32, 32],
  ['first_be', 64, 4],
  ['last_be', 68, 4],
  ['tag', 72, 10],
  ['requester', 82, 16],
  ['length', 98, 10],
  ['at', 108, 2],
  ['ep', 110, 1],
  ['td', 111, 1],
  ['th', 112, 1],
  ['attr', 113, 3],
  ['tc', 116, 3],
  ['type', 119, 5],
  ['fmt', 124, 3],
] as const;
export const headerBits = 127;
/** Those of length, poison, type and format. */
export const rareBits: readonly number[] = [
  98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 110, 119, 119, 119, 120, 121, 122, 123, 124, 125, 126,
];
/** Below data and header: whether the beat is the first one, and the last one. */
const flags = 2;

/** A memory that holds beats: its path, what people call it, and the bits of its words below the beat. */
export interface BeatMemory {
  readonly path: string;
  readonly place: string;
  readonly below: number;
}

/** A beat of a TLP in a word of a memory. */
export interface StoredBeat {
  readonly memory: BeatMemory;
  readonly word: number;
  readonly tlp: Tlp;
  /** Which of its beats. */
  readonly beat: number;
}

/** A bit of a stored beat, and what it means: of the header, of a later beat's copy of it, of the payload or the digest. */
export interface BeatBit {
  readonly stored: StoredBeat;
  /** In the word. */
  readonly bit: number;
  readonly part: string;
  /** It is one of the format, type or length, or of a copy of them: credits are counted of these. */
  readonly credits: boolean;
  /** What the TLP becomes with it; the same one if it is a copy. */
  readonly altered: Tlp;
}

function bitsAt(bytes: Uint8Array, from: number, count: number): number {
  let value = 0;
  for (let i = 0; i < count; ) {
    const at = from + i;
    const some = Math.min(8 - (at & 7), count - i);
    value += (((bytes[at >> 3] ?? 0) >> (at & 7)) & ((1 << some) - 1)) * 2 ** i;
    i += some;
  }
  return value;
}

const identity = (requester: number, tag: number): number => requester * 1024 + tag;

/** Words of a memory that hold beats of these TLPs, each of which has an ID of its own. */
export function beatsIn(view: MemoryView, memory: BeatMemory, tlps: readonly Tlp[], width: number): StoredBeat[] {
  const byId = new Map(tlps.map(t => [identity(t.requester, t.tag), t]));
  const data = memory.below + flags;
  const header = data + width;
  const found: StoredBeat[] = [];
  for (let word = 0; word < view.depth; word++) {
    const bytes = view.bytes.subarray(word * view.stride, (word + 1) * view.stride);
    const tlp = byId.get(identity(bitsAt(bytes, header + 82, 16), bitsAt(bytes, header + 72, 10)));
    if (!tlp || layout.some(([field, low, bits]) => bitsAt(bytes, header + low, bits) !== tlp[field])) continue;
    const beat = beatOf(tlp, bytes, data, width);
    if (beat >= 0) found.push({ memory, word, tlp, beat });
  }
  return found;
}

/** Which beat of a TLP a word holds, -1 for none. */
function beatOf(t: Tlp, bytes: Uint8Array, data: number, width: number): number {
  const size = width / 8;
  const beats = Math.max(1, Math.ceil(t.body.length / size));
  for (let beat = 0; beat < beats; beat++) {
    const part = t.body.subarray(beat * size, (beat + 1) * size);
    const first = bitsAt(bytes, data - 1, 1) === 1;
    if (first === (beat === 0) && part.every((byte, i) => bitsAt(bytes, data + 8 * i, 8) === byte)) return beat;
  }
  return -1;
}

/** A bit of the header of a stored beat, 0 .. 126. */
export function headerBit(stored: StoredBeat, width: number, index: number): BeatBit {
  const bit = stored.memory.below + flags + width + index;
  const { tlp, beat } = stored;
  const [field, low] = layout.findLast(([, from]) => from <= index) ?? layout[0];
  const credits = field === 'fmt' || field === 'type' || field === 'length';
  if (beat > 0) return { stored, bit, part: 'copy of the header', credits, altered: tlp };
  const altered = { ...tlp, [field]: (tlp[field] ^ (1 << (index - low))) >>> 0 };
  return { stored, bit, part: onWire(tlp, altered) ? partOf(field, index - low) : otherForm, credits, altered };
}

/** Whether a TLP's header on the wire tells two forms of it apart: the upper half of an address that has 32 bits is not in it, for one. */
const onWire = (t: Tlp, altered: Tlp): boolean => {
  const words = logWords(altered);
  return logWords(t).some((word, i) => word !== words[i]);
};

function partOf(field: (typeof layout)[number][0], bit: number): string {
  if (field === 'ep') return 'EP';
  if (field === 'td') return 'TD';
  if (field === 'type' && bit === 0) return 'Type[0]';
  return field === 'fmt' || field === 'type' || field === 'length' ? 'format, type or length' : 'rest of the header';
}

/** A bit of what lies in the beat: payload or digest. Undefined for one that means nothing. */
export function bodyBit(stored: StoredBeat, width: number, index: number): BeatBit | undefined {
  const { tlp, beat } = stored;
  const byte = beat * (width / 8) + (index >> 3);
  if (byte >= tlp.body.length) return undefined;
  const body = tlp.body.slice();
  body[byte] = (body[byte] ?? 0) ^ (1 << (index & 7));
  const digest = byte >= 4 * (bodyDwords(tlp) - 1);
  return {
    stored,
    bit: stored.memory.below + flags + index,
    part: digest ? 'digest' : 'payload',
    credits: false,
    altered: { ...tlp, body },
  };
}

/** Flips a bit of a word. */
export function flipBit(view: MemoryView, word: number, bit: number): void {
  const at = word * view.stride + (bit >> 3);
  view.bytes[at] = (view.bytes[at] ?? 0) ^ (1 << (bit & 7));
}

/** The upper half of a 32-bit address, byte enables of a completion: not there on a wire. */
export const otherForm = 'header bit of another form';

export type Told = 'ECRC' | 'Malformed TLP' | 'Poisoned TLP' | 'Unsupported Request' | 'Unexpected Completion' | 'nothing';

/**
 * What a receiver that checks digests finds wrong with a TLP (2.2, 2.3, 2.7.1, 2.7.2), which is an endpoint that completes AtomicOps, takes no locked reads and
 * has asked for what is completed; no more is known of it, so that where a request leads to tells nothing.
 */
export function toldOf(t: Tlp, width: number): Told {
  if (t.td === 1 && !isSealed(t)) return 'ECRC';
  if (!defined(t) || wrongSingle(t) || !rightLength(t, width)) return 'Malformed TLP';
  if (t.ep === 1 && hasData(t)) return 'Poisoned TLP';
  if (t.type === 1) return 'Unsupported Request';
  return t.type === 11 ? 'Unexpected Completion' : 'nothing';
}

/** Whether nothing that PCI Express has tells of a bit: of TD, which says that there is a digest; of Type[0], which digests leave out, where both types exist. */
export const untold = ({ part, stored: { tlp }, altered }: BeatBit): boolean =>
  part === 'TD' || (part === 'Type[0]' && defined(altered) && (isAtomic(tlp) || isMessage(tlp)));

/** Whether a bit that comes altered means nothing: poison without data, or what the header's form has not. */
export const idle = ({ part, altered }: BeatBit): boolean => part === otherForm || (part === 'EP' && !hasData(altered));
