import { expect, test } from 'vitest';
import { at } from '../src/at.ts';
import { completionOf, configWrite, memoryRead } from '../src/tlp/packet.ts';
import { Fmt } from '../src/tlp/tlp.ts';
import { rootId, SwitchBench } from './switch-bench.ts';

test('C8: a configuration write changes the enabled bytes of the port’s register and no others', () => {
  using bench = new SwitchBench({ ports: 2 });
  bench.configure();
  const busNumbers = 0x18;
  for (const [port, device] of [
    [1, 0],
    [2, 1],
  ] as const) {
    const other = bench.read(3 - port, busNumbers);
    for (const mask of [0b0000, 0b0001, 0b0100, 0b0110, 0b0111]) {
      bench.write(port, busNumbers, 0x00_11_22_33);
      const request = { requester_id: rootId, tag: 7, kind: 1, bus: 2, device, function: 0, register: busNumbers / 4 } as const;
      at(bench.sources, 0).queue.push(configWrite({ ...request, data: 0x00_aa_bb_cc, mask }));
      bench.drain();
      const bytes = [0xcc, 0xbb, 0xaa].map((byte, i) => ((mask >> i) & 1 ? byte : [0x33, 0x22, 0x11][i]));
      const [primary = 0, secondary = 0, subordinate = 0] = bytes;
      expect(bench.read(port, busNumbers), `port ${port}, mask ${mask}`).toBe((subordinate << 16) | (secondary << 8) | primary);
    }
    expect(bench.read(3 - port, busNumbers)).toBe(other);
  }
});

test.each([64, 128])('C53: a request of several beats that is refused gets one completion, width %d', width => {
  using bench = new SwitchBench({ ports: 2, width });
  bench.configure();
  const read = memoryRead({ requester_id: 0x0308, tag: 9, address: bench.bridges[1]?.memory[0] ?? 0n, bytes: 32 });
  // A compare and swap of 128 bits carries two operands; into the own window it is refused.
  const swap = { ...read, fmt: Fmt.data3, type: 0b01110, payload: new Uint8Array(32) };
  at(bench.sources, 1).queue.push(swap, { ...swap, tag: 10 });
  bench.drain();
  const answers = at(bench.sinks, 1).received;
  expect(answers.map(p => [p.tag, completionOf(p).status, p.payload.length])).toEqual([
    [9, 1, 0],
    [10, 1, 0],
  ]);
});

test('C31: a window whose base is above its limit is closed', () => {
  const MiB = 1n << 20n;
  using bench = new SwitchBench({ ports: 2 });
  const port = at(bench.bridges, 1);
  const open = { memory: port.memory, prefetch: port.prefetch };
  const inside = [open.memory[0], open.prefetch[0]];
  const reads = [...inside, ...inside.map(address => address + MiB), 0x1000n, 0x7_0000_0000n].map((address, tag) =>
    memoryRead({ requester_id: rootId, tag, address, bytes: 4 }),
  );
  const arrivals = () => {
    bench.configure();
    for (const sink of bench.sinks) sink.received.length = 0;
    at(bench.sources, 0).queue.push(...reads);
    bench.drain();
    return [1, 2].map(i => at(bench.sinks, i).received.map(p => p.tag));
  };
  expect(arrivals()).toEqual([[0, 1], []]);
  port.memory = [open.memory[0] + MiB, open.memory[0]];
  expect(arrivals()).toEqual([[1], []]);
  port.prefetch = [open.prefetch[0] + MiB, open.prefetch[0]];
  expect(arrivals()).toEqual([[], []]);
});
