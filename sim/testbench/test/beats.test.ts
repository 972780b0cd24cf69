import { completion, memoryRead, memoryWrite, type Packet } from '@hdl/pcie-rtl';
import { describe, expect, test } from 'vitest';
import { Random } from '../../../hdl/test/random.ts';
import { beatBytes, PacketAssembler, packBeats } from '../src/beats.ts';

const from = { requester_id: 0x0308, tag: 0x2a5 };

describe.each([64, 128, 256, 512])('%d bits', width => {
  const size = beatBytes(width);
  const words = (packet: Packet) => {
    const bytes = packBeats(packet, width);
    return Array.from({ length: bytes.length / size }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
  };

  test('packets come back as they went, header and payload', () => {
    const random = new Random(width);
    const assembler = new PacketAssembler(width);
    for (let n = 0; n < 60; n++) {
      const address = BigInt(random.below(2 ** 30)) * 4096n + BigInt(random.below(64));
      const bytes = 1 + random.below(random.chance(0.2) ? 4000 : 200);
      const packet =
        n % 3 === 0
          ? memoryRead({ ...from, address, bytes })
          : n % 3 === 1
            ? memoryWrite({ ...from, address, data: random.bytes(bytes) })
            : completion(
                from,
                { completer_id: 0x1234, byte_count: bytes, lower_address: 5 },
                random.bytes(4 * (1 + random.below(64))),
              );
      const got = words(packet).map(word => assembler.push(word));
      expect(got.length).toBe(Math.max(1, Math.ceil(packet.payload.length / (width / 8))));
      expect(got.slice(0, -1).every(p => p === undefined)).toBe(true);
      expect(got.at(-1), `packet ${n}, seed ${random.seed}`).toEqual(packet);
    }
  });

  test('a payload of 4 KiB has length 0 on the wire, and all its bytes', () => {
    const packet = memoryWrite({ ...from, address: 0x1000n, data: new Random(9).bytes(4096) });
    expect(packet.length).toBe(0);
    const assembler = new PacketAssembler(width);
    expect(
      words(packet)
        .map(word => assembler.push(word))
        .at(-1),
    ).toEqual(packet);
  });

  test('a broken stream is told', () => {
    const long = words(memoryWrite({ ...from, address: 0n, data: new Uint8Array(256) }));
    const [first, second] = long;
    if (!first || !second) throw new Error('256 bytes are more than a beat');
    const assembler = new PacketAssembler(width);
    expect(() => assembler.push(second)).toThrow(/further beat outside/);
    assembler.push(first);
    expect(() => assembler.push(first)).toThrow(/first beat inside/);
  });
});
