import { expect, test } from 'vitest';
import { at } from '../src/at.ts';
import { FcClass, FcKind, fcClasses } from '../src/link/fc-update.ts';
import { completion, type Packet, poisoned } from '../src/tlp/packet.ts';
import { type Fc, randomPacket } from './link-bench.ts';
import { modelBench, read, write } from './link-model-bench.ts';

/** The faults of the device below a link model: what fits, what becomes of it, and the credits. */

type Fault = { readonly poison?: 1; readonly lose?: 1; readonly traffic: number; readonly least?: number };

function bench() {
  const made = modelBench({ faults: true });
  const { sim, until } = made;
  const { fault, faulted } = sim.dut;
  if (!fault || !faulted) throw new RangeError('the model has faults');
  until(1);
  const arm = ({ poison, lose, traffic, least = 0 }: Fault) => {
    sim.poke(fault.poison, poison ?? 0);
    sim.poke(fault.lose, lose ?? 0);
    sim.poke(fault.traffic, traffic);
    sim.poke(fault.least, least);
  };
  return { ...made, arm, done: () => sim.peek(faulted) };
}

const answer = (serial: number, bytes: number): Packet =>
  completion(
    { requester_id: 0x100, tag: serial },
    { completer_id: 0x200, byte_count: bytes },
    new Uint8Array(bytes).fill(serial),
  );

test('C71b: the first TLP of its class with enough payload is poisoned, whole, and no other one; nothing is lost', () => {
  const { sim, a, b, arm, done, go } = bench();
  using _ = sim;
  const sent = [read(1), answer(2, 128), write(3, 64), write(4, 96), write(5, 128), answer(6, 64)];
  arm({ poison: 1, traffic: FcClass.posted, least: 24 });
  b.source.queue.push(...sent);
  expect(done()).toBe(0n);
  go(300);
  expect(a.sink.received).toEqual(sent.map((packet, i) => (i === 3 ? poisoned(packet) : packet)));
  expect(done()).toBe(1n);
  // Armed anew once neither bit was set.
  arm({ traffic: 0 });
  go(2);
  expect(done()).toBe(0n);
  arm({ poison: 1, traffic: FcClass.completion });
  b.source.queue.push(answer(7, 64), answer(8, 64));
  go(100);
  expect(a.sink.received.slice(sent.length)).toEqual([poisoned(answer(7, 64)), answer(8, 64)]);
});

test('C59 C70f: a TLP is lost as a whole, others between its class’s come, and its credits are granted again where the receiver counts them', () => {
  const { sim, a, b, arm, done, go } = bench();
  using _ = sim;
  const fc = (kind: number, traffic: number, headers: number, data: number): Fc => ({ kind, traffic, headers, data });
  const { posted, non_posted, completion: answers } = FcClass;
  // Completions are counted, non-posted data is not.
  a.fc_source.queue.push(fc(FcKind.init1, posted, 8, 64), fc(FcKind.init1, non_posted, 8, 0), fc(FcKind.init1, answers, 8, 64));
  go(60);
  const lost = answer(2, 128);
  arm({ lose: 1, traffic: answers });
  b.source.queue.push(read(1), lost, write(3, 64), answer(4, 64));
  go(100);
  expect([a.sink.received, done()]).toEqual([[read(1), write(3, 64), answer(4, 64)], 1n]);
  arm({ traffic: 0 });
  go(2);
  arm({ lose: 1, traffic: non_posted });
  b.source.queue.push(read(5), read(6));
  go(100);
  expect(a.sink.received.slice(3)).toEqual([read(6)]);
  const before = b.fc_sink.received.length;
  const updates = [posted, non_posted, answers].map(traffic => fc(FcKind.update, traffic, 255, 4090));
  a.fc_source.queue.push(...updates, fc(FcKind.init1, answers, 8, 64), fc(FcKind.update, answers, 3, 5));
  go(200);
  expect(b.fc_sink.received.slice(before).map(({ cycle: _cycle, ...each }) => each)).toEqual([
    fc(FcKind.update, posted, 255, 4090),
    fc(FcKind.update, non_posted, 0, 4090),
    fc(FcKind.update, answers, 0, (4090 + 8) % 4096),
    fc(FcKind.init1, answers, 8, 64),
    fc(FcKind.update, answers, 3, 5),
  ]);
});

test('without a fault the model is the same as without faults, at random', () => {
  const traffic = (faults: boolean) => {
    const { sim, a, b, go, until, random } = modelBench(faults ? { faults: true } : {}, { sink: 0.7, source: 0.8, seed: 5 });
    using _ = sim;
    until(1);
    for (let i = 0; i < 60; i++) b.source.queue.push(randomPacket(random, at(fcClasses, i % 3), i, 64));
    go(3000);
    return a.sink.received.map((packet, i) => ({ packet, time: a.sink.times[i] }));
  };
  const with_faults = traffic(true);
  expect(with_faults.length).toBe(60);
  expect(with_faults).toEqual(traffic(false));
});
