import { expect, test } from 'vitest';
import { simulate } from '../../hdl/src/engine/simulate.ts';
import { at } from '../src/at.ts';
import { LinkCounters } from '../src/link/link-counters.ts';
import { completion, memoryRead, type Packet } from '../src/tlp/packet.ts';
import { setFields } from './dma-model.ts';

test.each([
  ['the first part of 4 KiB', 4096, 128, 128],
  ['4 KiB at once', 4096, 4096, 4096],
  ['the last byte', 1, 4, 1],
] as const)('a completion counts its own bytes: %s', (_, remaining, payload, counted) => {
  using sim = simulate(() => new LinkCounters({ bus_bits: 3, tag_bits: 6 }));
  const range = at(sim.dut.ranges, 0);
  sim.poke(range.limit, 1 << 20);
  const from = { requester_id: 0x0100, tag: 3 };
  const see = (tap: typeof sim.dut.up_tap, packet: Packet) => {
    const { payload: _data, ...header } = packet;
    setFields(sim, tap.header, header);
    sim.poke(tap.first, 1);
    sim.poke(tap.fire, 1);
    sim.step();
    sim.poke(tap.fire, 0);
  };
  see(sim.dut.up_tap, memoryRead({ ...from, address: 0x1000n, bytes: 4096 }));
  see(sim.dut.down_tap, completion(from, { completer_id: 0, byte_count: remaining, lower_address: 0 }, new Uint8Array(payload)));
  sim.step(2);
  expect(sim.peek(sim.dut.down.data_bytes)).toBe(BigInt(counted));
});
