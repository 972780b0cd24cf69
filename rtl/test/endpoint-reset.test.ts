import { describe, expect, test } from 'vitest';
import { DmaOutcome } from '../src/endpoint/dma/job.ts';
import { blockFunction, endpointOf, memoryFunction } from '../src/endpoint/endpoint-params.ts';
import { completionOf, type Packet } from '../src/tlp/packet.ts';
import { EndpointBench, Event, firmware, memoryOf, registersOf } from './endpoint-bench.ts';

const KiB = 1024;
const bar0 = registersOf(0);
const make = (width: number, rate = 1) => {
  const common = { device_id: 0xe001, memory_bytes: 32 * KiB, max_payload: 256 };
  const params = endpointOf([blockFunction(common), memoryFunction({ ...common, device_id: 0xe002 }), blockFunction(common)], {
    width,
    tags: 32,
    cycles_per_microsecond: 20,
    max_read_request: 256,
  });
  const host = new EndpointBench(params, width, rate);
  host.enumerate();
  return host;
};

/** Function level reset, and waiting until the function answers configuration requests again. */
function reset(host: EndpointBench, of: number): void {
  const express = host.capability(of, 0x10);
  host.configure(of, express + 8, 0x2020 | 0x8000);
  for (let i = 0; host.config(of, 0).status === 2; i++) expect(i).toBeLessThan(500);
}

/** Everything that a function's engines can have under way at once; no completion comes. */
function busyAll(host: EndpointBench): Packet[] {
  const held: Packet[] = [];
  host.misbehave = packet => {
    held.push(packet);
    return [];
  };
  host.start('read_dma', { address: 0x1_0000_0000n, offset: 0, length: 8192, memory: true });
  host.start('write_dma', { address: 0x2_0000_0000n, offset: 0, length: 0x1000_0000, memory: true });
  host.start('drain', { offset: 0, length: 0x1000_0000 });
  host.start('fill', { offset: 0x1000, length: 0x1000 });
  host.poke(firmware.channel_ring_low.offset, 0x8000);
  host.poke(firmware.channel_ring_high.offset, 4);
  host.poke(firmware.channel_entries.offset, 16);
  host.poke(firmware.channel_tail.offset, 3);
  host.poke(firmware.channel_control.offset, 1);
  host.until(() => held.length > 12);
  return held;
}

describe.each([
  [64, 1],
  [256, 0.7],
])('resets, %d bits, rate %f', (width, rate) => {
  test('C84: a function level reset in mid-transfer ends everything of the function, and everything works after it', () => {
    using host = make(width, rate);
    host.enableInterrupts(0, bar0 + 0x2000n, 0xfee0_0000n, 0x40, 8);
    host.enableInterrupts(2, registersOf(2) + 0x2000n, 0xfee0_1000n, 0x50, 8);
    host.writeDword(bar0 + 0x1004n, 1);
    host.writeDword(registersOf(2) + 0x1008n, 2);
    host.writeDword(bar0 + 0x404n, 0x55aa);
    host.configure(0, host.capability(0, 0x11), 0xc000_0000);
    host.poke(firmware.msix_trigger.offset, 1);
    const held = busyAll(host);
    host.poke(firmware.event_enable.offset, Event.function_reset);
    host.poke(firmware.event_enable.offset, Event.function_reset, 2);
    reset(host, 0);
    expect(host.interrupt).toBe(true);
    expect(host.events() & Event.function_reset).toBe(Event.function_reset);
    for (const engine of ['read_dma', 'write_dma', 'drain', 'fill'] as const)
      expect([engine, host.finish(engine)]).toEqual([engine, DmaOutcome.refused]);
    expect(host.peek(firmware.channel_control.offset)).toBe(0);
    expect((host.peek(firmware.channel_status.offset) >> 17) & 1).toBe(1);
    // Its own state is gone, what belongs to the link stays; function 2 has noticed nothing.
    expect(host.config(0, 4).value & 6).toBe(0);
    expect(host.config(0, 0x10).value).toBe(0);
    expect(host.config(0, host.capability(0, 0x10) + 8).value & 0xe0).toBe(0x20);
    expect(host.peek(firmware.doorbell_next.offset)).toBe(0);
    expect(host.peek(firmware.function_state.offset)).toBe(0x500);
    expect(host.peek(firmware.events.offset, 2)).toBe(Event.doorbell);
    expect(host.peek(firmware.doorbell_next.offset, 2)).toBe(0x8000_0002);
    expect(host.peek(firmware.function_state.offset, 2)).toBe(0x3_0502);

    // What comes late hurts nobody, and gives the tags back.
    const late = held.splice(0);
    host.misbehave = undefined;
    host.out.completion.queue.push(...late.flatMap(packet => host.answersOf(packet)));
    host.until(() => host.out.completion.queue.length === 0);
    host.steps(50);
    host.written.splice(0);
    host.mediaOut.received.splice(0);
    host.asked.splice(0);

    host.enumerate();
    host.enableInterrupts(0, bar0 + 0x2000n, 0xfee0_0000n, 0x40, 8);
    expect(host.readDword(bar0 + 0x404n)).toBe(0x55aa);
    expect(host.readDword(bar0 + 0x3000n)).toBe(0);
    host.writeDword(bar0 + 0x100cn, 3);
    host.readDword(bar0);
    expect(host.peek(firmware.doorbell_next.offset)).toBe(0x8000_0003);
    expect(host.run('read_dma', { address: 0x1_0000_0000n, offset: 0x11, length: 8192, memory: true })).toBe(0);
    // All of the 23 tags of reads are free again.
    expect(new Set(host.asked.map(({ tag }) => tag)).size).toBe(23);
    expect(host.read(memoryOf(0) + 0x11n, 256).data).toEqual(host.bytes(0x1_0000_0000n, 256));
    expect(host.run('write_dma', { address: 0x2_0000_0000n, offset: 0x11, length: 3000, memory: true })).toBe(0);
    host.poke(firmware.msix_trigger.offset, 7);
    host.until(() => host.memory.has(0xfee0_001cn));
    expect(host.bytes(0x2_0000_0000n, 3000)).toEqual(host.bytes(0x1_0000_0000n, 3000));
  });

  test('C84 C86: a hot reset takes all functions, ends what is under way, and the link begins anew', () => {
    using host = make(width, rate);
    host.configure(0, host.capability(0, 0x10) + 0x28, 1);
    const held = busyAll(host);
    // Completions are on their way when the link goes down; the requests of the others are lost for good.
    host.out.completion.queue.push(...held.slice(0, 6).flatMap(packet => host.answersOf(packet)));
    host.steps(3);
    host.sim.poke(host.sim.dut.hot_reset, 1);
    host.step();
    host.sim.poke(host.sim.dut.hot_reset, 0);
    // The link goes down and comes up again; what is sent meanwhile is lost.
    host.steps(300);
    // All has ended by then: nothing waits for a completion timeout.
    for (let i = 0; host.config(0, 0).status === 2; i++) expect(i).toBeLessThan(60);
    for (const f of [0, 1, 2]) {
      expect(host.config(f, 4).value & 6).toBe(0);
      expect(host.config(f, host.capability(f, 0x10) + 8).value & 0xe0).toBe(0);
      expect(host.events(f) & Event.function_reset).toBe(Event.function_reset);
    }
    for (const engine of ['read_dma', 'write_dma', 'drain', 'fill'] as const)
      expect([engine, host.finish(engine)]).toEqual([engine, DmaOutcome.refused]);
    host.misbehave = undefined;
    host.enumerate();
    host.asked.splice(0);
    // Tags of requests that were lost are free at once, those of AtomicOps and descriptors too.
    expect(host.run('read_dma', { address: 0x1_0000_0000n, offset: 0, length: 8192, memory: true })).toBe(0);
    expect(new Set(host.asked.map(({ tag }) => tag)).size).toBe(23);
    expect(host.read(memoryOf(0), 256).data).toEqual(host.bytes(0x1_0000_0000n, 256));
    expect(completionOf(host.answersOf(host.asked[0] as Packet)[0] as Packet).status).toBe(0);
  });
});
