import { describe, expect, test } from 'vitest';
import { engines } from '../../sim/testbench/src/on-engines.ts';
import { at } from '../src/at.ts';
import { completion, memoryRead, memoryWrite } from '../src/tlp/packet.ts';
import { TlpType } from '../src/tlp/tlp.ts';
import { DeviceBench, least, type PartnerCredits, wide } from './switch-device-bench.ts';
import { Scoreboard } from './switch-traffic.ts';

/** More headers than data credits for them. */
const thin: PartnerCredits = {
  posted: { headers: 8, data: 10 },
  non_posted: { headers: 8, data: 2 },
  completion: { headers: 8, data: 9 },
};

describe('two devices that read from each other and write to each other', () => {
  test.each([
    least(128),
    thin,
  ])('C61 C62: no deadlock, though each takes requests only when its answers have left (%j)', partnerCredits => {
    using bench = new DeviceBench({ ports: 2, width: 64, max_payload: 128, partnerCredits });
    bench.configure();
    const rounds = 150;
    const seen = [1, 2].map(() => ({ writes: 0, reads: 0, completions: 0 }));
    for (const [port, peer] of [
      [1, 2],
      [2, 1],
    ] as const) {
      const partner = bench.partner(port);
      const { source } = partner;
      const count = at(seen, port - 1);
      const requester_id = at(bench.ports, port).secondary << 8;
      const address = at(bench.ports, peer).memory[0];
      let unanswered = 0;
      partner.onPacket = packet => {
        partner.sink.received.pop();
        if (packet.type === TlpType.completion) count.completions++;
        else if (packet.fmt >= 2) count.writes++;
        else {
          count.reads++;
          unanswered++;
          partner.holds.add('non_posted');
          const { requester_id: asker, tag } = packet;
          const data = bench.random.bytes(64);
          // Behind the posted TLPs that are about to go, as an endpoint has it.
          source.queue.splice(4, 0, completion({ requester_id: asker, tag }, { completer_id: requester_id }, data));
        }
      };
      partner.onStart = packet => {
        if (packet.type === TlpType.completion && --unanswered === 0) partner.holds.delete('non_posted');
      };
      for (let i = 0; i < rounds; i++) {
        source.queue.push(memoryWrite({ requester_id, tag: 0, address, data: bench.random.bytes(128) }));
        source.queue.push(memoryRead({ requester_id, tag: i, address, bytes: 64 }));
      }
    }
    bench.run(60_000, () => seen.every(({ completions }) => completions === rounds));
    const all = { writes: rounds, reads: rounds, completions: rounds };
    expect(seen).toEqual([all, all]);
  });
});

describe('random traffic', () => {
  test.each([
    { seed: 1, width: 256, ports: 4, sourceRate: 1, sinkRate: 1, partnerCredits: wide, payload: 128 },
    { seed: 2, width: 64, ports: 3, sourceRate: 0.8, sinkRate: 0.7, partnerCredits: wide, payload: 128 },
    { seed: 3, width: 256, ports: 4, sourceRate: 0.9, sinkRate: 0.9, partnerCredits: least(128), payload: 128 },
    { seed: 4, width: 64, ports: 3, sourceRate: 1, sinkRate: 1, partnerCredits: thin, payload: 128 },
    { seed: 6, width: 64, ports: 3, sourceRate: 1, sinkRate: 1, partnerCredits: least(128), payload: 64 },
  ])('C38 C41 C60 C61 C62 C70a C70d: nothing lost, doubled, altered or out of order (seed $seed, $width bits, $ports ports)', options => {
    const { payload, ...given } = options;
    using bench = new DeviceBench({ ...given, max_payload: 128 });
    bench.configure();
    const board = new Scoreboard(bench);
    const n = bench.ports.length;
    for (let i = 0; i < 1200; i++) {
      const ingress = bench.random.below(n);
      const egress = (ingress + 1 + bench.random.below(n - 1)) % n;
      board.queue(ingress, egress, payload);
      if (bench.random.chance(0.1)) board.ask(bench.random.below(n));
    }
    bench.settle();
    board.empty();
    expect([board.arrived, board.asked > 40]).toEqual([1200, true]);
  });

  test.each(engines)('the same on every engine (%s)', (_, engine) => {
    using bench = new DeviceBench({ ports: 2, width: 64, max_payload: 128, seed: 5, partnerCredits: least(128), engine });
    bench.configure();
    const board = new Scoreboard(bench);
    for (let i = 0; i < 150; i++) {
      const ingress = bench.random.below(3);
      board.queue(ingress, (ingress + 1 + bench.random.below(2)) % 3, 128);
    }
    bench.settle();
    board.empty();
  });
});
