import { type FlatMemory, limbBytes, limbCount, limbWidth, strideOf, type WritePort } from '@hdl/ts-hdl/engine';
import { literal, load, store } from './c-program.ts';

/** The function `write_<number>`, which does what a write port has staged. It returns the bits that change; where nobody asks, they cost nothing. */
export function writeFunction(number: number, port: WritePort, memory: FlatMemory, base: number): string {
  return `static inline __attribute__((always_inline)) u64 write_${number}(u8* m) {
const u64 w = ${base} + (u64)${load(4, port.index)} * ${strideOf(memory.width)};
u64 changes = 0;
${port.mask === undefined ? word(port, memory) : masked(port, port.mask, memory)}
return changes;
}`;
}

function put(bytes: number, offset: number, value: string): string {
  const place = `w + ${offset}`;
  return `{ const u64 v = ${value}; changes |= v ^ ${load(bytes, place)}; ${store(bytes, place, 'v')} }`;
}

function word(port: WritePort, { width }: FlatMemory): string {
  return Array.from({ length: limbCount(width) }, (_, limb) => {
    const bytes = limbBytes(limbWidth(width, limb));
    return put(bytes, 8 * limb, load(bytes, port.data + 8 * limb));
  }).join('\n');
}

/** Stores a limb: bits of the data where `mask` has a 1, else those of the word. */
function merge(port: WritePort, limb: number, bytes: number, mask: string): string {
  const old = load(bytes, `w + ${8 * limb}`);
  return put(bytes, 8 * limb, `${old} ^ ((${old} ^ ${load(bytes, port.data + 8 * limb)}) & ${mask})`);
}

function masked(port: WritePort, mask: number, memory: FlatMemory): string {
  const lanes = memory.width / memory.lane;
  if (memory.lane === 1)
    return Array.from({ length: limbCount(lanes) }, (_, limb) => {
      const bytes = limbBytes(limbWidth(lanes, limb));
      return merge(port, limb, bytes, load(bytes, mask + 8 * limb));
    }).join('\n');
  const all = Array.from({ length: limbCount(lanes) }, (_, limb) => {
    return `${load(8, mask + 8 * limb)} == ${literal((1n << BigInt(limbWidth(lanes, limb))) - 1n)}`;
  });
  const each = Array.from({ length: lanes }, (_, lane) => {
    return `if (${load(1, mask + (lane >> 3))} & ${1 << (lane & 7)}) {\n${laneOf(port, memory, lane)}\n}`;
  });
  return `if (${all.join(' && ')}) {\n${word(port, memory)}\n} else {\n${each.join('\n')}\n}`;
}

function laneOf(port: WritePort, memory: FlatMemory, lane: number): string {
  const low = lane * memory.lane;
  const end = low + memory.lane;
  const lines: string[] = [];
  for (let limb = Math.floor(low / 64); 64 * limb < end; limb++) {
    const start = Math.max(low, 64 * limb);
    const width = Math.min(end, 64 * limb + 64) - start;
    if (start % width === 0 && [8, 16, 32, 64].includes(width)) {
      lines.push(put(width / 8, start / 8, load(width / 8, port.data + start / 8)));
      continue;
    }
    const ones = ((1n << BigInt(width)) - 1n) << BigInt(start - 64 * limb);
    lines.push(merge(port, limb, limbBytes(limbWidth(memory.width, limb)), literal(ones)));
  }
  return lines.join('\n');
}
