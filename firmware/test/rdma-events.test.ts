import { expect, test } from 'vitest';
import { EventQueue } from '../device/src/rdma/event-queue.ts';
import { Tasks } from '../device/src/rdma/signal.ts';
import { decode } from '../layout.ts';
import { EventKind, event, eventBytes } from '../rdma/work.ts';
import { RdmaComputer } from './rdma-computer.ts';

/** The ring of asynchronous events, where the host is slow to take them. */

const entries = 16;

async function ring(): Promise<{
  readonly queue: EventQueue;
  /** What stands in the ring: kind, number and phase of each entry. */
  entry(index: number): readonly number[];
  settle(): Promise<void>;
  run<T>(main: () => Promise<T>): Promise<T>;
}> {
  const on = new RdmaComputer();
  const { base } = on.pool.allocate(entries * eventBytes, 64);
  const queue = new EventQueue(on.hardware, new Tasks(task => on.scheduler.spawn('test', task)));
  queue.use({ place: { in: 'fabric', address: base }, entries, vector: 0 });
  return {
    queue,
    entry(index) {
      const { kind, number, phase } = decode(event, on.memory.read(base + BigInt(index * eventBytes), eventBytes));
      return [kind, number, phase];
    },
    settle: () => on.scheduler.delay(1000),
    run: main => on.run(main),
  };
}
const told = (number: number) => ({ kind: EventKind.queuePair, reason: 1, number });

test('events that the host has not taken are not written over: the next ones wait until it has, and come in their order', async () => {
  const { queue, entry, settle, run } = await ring();
  await run(async () => {
    for (let i = 1; i <= entries + 3; i++) queue.raise(told(i));
    await settle();
    for (let i = 0; i < entries; i++) expect(entry(i)).toEqual([EventKind.queuePair, i + 1, 1]);
    queue.took(2);
    await settle();
    expect([0, 1, 2].map(entry)).toEqual([
      [EventKind.queuePair, entries + 1, 0],
      [EventKind.queuePair, entries + 2, 0],
      [EventKind.queuePair, 3, 1],
    ]);
    queue.took(3);
    await settle();
    expect(entry(2)).toEqual([EventKind.queuePair, entries + 3, 0]);
  });
});

test('where too many wait the rest is lost, and the host is told so behind those that are not', async () => {
  const { queue, entry, settle, run } = await ring();
  await run(async () => {
    const kept = entries + 64;
    for (let i = 1; i <= entries; i++) queue.raise(told(i));
    await settle();
    for (let i = entries + 1; i <= kept + 5; i++) queue.raise(told(i));
    const seen: (readonly number[])[] = [];
    for (let taken = 0; taken < kept + 1; taken++) {
      await settle();
      seen.push(entry(taken % entries));
      queue.took(taken + 1);
    }
    expect(seen.map(([kind, number]) => [kind, number])).toEqual([
      ...Array.from({ length: kept }, (_, i) => [EventKind.queuePair, i + 1]),
      [EventKind.lost, 0],
    ]);
  });
});
