/** A port as the model holds it. */
export interface Port {
  readonly name: string;
  readonly direction: 'input' | 'output';
  readonly width: number;
  /** 32-bit words, and where they start in the block of all ports. */
  readonly words: number;
  readonly offset: number;
}

const declaration = /^\s*VL_(IN|OUT)(?:8|16|64|W)?\(&(\w+),(\d+),(\d+)(?:,\d+)?\);/gm;

/** Ports in the order of the header that Verilator wrote for the top module; the header is the exact source of what the model offers. */
export function portsOfHeader(header: string): Port[] {
  const ports: Port[] = [];
  let offset = 0;
  for (const [, way, name = '', high = '0', low = '0'] of header.matchAll(declaration)) {
    const width = Number(high) - Number(low) + 1;
    const words = Math.ceil(width / 32);
    ports.push({ name, direction: way === 'IN' ? 'input' : 'output', width, words, offset });
    offset += words;
  }
  return ports;
}
