import { expect, test } from 'vitest';
import type { Place } from '../device/src/endpoint/hardware.ts';
import { CompletionQueue } from '../device/src/rdma/completion-queue.ts';
import { Tasks } from '../device/src/rdma/signal.ts';
import { doorbellBase, doorbellOf, encodeCompletionDoorbell } from '../rdma/registers.ts';
import { WorkStatus } from '../rdma/status.ts';
import { CompletionOpcode } from '../rdma/work.ts';
import { completionsOf, RdmaComputer } from './rdma-computer.ts';

/** When completion queues and events interrupt, and when not. */

test('an interrupt per request for one: none without, one at the next entry, one at once for entries that wait', async () => {
  const on = new RdmaComputer();
  await on.run(async () => {
    const { local, remote, completions } = await on.pair();
    const count = () => on.interrupts.get(1) ?? 0;
    remote.postReceive(10, 100);
    const send = async (id: number) => {
      await local.postSend({ id, opcode: 'send', inline: new Uint8Array() });
      await on.scheduler.delay(1000);
    };
    await send(1);
    expect(count()).toBe(0);
    completions.arm(false);
    await on.scheduler.delay(10);
    expect(count()).toBe(1);
    await send(2);
    expect(count()).toBe(1);
    expect(completions.poll().map(({ id }) => id)).toEqual([1, 2]);
    completions.arm(false);
    await on.scheduler.delay(100);
    expect(count()).toBe(1);
    await send(3);
    await send(4);
    expect(count()).toBe(2);
  });
});

test('the same request again is no new one; the next one is', async () => {
  const on = new RdmaComputer();
  await on.run(async () => {
    const { local, remote, completions } = await on.pair();
    const arm = async (request: number) => {
      const value = encodeCompletionDoorbell({ taken: 0, arm: { request, solicitedOnly: false } });
      on.hardware.hostWrite(doorbellBase + 4 * doorbellOf.completions(completions.number), value);
      await on.scheduler.delay(10);
      return on.interrupts.get(1) ?? 0;
    };
    const send = async () => {
      await local.postSend({ id: 1, opcode: 'send', inline: new Uint8Array() });
      await on.scheduler.delay(1000);
      return on.interrupts.get(1) ?? 0;
    };
    remote.postReceive(10, 100);
    expect([await arm(1), await send(), await arm(1), await send(), await arm(2), await arm(2), await send()]).toEqual([
      0, 1, 1, 1, 2, 2, 2,
    ]);
  });
});

test('requests for solicited ones only: other messages do not interrupt, errors do', async () => {
  const on = new RdmaComputer();
  await on.run(async () => {
    const { domain, local, remote, completions } = await on.pair();
    const count = () => on.interrupts.get(1) ?? 0;
    const region = await domain.registerMemory({ ranges: [on.buffer(new Uint8Array(100))], access: { localWrite: true } });
    const receive = { id: 1, data: [region.entry()] };
    await local.postReceive(receive, receive, receive, receive);
    completions.arm(true);
    await remote.send(new Uint8Array(1));
    await on.scheduler.delay(500);
    expect(count()).toBe(0);
    // Taking entries repeats the request, and leaves it as it is.
    expect(completions.poll().length).toBe(1);
    await remote.send(new Uint8Array(1));
    await on.scheduler.delay(500);
    expect(count()).toBe(0);
    await remote.send(new Uint8Array(1), { solicited: true });
    await on.scheduler.delay(500);
    expect(count()).toBe(1);
    expect(completions.poll().length).toBe(2);
    completions.arm(true);
    await local.fail();
    await on.scheduler.delay(500);
    expect(count()).toBe(2);
  });
});

test('a handler gets every completion, in order, whatever comes while it works', async () => {
  const on = new RdmaComputer();
  await on.run(async () => {
    const { local, remote, completions } = await on.pair({ queues: { sendEntries: 512 }, entries: 512 });
    const seen: number[] = [];
    completions.onCompletion(({ id }) => seen.push(id));
    remote.postReceive(10, 1000);
    for (let i = 0; i < 300; i++) {
      await local.postSend({ id: i, opcode: 'send', inline: new Uint8Array() });
      if (i % 7 === 0) await on.scheduler.delay(i);
    }
    await on.scheduler.delay(3000);
    expect(seen).toEqual(Array.from({ length: 300 }, (_, i) => i));
    expect(on.interrupts.get(1)).toBeLessThanOrEqual(300);
  });
});

test('a completion queue goes round many times', async () => {
  const on = new RdmaComputer();
  await on.run(async () => {
    const { local, remote, completions } = await on.pair({ entries: 16 });
    const seen: number[] = [];
    remote.postReceive(10, 1000);
    for (let i = 0; i < 20; i++) {
      const count = 1 + ((i * 5) % 16);
      const requests = Array.from({ length: count }, (_, j) => ({
        id: 100 * i + j,
        opcode: 'send' as const,
        inline: new Uint8Array(),
      }));
      await local.postSend(...requests);
      const found = i % 2 ? await completionsOf(completions, count) : [];
      for (; found.length < count; await on.scheduler.delay(10)) found.push(...completions.poll(3));
      seen.push(...found.map(({ id }) => id));
      expect(found.map(({ id }) => id)).toEqual(requests.map(({ id }) => id));
    }
    expect(seen.length).toBeGreaterThan(10 * 16);
  });
});

test('completion queues have vectors of their own; queues that share one are told apart', async () => {
  const on = new RdmaComputer();
  await on.run(async () => {
    const { driver, domain } = await on.pair();
    const made = await Promise.all(
      [2, 3, 3].map(async vector => {
        const queue = await driver.createCompletionQueue({ entries: 16, vector });
        const pair = await domain.createQueuePair({ sendQueue: queue, receiveQueue: queue });
        const far = on.remote.createQueuePair();
        await pair.connect({ remote: far.number });
        far.connect({ remote: pair.number });
        far.postReceive(10, 10);
        return { queue, pair };
      }),
    );
    const done = made.map(({ queue }) => queue.wait());
    for (const { pair } of made) await pair.postSend({ id: pair.number, opcode: 'send', inline: new Uint8Array() });
    expect((await Promise.all(done)).map(([first]) => first?.id)).toEqual(made.map(({ pair }) => pair.number));
    expect([on.interrupts.get(2), on.interrupts.get(3)]).toEqual([1, 2]);
    await expect(driver.createCompletionQueue({ entries: 16, vector: 8 })).rejects.toThrow('invalid parameter');
  });
});

test('events have the first vector, and come again after more of them than their ring has', async () => {
  const on = new RdmaComputer();
  await on.run(async () => {
    const { driver, completions, domain } = await on.pair();
    const seen: number[] = [];
    driver.onEvent(({ kind, number }) => kind === 'queue pair' && seen.push(number));
    const numbers: number[] = [];
    for (let i = 0; i < 150; i++) {
      const pair = await domain.createQueuePair({ sendQueue: completions, receiveQueue: completions });
      const far = on.remote.createQueuePair();
      await pair.connect({ remote: far.number });
      far.connect({ remote: pair.number });
      await expect(far.write(new Uint8Array(1), { address: 0n, rkey: 1 })).rejects.toThrow('remote access');
      await on.scheduler.delay(200);
      await pair.destroy();
      numbers.push(pair.number);
    }
    expect(seen).toEqual(numbers);
    expect(new Set(numbers).size).toBe(150);
  });
});

test('an entry that the host took before the card knew that it was there needs no interrupt, and the request is for the next one', async () => {
  const on = new RdmaComputer();
  await on.run(async () => {
    const { base } = on.pool.allocate(4096, 64);
    const vectors: number[] = [];
    let arrived: (() => void) | undefined;
    // The host sees what was written at once; the card learns of it when the test says so.
    const slow = new Proxy(on.hardware, {
      get: (hardware, name) => {
        if (name === 'interrupt') return async (vector: number) => void vectors.push(vector);
        if (name !== 'write') return Reflect.get(hardware, name, hardware);
        return async (place: Place, data: Uint8Array) => {
          await hardware.write(place, data);
          await new Promise<void>(resolve => {
            arrived = resolve;
          });
        };
      },
    });
    const tasks = new Tasks(task => on.scheduler.spawn('test', task));
    const params = { number: 5, place: { in: 'fabric', address: base }, entries: 16, vector: 3 } as const;
    const queue = new CompletionQueue(slow, tasks, params, () => {});
    const post = async (index: number) => {
      const ended = queue.post({
        queuePair: 1,
        index,
        opcode: CompletionOpcode.send,
        status: WorkStatus.success,
        bytes: 0,
        immediate: 0,
        hasImmediate: 0,
        solicited: 0,
      });
      await on.scheduler.delay(10);
      return ended;
    };
    const first = post(0);
    await on.scheduler.delay(20);
    queue.ring(encodeCompletionDoorbell({ taken: 1, arm: { request: 1, solicitedOnly: false } }));
    arrived?.();
    await first;
    await on.scheduler.delay(10);
    expect(vectors).toEqual([]);
    const second = post(1);
    await on.scheduler.delay(20);
    arrived?.();
    await second;
    await on.scheduler.delay(10);
    expect(vectors).toEqual([3]);
  });
});
