import { describe, expect, test } from 'vitest';
import { simulate } from '../../hdl/src/engine/simulate.ts';
import { connect, input, Module, stream } from '../../hdl/src/index.ts';
import { Random } from '../../hdl/test/random.ts';
import {
  atomic,
  completion,
  configRead,
  configWrite,
  memoryRead,
  memoryWrite,
  message,
  type Packet,
  packetClass,
} from '../src/tlp/packet.ts';
import { MessageRoute, TlpType, tlpBeat } from '../src/tlp/tlp.ts';
import { TlpMonitor } from '../src/tlp/tlp-monitor.ts';
import { withDigest } from '../src/tlp/wire.ts';
import { run, Source } from './link-bench.ts';
import { withAnyFields } from './tlp-model.ts';

/** Limits as in device control: payload 128 << mps bytes, read request 128 << mrrs bytes. */
const strict = { mps: 1, mrrs: 2 };
const largest = { mps: 5, mrrs: 5 };

/** A stream that is always taken, with the monitor beside it. */
class Watched extends Module<{ width: number; mps: number; mrrs: number }> {
  readonly in = input(stream(tlpBeat(this.p.width)));
  private readonly monitor = new TlpMonitor(this.p);
  protected override logic() {
    this.in.ready.set(1);
    connect(this.monitor, { moves: this.in.valid, beat: this.in.payload, mps: this.p.mps, mrrs: this.p.mrrs });
  }
}

/** Sends packets past the monitor. @throws SimulationError where it objects. */
function send(width: number, packets: readonly Packet[], limits = strict): void {
  using sim = simulate(() => new Watched({ width, ...limits }));
  const source = new Source(sim, sim.dut.in, new Random(1), 0.8);
  source.queue.push(...packets);
  run(sim, [source], 600 * packets.length + 400, () => source.queue.length === 0);
  expect(source.queue.length).toBe(0);
}

const from = { requester_id: 0x0100, tag: 1 };
const target = { bus: 1, device: 0, function: 0, register: 4 };
const bytes = (n: number) => new Uint8Array(n).fill(7);
const read = memoryRead({ ...from, address: 0x1000n, bytes: 64 });
const write = memoryWrite({ ...from, address: 0x1_0000_0000n, data: bytes(64) });
const config = configRead({ ...from, ...target, kind: 0 });

describe.each([64, 128, 256, 512])('width %d', width => {
  test('every good TLP passes', () => {
    const random = new Random(width);
    const packets: Packet[] = [
      config,
      configWrite({ ...from, ...target, kind: 1, data: 5 }),
      memoryRead({ ...from, address: 0n, bytes: 0 }),
    ];
    for (let i = 0; i < 60; i++) {
      const offset = random.below(3800);
      const address = BigInt(offset) + random.pick([0x1000n, 0x7_0000_1000n]);
      packets.push(memoryWrite({ ...from, address, data: bytes(1 + random.below(250)) }));
      packets.push(memoryRead({ ...from, address, bytes: 1 + random.below(290) }));
    }
    packets.push(message({ requester_id: 1, route: MessageRoute.local, code: 0x20 }));
    packets.push(atomic(TlpType.compareSwap, { ...from, address: 16n, data: bytes(32) }));
    packets.push(completion(from, { completer_id: 1 }, bytes(256)), completion(from, { completer_id: 1, status: 1 }));
    packets.push(...packets.map(withDigest));
    send(width, packets);
  });

  test('every good TLP passes, whatever its requester, tag, address and attributes', () => {
    const random = new Random(width + 1);
    const packets = Array.from({ length: 60 }, () => {
      const asker = { requester_id: random.below(2 ** 16), tag: random.below(2 ** 10) };
      const size = 1 + random.below(random.chance(0.1) ? 4096 : 200);
      const page = random.bits(random.chance(0.4) ? 20 : 52) << 12n;
      const address = page + BigInt(random.below(4097 - size));
      const kind = random.below(5);
      const at = { at: random.below(3) };
      const make = (): Packet => {
        if (kind === 0) return { ...memoryRead({ ...asker, address, bytes: size }), ...at };
        if (kind === 1)
          return completion(
            asker,
            { completer_id: random.below(2 ** 16), byte_count: size },
            random.bytes(4 * Math.ceil(size / 4)),
          );
        if (kind === 2) return message({ ...asker, route: random.below(6), code: random.below(256), address: random.bits(64) });
        return { ...memoryWrite({ ...asker, address, data: random.bytes(size) }), ...at };
      };
      const any = withAnyFields(random, make());
      return packetClass(any) === 'completion' ? { ...any, at: 0 } : any;
    });
    send(width, packets, largest);
  });
});

describe('what breaks a rule stops the simulation', () => {
  test.each<readonly [string, Packet]>([
    ['C1, C14', { ...read, fmt: 4 }],
    ['C2, C15', { ...read, type: 0b00110 }],
    ['C2, C15', { ...message({ requester_id: 1, route: 6, code: 1 }) }],
    ['a locked read has no data', { ...memoryWrite({ ...from, address: 0n, data: bytes(4) }), type: 1 }],
    ['an AtomicOp has data', { ...read, type: TlpType.swap }],
    ['a message has 4 DW', { ...message({ requester_id: 1, route: 0, code: 1 }), fmt: 0 }],
    ['completions have 3 DW', { ...completion(from, { completer_id: 1 }), fmt: 1 }],
    ['C3, C10', { ...write, payload: bytes(68) }],
    ['C3, C10', { ...write, payload: bytes(56) }],
    ['C3, C10', { ...withDigest(write), td: 0, payload: bytes(68) }],
    ['MPS \\(C4', memoryWrite({ ...from, address: 0n, data: bytes(260) })],
    ['C5', { ...read, address: 0x1fc4n }],
    ['MRRS \\(C6', memoryRead({ ...from, address: 0n, bytes: 516 })],
    ['C7', { ...read, fmt: 1 }],
    ['C7', { ...write, fmt: 2 }],
    ['1 DW has no last byte enables \\(C8', { ...memoryRead({ ...from, address: 0n, bytes: 4 }), last_be: 1 }],
    ['several DW are not 0 \\(C8', { ...read, first_be: 0 }],
    ['gaps only in 1 DW, or in an aligned QW \\(C8', { ...read, first_be: 5 }],
    ['gaps only in 1 DW, or in an aligned QW \\(C8', { ...memoryRead({ ...from, address: 4n, bytes: 8 }), last_be: 5 }],
    ['C9', { ...config, length: 2 }],
    ['C9', { ...config, tc: 1 }],
    ['C9', { ...config, attr: 1 }],
    ['32 bits \\(C9', { ...config, type: TlpType.io, address: 1n << 32n }],
    ['C11', { ...config, at: 1 }],
  ])('%s', (rule, packet) => {
    expect(() => send(64, [packet])).toThrow(new RegExp(rule));
  });

  test('gaps in an aligned QW are fine', () => {
    send(64, [{ ...memoryRead({ ...from, address: 8n, bytes: 8 }), first_be: 5, last_be: 10 }]);
  });
});
