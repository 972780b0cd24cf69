import { describe, expect, test } from 'vitest';
import { simulate } from '../../hdl/src/engine/simulate.ts';
import { Random } from '../../hdl/test/random.ts';
import { PostSender } from '../src/endpoint/post-sender.ts';
import { Fmt, TlpType } from '../src/tlp/tlp.ts';
import { numberOf, one, setFields, setNumber } from './dma-model.ts';
import { PacketSink } from './tlp-model.ts';

interface Write {
  readonly address: bigint;
  readonly data: number;
}

function bench(width: number, seed: number, rate: number) {
  const sim = simulate(() => new PostSender({ width }));
  const { dut } = sim;
  const random = new Random(seed);
  const tx = new PacketSink(sim, dut.tx, random, rate);
  setFields(sim, dut.state, { id: 0x0128, bus_master: 1 });
  const ends = (['post', 'message'] as const).map(name => {
    const port = dut[name];
    const offered: Write[] = [];
    const taken: Write[] = [];
    return { name, port, offered, taken, valid: sim.port(port.valid), ready: sim.port(port.ready) };
  });
  /** Writes in the order in which they were accepted. */
  const accepted: Write[] = [];
  let sent = 0;
  const cycle = (willing: number) => {
    for (const { port, offered, valid } of ends) {
      const [write] = offered;
      if (write && (one(valid) || random.chance(willing))) {
        valid.words[0] = 1;
        setNumber(sim.port(port.payload.address), write.address);
        setNumber(sim.port(port.payload.data), write.data);
      } else valid.words[0] = 0;
    }
    tx.drive();
    sim.settle();
    tx.sample(sim.cycle);
    const moved = ends.filter(({ valid, ready }) => one(valid) && one(ready));
    expect(moved.length, 'both are accepted in one cycle').toBeLessThan(2);
    sent += Number(numberOf(sim.port(dut.sent)));
    sim.step();
    for (const { offered, valid } of moved) {
      const write = offered.shift();
      if (write) accepted.push(write);
      valid.words[0] = 0;
    }
  };
  return { sim, dut, random, tx, ends, accepted, cycle, sent: () => sent };
}

const write = (random: Random): Write => ({
  address: BigInt(random.below(2 ** 32)) | (random.chance(0.5) ? BigInt(random.below(2 ** 32)) << 32n : 0n),
  data: random.below(2 ** 32),
});

describe.each([64, 128, 256, 512])('%d bits', width => {
  test.each([
    [1, 1],
    [0.3, 1],
    [1, 0.3],
    [0.5, 0.5],
  ])('C7: sends posts and messages, one TLP each, in the order in which they were accepted: offered %d, tx %d', (willing, rate) => {
    const b = bench(width, 41, rate);
    using _ = b.sim;
    for (const end of b.ends) for (let i = 0; i < 40; i++) end.offered.push(write(b.random));
    for (let i = 0; i < 600; i++) b.cycle(willing);
    expect(b.accepted.length).toBe(80);
    expect(b.sent()).toBe(40);
    expect(b.tx.received).toEqual(
      b.accepted.map(({ address, data }) => ({
        fmt: address >> 32n ? Fmt.data4 : Fmt.data3,
        type: TlpType.memory,
        tc: 0,
        attr: 0,
        th: 0,
        td: 0,
        ep: 0,
        at: 0,
        length: 1,
        requester_id: 0x0128,
        tag: 0,
        last_be: 0,
        first_be: 15,
        address: address & ~3n,
        payload: new Uint8Array(Uint32Array.of(data).buffer),
      })),
    );
  });
});

test('C81: with bus mastering off a post is dropped and a message waits', () => {
  const b = bench(256, 42, 1);
  using _ = b.sim;
  setFields(b.sim, b.dut.state, { bus_master: 0 });
  const [post, message] = b.ends;
  const posted = write(b.random);
  const waiting = write(b.random);
  post?.offered.push(posted);
  for (let i = 0; i < 10; i++) b.cycle(1);
  message?.offered.push(waiting);
  for (let i = 0; i < 10; i++) b.cycle(1);
  expect([b.sent(), b.tx.received.length, message?.offered.length]).toEqual([1, 0, 1]);
  setFields(b.sim, b.dut.state, { bus_master: 1 });
  for (let i = 0; i < 10; i++) b.cycle(1);
  expect(b.tx.received.map(p => p.address)).toEqual([waiting.address & ~3n]);
  expect(b.sent()).toBe(1);
});
