import { describe, expect, test } from 'vitest';
import { ErrorKind } from '../src/config/error-report.ts';
import { DmaOutcome } from '../src/endpoint/dma/job.ts';
import type { Packet } from '../src/tlp/packet.ts';
import { bytesAt, runUntil, setControls } from './dma-bench.ts';
import type { Behaviour } from './dma-completer.ts';
import { setNumber } from './dma-model.ts';
import { lively, plain, prompt, readBench } from './dma-read-bench.ts';

type Bench = ReturnType<typeof readBench>;

/** One good job now: what it brings is right, so nothing that went before left a trace. */
function stillWorks(b: Bench, address: bigint, length = 3000): void {
  const before = b.results.received.length;
  b.jobs.queue.push({ ...plain, address, offset: 20_001, length, id: 99 });
  runUntil(b.sim, b.ends, () => b.results.received.length === before + 1);
  expect(b.results.received.at(-1)).toEqual({ id: 99n, function: 0n, outcome: 0n });
  expect(b.memory.bytes.slice(20_001, 20_001 + length)).toEqual(bytesAt(address, length));
  b.leakFree();
}

describe.each([64, 512])('tags of a ReadDma of %i bits', width => {
  test.each([
    ['neither', 128, {}, 0, 31],
    ['neither, some reserved', 128, {}, 4, 31],
    ['neither, all but one reserved', 128, {}, 31, 31],
    ['extended tags', 512, { extended_tag: 1 }, 0, 255],
    ['10-bit tags', 512, { extended_tag: 1, ten_bit_tag: 1 }, 0, 511],
  ] as const)('C71a: with %s tags lie in range and all are used', (_, tags, enables, reserved_tags, top) => {
    const behaviour: Behaviour = { ...prompt, latency: [900, 900] };
    const b = readBench(width, 1, { tags, reserved_tags, behaviour, buffer_bytes: 131_072, cycles_per_microsecond: 100 });
    setControls(b.sim, b.dut.controls, 0, { mrrs: 0, ...enables });
    b.jobs.queue.push({ ...plain, address: 0x40_0000n, length: 70_000, memory: 0 });
    runUntil(b.sim, b.ends, () => b.completer.most === top + 1 - reserved_tags, 2000);
    runUntil(b.sim, b.ends, undefined, 200);
    expect(b.completer.most).toBe(top + 1 - reserved_tags);
    const used = b.completer.requests.map(r => r.tag);
    expect(Math.min(...used)).toBe(reserved_tags);
    expect(Math.max(...used)).toBe(top);
    // With few tags that takes long.
    if (tags < 512) return;
    // Their completions come, and all tags are free again.
    runUntil(b.sim, b.ends, () => b.results.received.length === 1);
    expect(b.outcomes()).toEqual([0]);
    b.leakFree();
  });

  test('C71a: functions whose jobs take turns keep to their own tags', () => {
    const b = readBench(width, 9, {
      tags: 128,
      behaviour: { ...prompt, latency: [300, 300] },
      buffer_bytes: 131_072,
      cycles_per_microsecond: 100,
    });
    setControls(b.sim, b.dut.controls, 0, { mrrs: 0, extended_tag: 1 });
    setControls(b.sim, b.dut.controls, 1, { mrrs: 0 });
    for (let id = 0; id < 60; id++)
      b.jobs.queue.push({
        ...plain,
        function: id % 3 === 2 ? 1 : 0,
        address: 0x40_0000n,
        length: 1 + 400 * (id % 4),
        memory: 0,
        id,
      });
    runUntil(b.sim, b.ends, () => b.results.received.length === 60, 8000);
    const most = (id: number) => Math.max(...b.completer.requests.filter(r => r.requester_id === id).map(r => r.tag));
    expect(most(0x0218)).toBeGreaterThan(31);
    expect(most(0x0219)).toBeLessThan(32);
    b.leakFree();
  });

  test('C70f: no more is asked for than the reorder buffer holds; completions never wait', () => {
    const b = readBench(width, 2, { tags: 64, buffer_bytes: 2048, behaviour: { ...lively, latency: [150, 200] } });
    setControls(b.sim, b.dut.controls, 0, { mrrs: 1, extended_tag: 1 });
    const ready = b.sim.port(b.dut.completion.ready);
    b.jobs.queue.push({ ...plain, address: 0x40_0003n, offset: 7, length: 20_000 });
    runUntil(
      b.sim,
      b.ends,
      () => b.results.received.length === 1,
      20_000,
      () => expect(ready.words[0]).toBe(1),
    );
    expect(b.completer.most).toBeLessThanOrEqual(8);
    expect(b.completer.most).toBeGreaterThan(4);
    expect(b.memory.bytes.slice(7, 20_007)).toEqual(bytesAt(0x40_0003n, 20_000));
  });

  test('C55 C58: completions that belong to no request, or do not fit it, are dropped and reported', () => {
    let bad = 0;
    const wrong: readonly ((part: Packet) => Packet | undefined)[] = [
      part => ({ ...part, requester_id: part.requester_id ^ 0x100 }),
      part => ({ ...part, tag: part.tag ^ 0x20 }),
      part => ({ ...part, address: part.address ^ 4n }),
      part => ({ ...part, address: part.address ^ (1n << 33n) }),
      part => (part.length > 1 ? { ...part, length: part.length - 1, payload: part.payload.slice(4) } : undefined),
      part => ({ ...part, length: part.length + 1, payload: new Uint8Array([...part.payload, 1, 2, 3, 4]) }),
      part => ({ ...part, type: part.type | 1 }),
    ];
    const twist = (part: Packet): readonly Packet[] => {
      const twin = wrong[bad % wrong.length]?.(part);
      if (twin) bad++;
      // Its data is wrong, so that it shows if it is taken.
      return twin ? [{ ...twin, payload: twin.payload.map(byte => byte ^ 0xff) }, part] : [part];
    };
    const b = readBench(width, 3, { behaviour: { ...lively, twist } });
    b.jobs.queue.push({ ...plain, address: 0x40_0003n, offset: 7, length: 10_000 });
    runUntil(b.sim, b.ends, () => b.results.received.length === 1 && b.completer.waiting === 0);
    runUntil(b.sim, b.ends, undefined, 30);
    expect(b.outcomes()).toEqual([0]);
    expect(b.memory.bytes.slice(7, 10_007)).toEqual(bytesAt(0x40_0003n, 10_000));
    expect(bad).toBeGreaterThan(20);
    expect(b.errors.received.length).toBe(bad);
    expect(b.errors.received.every(e => Number(e.kind) === ErrorKind.unexpectedCompletion && e.advisory === 1n)).toBe(true);
    expect(b.errors.received.some(e => e.functions === 255n)).toBe(true);
    expect(b.errors.received.some(e => e.functions === 1n)).toBe(true);
    // The same completions again, of which none is expected any more.
    b.errors.received.length = 0;
    b.completer.behaviour = { ...lively, twist: part => [part, part] };
    stillWorks(b, 0x50_0000n, 2000);
    runUntil(b.sim, b.ends, () => b.completer.waiting === 0);
    runUntil(b.sim, b.ends, undefined, 30);
    expect(b.errors.received.length).toBeGreaterThan(3);
    b.leakFree();
  });

  test('C58: of two completions that end a read, one behind the other, the second is unexpected', () => {
    const b = readBench(width, 11, { behaviour: { ...prompt, fate: () => 'unsupported', twist: part => [part, part] } });
    for (let id = 0; id < 5; id++) b.jobs.queue.push({ ...plain, address: 0x40_0000n, length: 8, id });
    runUntil(b.sim, b.ends, () => b.results.received.length === 5);
    expect(b.outcomes()).toEqual(Array(5).fill(DmaOutcome.unsupported));
    b.completer.behaviour = prompt;
    stillWorks(b, 0x50_0000n);
    expect(b.errors.received.map(e => Number(e.kind))).toEqual(Array(5).fill(ErrorKind.unexpectedCompletion));
    expect(Number(b.sim.peek(b.dut.settled))).toBe(1);
  });

  test('C59: a late completion is unexpected; its tag rests until it came, or for three times the timeout', () => {
    let late: Packet[] = [];
    const hold: Behaviour = { ...prompt, latency: [1, 1], twist: part => [part].filter(p => late.push(p) < 0) };
    const b = readBench(width, 4, { behaviour: hold, cycles_per_microsecond: 4, buffer_bytes: 16_384 });
    // 3 requests that time out after 256 to 320 cycles and a look at every tag.
    b.jobs.queue.push({ ...plain, address: 0x40_0000n, length: 1400, id: 1 });
    runUntil(b.sim, b.ends, () => b.results.received.length === 1);
    expect(b.outcomes()).toEqual([DmaOutcome.timeout]);
    expect(b.sim.cycle - (b.jobs.times[0] ?? 0)).toBeLessThan(420 + 1400 / (width / 8));
    expect(b.sim.cycle - (b.jobs.times[0] ?? 0)).toBeGreaterThan(255);
    expect(b.errors.received.map(e => Number(e.kind))).toEqual(Array(3).fill(ErrorKind.completionTimeout));
    const resting = late.map(p => p.tag);
    expect(resting).toEqual([0, 1, 2]);
    // One comes, is reported, and gives its tag back.
    b.source.queue.push(late[1] as Packet);
    b.completer.behaviour = prompt;
    b.completer.requests.length = 0;
    late = [];
    // Small requests, so that tags come to their turn while there is room.
    setControls(b.sim, b.dut.controls, 0, { mrrs: 0 });
    b.jobs.queue.push({ ...plain, address: 0x50_0000n, offset: 3, length: 512 * 31, id: 2 });
    runUntil(b.sim, b.ends, () => b.results.received.length === 2);
    expect(b.memory.bytes.slice(3, 3 + 512 * 31)).toEqual(bytesAt(0x50_0000n, 512 * 31));
    const used = new Set(b.completer.requests.map(r => r.tag));
    expect(used.has(1)).toBe(true);
    expect(used.has(0) || used.has(2)).toBe(false);
    expect(b.errors.received.slice(3).map(e => Number(e.kind))).toEqual([ErrorKind.unexpectedCompletion]);
    // The others come back by time.
    runUntil(b.sim, b.ends, undefined, 1200);
    b.completer.requests.length = 0;
    stillWorks(b, 0x60_0000n, 512 * 20);
    stillWorks(b, 0x70_0000n, 512 * 20);
    const again = new Set(b.completer.requests.map(r => r.tag));
    expect(again.has(0) && again.has(2)).toBe(true);
  });

  test('C59: a completion that comes just when its read is given up ends it once', () => {
    const b = readBench(width, 10, { behaviour: { ...prompt, latency: [240, 340], order: 'random' }, cycles_per_microsecond: 4 });
    setControls(b.sim, b.dut.controls, 0, { mrrs: 0 });
    const jobs = 600;
    for (let id = 0; id < jobs; id++) b.jobs.queue.push({ ...plain, address: 0x40_0000n, length: 8, memory: 0, id: id % 256 });
    runUntil(b.sim, b.ends, () => b.results.received.length === jobs && b.completer.waiting === 0);
    runUntil(b.sim, b.ends, undefined, 50);
    const lost = b.outcomes().filter(outcome => outcome === DmaOutcome.timeout).length;
    expect(lost).toBeGreaterThan(100);
    expect(lost).toBeLessThan(jobs - 100);
    const told = b.errors.received.map(e => Number(e.kind));
    expect(told.filter(kind => kind === ErrorKind.completionTimeout).length).toBe(lost);
    expect(told.filter(kind => kind === ErrorKind.unexpectedCompletion).length).toBe(lost);
    b.leakFree();
  });

  test('C59: with the timeout disabled a read waits', () => {
    const hold: Behaviour = { ...prompt, latency: [3000, 3000] };
    const b = readBench(width, 5, { behaviour: hold, cycles_per_microsecond: 4 });
    setControls(b.sim, b.dut.controls, 0, { timeout_disable: 1 });
    stillWorks(b, 0x40_0000n, 700);
    expect(b.errors.received).toEqual([]);
  });

  test.each([
    'cancel',
    'resetting',
    'bus_master',
  ] as const)('C81 C84: %s in mid-transfer ends the jobs of the function, without a leak; other and later jobs work', how => {
    const b = readBench(width, 6, { rate: 0.8, behaviour: { ...lively, latency: [60, 120] } });
    const stop = (on: 0 | 1) => {
      if (how === 'cancel') setNumber(b.sim.port(b.dut.cancel), on);
      else setControls(b.sim, b.dut.controls, 0, { [how]: how === 'bus_master' ? 1 - on : on });
    };
    b.jobs.queue.push({ ...plain, address: 0x40_0003n, offset: 9, length: 15_000, id: 1 });
    b.jobs.queue.push({ ...plain, function: 1, address: 0x9_0001n, offset: 16_003, length: 1700, id: 2 });
    b.jobs.queue.push({ ...plain, address: 0x5000n, length: 64, id: 3 });
    runUntil(b.sim, b.ends, () => b.completer.requests.length === 11);
    stop(1);
    const sent = b.completer.requests.length;
    runUntil(b.sim, b.ends, () => b.results.received.length === 3);
    expect(b.outcomes()).toEqual([DmaOutcome.refused, 0, DmaOutcome.refused]);
    const own = b.completer.requests.filter(r => r.requester_id === 0x0218);
    // One may stand at the link already.
    expect(own.length).toBeLessThanOrEqual(sent + 1);
    expect(b.memory.bytes.slice(16_003, 17_703)).toEqual(bytesAt(0x9_0001n, 1700));
    stop(0);
    stillWorks(b, 0x50_0001n);
    runUntil(b.sim, b.ends, () => b.completer.waiting === 0);
    // What came for reads that were given up was dropped in silence.
    expect(b.errors.received).toEqual([]);
    stillWorks(b, 0x60_0001n, 512 * 16);
    stillWorks(b, 0x70_0001n, 512 * 16);
  });

  test('results that nobody takes hold the jobs back, and none is lost', () => {
    const b = readBench(width, 12, { behaviour: prompt });
    const jobs = 80;
    for (let id = 0; id < jobs; id++)
      b.jobs.queue.push({ ...plain, address: 0x40_0000n, length: id < 40 ? 0 : 8 * (id % 3), id });
    const others = b.ends.filter(end => end !== b.results);
    setNumber(b.sim.port(b.dut.results.ready), 0);
    runUntil(b.sim, others, undefined, 500);
    expect(b.jobs.queue.length).toBeGreaterThan(0);
    runUntil(b.sim, b.ends, () => b.results.received.length === jobs);
    expect(b.results.received.map(r => Number(r.id))).toEqual([...Array(jobs).keys()]);
    expect(new Set(b.outcomes())).toEqual(new Set([0]));
    b.leakFree();
  });

  test('C84: a reset of the function does not wait for completions that never come', () => {
    const b = readBench(width, 8, { behaviour: { ...prompt, fate: () => 'drop' } });
    setControls(b.sim, b.dut.controls, 0, { timeout_disable: 1 });
    b.jobs.queue.push({ ...plain, address: 0x40_0000n, length: 1000, id: 1 });
    runUntil(b.sim, b.ends, undefined, 100);
    setControls(b.sim, b.dut.controls, 0, { resetting: 1 });
    runUntil(b.sim, b.ends, () => b.results.received.length === 1, 300);
    expect(b.outcomes()).toEqual([DmaOutcome.refused]);
    setControls(b.sim, b.dut.controls, 0, { resetting: 0 });
    b.completer.behaviour = prompt;
    stillWorks(b, 0x50_0001n);
    expect(b.errors.received).toEqual([]);
  });

  test('reset in mid-transfer: later jobs work', () => {
    const b = readBench(width, 7, { behaviour: { ...lively, latency: [20, 60] } });
    b.jobs.queue.push({ ...plain, address: 0x40_0003n, offset: 9, length: 15_000, id: 1 });
    runUntil(b.sim, b.ends, () => b.completer.requests.length === 11);
    const reset = b.sim.engine.ports.get('rst');
    reset?.words.set([1]);
    b.sim.step();
    reset?.words.set([0]);
    b.results.received.length = 0;
    runUntil(b.sim, b.ends, () => b.completer.waiting === 0);
    b.errors.received.length = 0;
    stillWorks(b, 0x50_0001n);
  });
});
