import { expect, test } from 'vitest';
import { simulate } from '../../hdl/src/engine/simulate.ts';
import { LinkPort } from '../src/link/link-port.ts';
import { TlpType } from '../src/tlp/tlp.ts';

const credits = { posted: { headers: 8, data: 32 }, non_posted: { headers: 8, data: 8 }, completion: 'infinite' } as const;

test('C71e C85: a TLP that its link leaves unfinished is ended after 32 cycles without a beat, and not before; then the port is down', () => {
  using sim = simulate(() => new LinkPort({ width: 64, credits }));
  const { link_up, rx, rx_fc, tx_fc, received_posted: received, relaxed, down } = sim.dut;
  sim.poke(tx_fc.ready, 1);
  sim.poke(rx_fc.valid, 0);
  sim.poke(received.ready, 1);
  sim.poke(link_up, 1);
  // Of what is sent alone.
  sim.poke(relaxed, 1);
  sim.step(8);
  const { header, data, first, last } = rx.payload;
  sim.poke(header.fmt, 0b010);
  sim.poke(header.type, TlpType.memory);
  sim.poke(header.length, 8);
  sim.poke(header.address, 0x1234_5000n);
  sim.poke(last, 0);
  const beats: { readonly cycle: number; readonly data: bigint; readonly first: bigint; readonly last: bigint }[] = [];
  const step = () => {
    sim.settle();
    const { payload } = received;
    if (sim.peek(received.valid) === 1n) {
      expect(sim.peek(payload.header.address)).toBe(0x1234_5000n);
      const [word, begins, ends] = [payload.data, payload.first, payload.last].map(signal => sim.peek(signal as typeof data));
      beats.push({ cycle: sim.cycle, data: word ?? 0n, first: begins ?? 0n, last: ends ?? 0n });
    }
    sim.step();
  };
  sim.poke(rx.valid, 1);
  sim.poke(first, 1);
  sim.poke(data, 0x11n);
  step();
  // The link is gone; a beat that was on its way still comes, and begins the time anew.
  sim.poke(link_up, 0);
  sim.poke(relaxed, 0);
  sim.poke(rx.valid, 0);
  for (let i = 0; i < 20; i++) step();
  sim.poke(rx.valid, 1);
  sim.poke(first, 0);
  sim.poke(data, 0x22n);
  const came = sim.cycle;
  step();
  sim.poke(rx.valid, 0);
  for (let i = 0; i < 31; i++) step();
  expect(beats.map(beat => [beat.data, beat.first, beat.last])).toEqual([
    [0x11n, 1n, 0n],
    [0x22n, 0n, 0n],
  ]);
  expect(sim.peek(down)).toBe(0n);
  for (let i = 0; i < 12; i++) step();
  expect(beats.length).toBe(3);
  expect(beats[2]).toMatchObject({ first: 0n, last: 1n });
  const latency = (beats[1]?.cycle ?? 0) - came;
  expect((beats[2]?.cycle ?? 0) - latency - came).toBe(32);
  expect(sim.peek(down)).toBe(1n);
});
