import { carriesData, dwCount, headerBits, type Packet, packHeader, unpackHeader } from '@hdl/pcie-rtl';

/** Packets as words of a TLP ring: a word is a packed `tlpBeat`, {header, data, first, last} from the most significant bit down. */

/** Bytes of one word. */
export const beatBytes = (width: number): number => Math.ceil((headerBits + width + 2) / 8);

/** The beats of a packet, one word behind the other. */
export function packBeats(packet: Packet, width: number): Uint8Array {
  const bytes = width / 8;
  const beats = carriesData(packet) ? Math.ceil((4 * dwCount(packet)) / bytes) : 1;
  const header = packHeader(packet) << BigInt(width + 2);
  const size = beatBytes(width);
  const words = new Uint8Array(beats * size);
  for (let i = 0; i < beats; i++) {
    const data = littleEndian(packet.payload.subarray(i * bytes, (i + 1) * bytes));
    const marks = (i === 0 ? 2n : 0n) | (i === beats - 1 ? 1n : 0n);
    store(header | (data << 2n) | marks, words.subarray(i * size, (i + 1) * size));
  }
  return words;
}

/** Puts packets together from words. */
export class PacketAssembler {
  private readonly width: number;
  private parts: Uint8Array[] = [];

  constructor(width: number) {
    this.width = width;
  }

  /**
   * Takes one word. @returns the packet that it ends, if it is a last one.
   * @throws Error for a first beat inside a packet or another one outside: the hardware broke the rules of the stream.
   */
  push(word: Uint8Array): Packet | undefined {
    const value = littleEndian(word);
    const first = (value & 2n) !== 0n;
    if (first !== (this.parts.length === 0))
      throw new Error(`the TLP stream is broken: a ${first ? 'first beat inside' : 'further beat outside'} of a packet`);
    const data = new Uint8Array(this.width / 8);
    store((value >> 2n) & ((1n << BigInt(this.width)) - 1n), data);
    this.parts.push(data);
    if ((value & 1n) === 0n) return undefined;
    const header = unpackHeader(value >> BigInt(this.width + 2));
    const payload = new Uint8Array(carriesData(header) ? 4 * dwCount(header) : 0);
    let place = 0;
    for (const part of this.parts) {
      payload.set(part.subarray(0, payload.length - place), place);
      place = Math.min(payload.length, place + part.length);
    }
    this.parts = [];
    return { ...header, payload };
  }
}

function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] ?? 0);
  return value;
}

function store(value: bigint, bytes: Uint8Array): void {
  let rest = value;
  for (let i = 0; i < bytes.length; i++, rest >>= 8n) bytes[i] = Number(rest & 0xffn);
}
