import { expect, test } from 'vitest';
import { DmaOutcome } from '../src/endpoint/dma/job.ts';
import { blockDevice } from '../src/endpoint/endpoint-params.ts';
import { completion, memoryRead, type Packet, poisoned } from '../src/tlp/packet.ts';
import { EndpointBench } from './endpoint-bench.ts';
import { hostId } from './link-host.ts';

/** An Unsupported Request, or other failure. */
const failure = (packet: Packet, status: number) =>
  completion(packet, { completer_id: hostId, status, byte_count: 4, lower_address: 0 });

test('C58 C71d: completions that belong to no request set no received bits, and malformed ones are reported as that alone', () => {
  const params = blockDevice(
    { device_id: 0xe001, memory_bytes: 65_536, max_payload: 256 },
    { width: 64, tags: 32, cycles_per_microsecond: 2, max_read_request: 256 },
  );
  using host = new EndpointBench(params, 64);
  host.enumerate();
  let aer = 0x100;
  while ((host.config(0, aer).value & 0xffff) !== 1) aer = host.config(0, aer).value >>> 20;
  host.configure(0, 4, 0x46);
  /** What AER holds: uncorrectable errors, and the advisory ones among the correctable errors. */
  const held = () =>
    [4, 0x10].map(offset => {
      const { value } = host.config(0, aer + offset);
      host.configure(0, aer + offset, value);
      return value;
    });
  const received = () => (host.config(0, 4).value >>> 16) & 0xf900;
  const send = (packet: Packet) => {
    host.out.completion.queue.push(packet);
    host.until(() => host.out.completion.queue.length === 0);
    host.steps(30);
    return [received(), ...held()];
  };
  const asked = (tag: number) => memoryRead({ requester_id: 0x500, tag, address: 0x40n, bytes: 40 });
  const data = (tag: number) =>
    completion(asked(tag), { completer_id: hostId, byte_count: 40, lower_address: 0x40 }, new Uint8Array(40));
  const cut = (packet: Packet) => ({ ...packet, payload: packet.payload.slice(0, 16) });
  const [unexpected, malformed] = [
    [0, 0, 1 << 13],
    [0, 1 << 18, 0],
  ];
  const strangers = [3, 8, 20].flatMap(tag => [failure(asked(tag), 1), failure(asked(tag), 4), poisoned(data(tag)), data(tag)]);
  for (const packet of strangers) expect(send(packet)).toEqual(unexpected);
  for (const tag of [3, 8, 20]) expect(send(cut(data(tag))), `tag ${tag}`).toEqual(malformed);
  const foreign = { ...data(20), requester_id: 0x7777 };
  expect(send(foreign)).toEqual(unexpected);
  expect(send(cut(foreign))).toEqual(malformed);
  // One that is malformed, and poisoned too, for a request that waits.
  host.misbehave = packet => host.answersOf(packet).map(answer => cut(poisoned(answer)));
  expect(host.run('read_dma', { address: 0x1_0000_0000n, offset: 0, length: 64, memory: true })).toBe(DmaOutcome.poisoned);
  expect([received(), ...held()]).toEqual(malformed);
});
