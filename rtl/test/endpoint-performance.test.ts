import { expect, test } from 'vitest';
import { Random } from '../../hdl/test/random.ts';
import { blockDevice } from '../src/endpoint/endpoint-params.ts';
import { memoryRead, memoryWrite } from '../src/tlp/packet.ts';
import { runUntil } from './dma-bench.ts';
import { plain, prompt, readBench } from './dma-read-bench.ts';
import { plainJob, writeBench } from './dma-write-bench.ts';
import { EndpointBench, memoryOf, registersOf } from './endpoint-bench.ts';
import { hostId } from './link-host.ts';
import { bases, Receiver } from './receive-bench.ts';

const KiB = 1024;
const from = { requester_id: hostId, tag: 1 };

/** The endpoint with the cycles in which beats move at its end of the link, and in which it interrupts its firmware. */
class Timed extends EndpointBench {
  rx: number[] = [];
  tx: number[] = [];
  rang: number[] = [];
  private readonly moves = [this.sim.port(this.sim.dut.rx_moves), this.sim.port(this.sim.dut.tx_moves)] as const;
  private readonly level = this.sim.port(this.sim.dut.firmware_interrupt);

  protected override sample(): void {
    super.sample();
    const { cycle } = this.sim;
    const [rx, tx] = this.moves;
    if (rx.words[0]) this.rx.push(cycle);
    if (tx.words[0]) this.tx.push(cycle);
    if (this.level.words[0]) this.rang.push(cycle);
  }

  forget(): void {
    this.rx = [];
    this.tx = [];
    this.rang = [];
  }
}

function make(width: number): Timed {
  const params = blockDevice({ device_id: 0xe001, memory_bytes: 64 * KiB, max_payload: 256 }, { width, tags: 64 });
  const host = new Timed(params, width);
  host.enumerate();
  host.poke(4, 0x7f);
  host.steps(20);
  host.forget();
  return host;
}

/** How many of 100 cycles have a beat, without the beginning and the end of a run. */
function busy(cycles: readonly number[]): number {
  const middle = cycles.slice(Math.floor(cycles.length / 8), Math.ceil((7 * cycles.length) / 8));
  return Math.round((100 * middle.length) / ((middle.at(-1) ?? 0) - (middle[0] ?? 0) + 1));
}
const first = (cycles: readonly number[]): number => cycles[0] ?? Number.NaN;

test.each([
  64, 128, 256, 512,
])('beats of 100 cycles at the link, and cycles from a first beat to what it leads to (%d bits)', width => {
  using host = make(width);
  const memory = memoryOf(0);
  const figures: Record<string, number> = {};

  for (const bytes of [32, 256]) {
    host.out.posted.queue.push(
      ...Array.from({ length: 64 }, (_, i) =>
        memoryWrite({ ...from, address: memory + BigInt(i * bytes), data: new Uint8Array(bytes) }),
      ),
    );
    host.until(() => host.out.posted.queue.length === 0);
    host.steps(60);
    figures[`writes of ${bytes} bytes in`] = busy(host.rx);
    host.forget();
  }

  host.out.non_posted.queue.push(
    ...Array.from({ length: 24 }, (_, i) => memoryRead({ ...from, tag: i, address: memory + BigInt(i * 512), bytes: 512 })),
  );
  host.until(() => host.in.completion.received.length >= 48);
  figures['completions out'] = busy(host.tx);
  figures['read of the memory to completion'] = first(host.tx) - first(host.rx);
  host.in.completion.received.splice(0);
  host.forget();

  host.out.posted.queue.push(memoryWrite({ ...from, address: registersOf(0) + 0x1000n, data: Uint8Array.of(1, 0, 0, 0) }));
  host.until(() => host.rang.length > 0);
  figures['doorbell to interrupt'] = first(host.rang) - first(host.rx);

  for (const [engine, name] of [
    ['write_dma', 'DMA writes out'],
    ['read_dma', 'DMA reads, completions in'],
  ] as const) {
    host.forget();
    host.start(engine, { address: 0x2_0000_0000n, offset: 0, length: 16 * KiB, memory: true });
    const started = host.sim.cycle;
    expect(host.finish(engine)).toBe(0);
    figures[name] = busy(engine === 'write_dma' ? host.tx : host.rx);
    figures[`${engine} job to TLP`] = first(host.tx) - started;
  }
  expect(figures).toEqual({
    'writes of 32 bytes in': 100,
    'writes of 256 bytes in': 100,
    'completions out': 100,
    'DMA writes out': 100,
    'DMA reads, completions in': 100,
    'read of the memory to completion': 8,
    'doorbell to interrupt': 7,
    'write_dma job to TLP': 9,
    'read_dma job to TLP': 6,
  });
});

/** Cycles of verilog-pcie from what a block accepts to what it offers: `pcie_axi_master`, and `dma_if_pcie`, of 256 bits. */
const yardstick = { 'read of the memory to completion': 5, 'write_dma job to TLP': 6, 'read_dma job to TLP': 2 };

test.each([
  64, 128, 256, 512,
])('the blocks alone, from what they accept to the first beat of what it leads to: at most the cycles of verilog-pcie (%d bits)', width => {
  using receiver = new Receiver({ width, random: new Random(1) });
  receiver.set(0, { memory_enable: 1, mps: 1, resetting: 0 });
  receiver.send(memoryRead({ ...from, address: (bases[0]?.[1] ?? 0n) + 68n, bytes: 256 }));
  receiver.run(() => receiver.tx.times.length > 0);
  const writer = writeBench(width, 1);
  writer.jobs.queue.push({ ...plainJob, address: 0x1_0000n, length: 256, id: 1 });
  runUntil(writer.sim, writer.ends, () => writer.tx.times.length > 0);
  // Its first beat takes from two words.
  const skewed = writeBench(width, 1);
  skewed.jobs.queue.push({ ...plainJob, address: 0x1_0000n, offset: 5, length: 256, id: 1 });
  runUntil(skewed.sim, skewed.ends, () => skewed.tx.times.length > 0);
  const reader = readBench(width, 1, { behaviour: prompt });
  reader.jobs.queue.push({ ...plain, address: 0x1_0003n, length: 256, id: 1 });
  runUntil(reader.sim, reader.ends, () => reader.completer.firstRequest !== undefined);
  const figures = {
    'read of the memory to completion': first(receiver.tx.times) - first(receiver.non_posted.times),
    'write_dma job to TLP': first(writer.tx.times) - first(writer.jobs.times),
    'the same, of two words': first(skewed.tx.times) - first(skewed.jobs.times),
    'read_dma job to TLP': (reader.completer.firstRequest ?? Number.NaN) - first(reader.jobs.times),
  };
  expect(figures).toEqual({
    'read of the memory to completion': 5,
    'write_dma job to TLP': 5,
    'the same, of two words': 6,
    'read_dma job to TLP': 2,
  });
  expect(figures['read of the memory to completion']).toBeLessThanOrEqual(yardstick['read of the memory to completion']);
  expect(figures['the same, of two words']).toBeLessThanOrEqual(yardstick['write_dma job to TLP']);
  expect(figures['read_dma job to TLP']).toBeLessThanOrEqual(yardstick['read_dma job to TLP']);
});
