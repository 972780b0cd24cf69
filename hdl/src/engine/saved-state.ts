import type { Design, Module } from '../ir/ir.ts';
import { moduleSignature } from '../passes/module-signature.ts';
import type { PlacedDesign } from './lowered-design.ts';
import { SimulationError } from './simulation.ts';

/**
 * The state of a simulation as bytes: a line of text that says what it is, then inputs, registers and memories. It holds for the design, not for
 * where an engine keeps it, so a state of one engine goes on in another: a long run in native code, its last cycles here with a waveform.
 */

const KIND = 'ts-hdl-state';
/** Memories are saved in pieces of so many bytes, those that are all 0 not at all. */
const PIECE = 4096;

const identities = new WeakMap<Design, string>();

/** A text that is equal for designs that are equal but for their sites. */
export function identityOf(design: Design): string {
  let identity = identities.get(design);
  if (identity === undefined) {
    const keys = new Map<Module, string>();
    const hash = new Hash();
    for (const module of design.modules) {
      keys.set(module, `${keys.size}`);
      hash.add(`module ${module.name}\n${moduleSignature(module, child => keys.get(child) ?? '')}\n`);
    }
    identity = hash.text;
    identities.set(design, identity);
  }
  return identity;
}

/** 64 bits of a text, as two FNV-1a-like hashes with different multipliers. It tells designs apart; it protects against nobody. */
class Hash {
  private a = 0x811c9dc5;
  private b = 0x9e3779b9;

  add(text: string): void {
    let { a, b } = this;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      a = Math.imul(a ^ code, 0x01000193);
      b = Math.imul(b ^ code, 0x85ebca6b);
      b ^= b >>> 15;
    }
    this.a = a;
    this.b = b;
  }

  get text(): string {
    return [this.a, this.b].map(half => (half >>> 0).toString(16).padStart(8, '0')).join('');
  }
}

/** Bytes of the state that a machine's memory has at all of these addresses. */
interface Place {
  readonly addresses: readonly number[];
  readonly bytes: number;
}

/** The pieces of a machine's memory that are the state, always in the same order and of the same lengths for one design. */
function places({ ports, registers, shadow }: PlacedDesign): Place[] {
  const inputs = ports.filter(({ direction }) => direction === 'input');
  return [
    ...inputs.map(({ address, width }) => ({ addresses: [address], bytes: Math.ceil(width / 8) })),
    ...registers.map(({ address, width }) => ({
      addresses: address < 0 ? [] : [address, address + shadow],
      bytes: Math.ceil(width / 8),
    })),
  ];
}

/** The state of a design on a machine whose memory is `buffer`. A register that nothing reads may be absent from it (it is 0 then). */
export function saveState(design: PlacedDesign, buffer: ArrayBuffer, cycle: number): Uint8Array {
  const head = new TextEncoder().encode(`${KIND} ${identityOf(design.design)} ${cycle}\n`);
  const parts: Uint8Array[] = [head];
  for (const { addresses, bytes } of places(design)) {
    const [address] = addresses;
    parts.push(address === undefined ? new Uint8Array(bytes) : new Uint8Array(buffer, address, bytes));
  }
  for (const { address, stride, depth } of design.memories.values()) parts.push(...pieces(buffer, address, stride * depth));
  return joined(parts);
}

/** Each piece of a memory that is not all 0 behind its number from 1 on; 0 ends the memory. */
function pieces(buffer: ArrayBuffer, address: number, size: number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let start = 0; start < size; start += PIECE) {
    const piece = new Uint8Array(buffer, address + start, Math.min(PIECE, size - start));
    if (piece.some(byte => byte !== 0)) parts.push(number(start / PIECE + 1), piece);
  }
  return [...parts, number(0)];
}

function number(value: number): Uint8Array {
  return Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let position = 0;
  for (const part of parts) {
    all.set(part, position);
    position += part.length;
  }
  return all;
}

/**
 * Writes a state that `saveState` gave into a machine's memory. @returns its cycle.
 * @throws SimulationError if it is none, of another design, or not complete; the memory is then as it was.
 */
export function restoreState(design: PlacedDesign, buffer: ArrayBuffer, state: Uint8Array): number {
  const end = state.subarray(0, 200).indexOf(10);
  const [kind, identity, cycle] = new TextDecoder().decode(state.subarray(0, Math.max(end, 0))).split(' ');
  if (kind !== KIND) throw new SimulationError('These bytes are no state: restore takes what save gave.');
  if (identity !== identityOf(design.design))
    throw new SimulationError(
      `This state is of another design than ${design.name}, or of an older text of it: a state holds for the very same modules, ` +
        'parameters, clocks and coverage.',
    );
  const incomplete = () => new SimulationError(`This state of ${design.name} is not complete: bytes are missing or too many.`);
  let position = end + 1;
  const take = (bytes: number) => {
    position += bytes;
    if (position > state.length) throw incomplete();
    return state.subarray(position - bytes, position);
  };
  const found: { readonly address: number; readonly content: Uint8Array }[] = [];
  for (const { addresses, bytes } of places(design)) {
    const content = take(bytes);
    for (const address of addresses) found.push({ address, content });
  }
  for (const { address, stride, depth } of design.memories.values()) {
    const size = stride * depth;
    for (;;) {
      const [a = 0, b = 0, c = 0, d = 0] = take(4);
      const piece = (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
      if (piece === 0) break;
      const start = (piece - 1) * PIECE;
      if (start >= size) throw incomplete();
      found.push({ address: address + start, content: take(Math.min(PIECE, size - start)) });
    }
  }
  if (position !== state.length) throw incomplete();

  for (const { address, stride, depth } of design.memories.values()) new Uint8Array(buffer, address, stride * depth).fill(0);
  for (const { address, content } of found) new Uint8Array(buffer, address, content.length).set(content);
  return Number(cycle);
}
