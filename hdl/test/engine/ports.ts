import type { MemoryView, PortView, Simulation } from '../../src/engine/simulation.ts';

/** Access to a simulation by BigInt, for tests. */

function port(simulation: Simulation, name: string): PortView {
  const found = simulation.ports.get(name);
  if (found === undefined) throw new Error(`there is no port ${name}`);
  return found;
}

export function get(simulation: Simulation, name: string): bigint {
  return port(simulation, name).words.reduceRight((value, word) => (value << 32n) | BigInt(word), 0n);
}

export function set(simulation: Simulation, name: string, value: bigint | number): void {
  const { words } = port(simulation, name);
  for (let i = 0; i < words.length; i++) words[i] = Number(BigInt.asUintN(32, BigInt(value) >> BigInt(32 * i)));
}

/** Word `index` of a memory, with what is in its padding. */
export function word({ bytes, stride }: MemoryView, index: number): bigint {
  return bytes.slice(index * stride, (index + 1) * stride).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

export function setWord({ bytes, stride }: MemoryView, index: number, value: bigint): void {
  for (let i = 0; i < stride; i++) bytes[index * stride + i] = Number(BigInt.asUintN(8, value >> BigInt(8 * i)));
}
