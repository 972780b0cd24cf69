import { expect, test } from 'vitest';
import { type AsyncEvent, QueueError, RdmaError, WorkStatus } from '../host/src/rdma/index.ts';
import { encode } from '../layout.ts';
import {
  CommandOpcode,
  createCompletionQueue,
  createQueuePair,
  handleCommand,
  registerMemory,
  setEventQueue,
} from '../rdma/commands.ts';
import { doorbellBase, doorbellOf, Mailbox, mailboxBase } from '../rdma/registers.ts';
import { CommandStatus } from '../rdma/status.ts';
import { sendRequest } from '../rdma/work.ts';
import { random } from './nvme-computer.ts';
import { completionsOf, RdmaComputer } from './rdma-computer.ts';

/** Hosts that do what no driver should: the card refuses, tells, and goes on. */

const access = { localWrite: true, remoteRead: true, remoteWrite: true };
const queues = 20;

/** The status that a promise is rejected with. */
async function statusOf(work: Promise<unknown>): Promise<number> {
  try {
    await work;
    return CommandStatus.success;
  } catch (error) {
    if (error instanceof RdmaError) return error.status;
    throw error;
  }
}

test('commands that cannot be are refused, and change nothing', async () => {
  const on = new RdmaComputer();
  await on.run(async () => {
    const driver = await on.probe();
    const ask = <L extends Parameters<typeof driver.command>[2]>(
      opcode: number,
      layout: L,
      values: Parameters<typeof driver.command<L>>[3],
    ) => statusOf(driver.command('test', opcode, layout, values));
    const { invalidOpcode, invalidParameter, invalidHandle, unreachable, busy, noResources, success } = CommandStatus;
    expect(await ask(0, handleCommand, {})).toBe(invalidOpcode);
    expect(await ask(0xffff, handleCommand, {})).toBe(invalidOpcode);
    for (const opcode of [3, 5, 7, 10, 11]) expect(await ask(opcode, handleCommand, { handle: 0x1234_5678 })).toBe(invalidHandle);

    const ring = { address: 0x10_0000n, entries: 16, vector: 0 };
    for (const wrong of [
      { address: 0x10_0020n },
      { entries: 24 },
      { entries: 2 ** 31 },
      { vector: 8 },
      { address: 2n ** 64n - 64n },
    ])
      for (const [opcode, layout] of [
        [CommandOpcode.setEventQueue, setEventQueue],
        [CommandOpcode.createCompletionQueue, { ...createCompletionQueue }],
      ] as const)
        expect(
          await ask(opcode, layout, { ...ring, ...wrong, ...(opcode === 6 && { interrupts: 1 }) }),
          JSON.stringify(Object.keys(wrong)),
        ).toBe(invalidParameter);
    expect(await ask(CommandOpcode.createCompletionQueue, createCompletionQueue, { ...ring, entries: 0 })).toBe(invalidParameter);

    const domain = await driver.allocateProtectionDomain();
    const table = on.pool.allocate(64, 64);
    on.memory.write(table.base, new Uint8Array(64));
    const region = { domain: domain.number, address: 0n, bytes: 4096n, table: table.base, ranges: 1 };
    const range = (address: bigint, bytes: bigint) =>
      on.memory.write(table.base, new Uint8Array(BigUint64Array.of(address, bytes).buffer));
    range(0x20_0000n, 4096n);
    const register = (wrong: Partial<typeof region> & { readonly remoteWrite?: number }) =>
      ask(CommandOpcode.registerMemory, registerMemory, { ...region, ...wrong });
    expect(await register({ domain: 99 })).toBe(invalidHandle);
    expect(await register({ bytes: 0n })).toBe(invalidParameter);
    expect(await register({ bytes: 4097n })).toBe(invalidParameter);
    expect(await register({ address: 2n ** 64n - 4095n })).toBe(invalidParameter);
    expect(await register({ ranges: 0 })).toBe(invalidParameter);
    expect(await register({ ranges: 1 << 20 })).toBe(invalidParameter);
    expect(await register({ remoteWrite: 1 })).toBe(invalidParameter);
    expect(await register({ table: 0x7777_0000n })).toBe(unreachable);
    range(0x20_0000n, 0n);
    expect(await register({})).toBe(invalidParameter);
    range(2n ** 64n - 16n, 4096n);
    expect(await register({})).toBe(invalidParameter);
    range(0x20_0000n, 4096n);
    expect(await register({})).toBe(success);

    const completions = await driver.createCompletionQueue({ entries: 16 });
    const pair = {
      domain: domain.number,
      sendCompletions: completions.number,
      receiveCompletions: completions.number,
      sendRing: 0x30_0000n,
      receiveRing: 0x31_0000n,
      sendEntries: 16,
      receiveEntries: 16,
      sendEntryBytes: 64,
      receiveEntryBytes: 32,
    };
    const create = (wrong: Partial<typeof pair>) => ask(CommandOpcode.createQueuePair, createQueuePair, { ...pair, ...wrong });
    expect(await create({ domain: 1 })).toBe(invalidHandle);
    expect(await create({ sendCompletions: 7 })).toBe(invalidHandle);
    expect(await create({ receiveCompletions: 7 })).toBe(invalidHandle);
    for (const wrong of [
      { sendRing: 8n },
      { receiveEntries: 3 },
      { sendEntryBytes: 32 },
      { sendEntryBytes: 96 },
      { receiveEntryBytes: 512 },
    ])
      expect(await create(wrong)).toBe(invalidParameter);

    const local = await domain.createQueuePair({ sendQueue: completions, receiveQueue: completions });
    expect(await statusOf(domain.free())).toBe(busy);
    expect(await statusOf(completions.destroy())).toBe(busy);
    expect(await statusOf(local.fail())).toBe(CommandStatus.invalidState);
    for (const wrong of [{ mtu: 128 }, { mtu: 8192 }, { reads: 200 }, { receiverTimer: 32 }])
      expect(await statusOf(local.connect({ remote: 1, ...(wrong as object) })).finally(() => local.reset())).toBe(
        invalidParameter,
      );
    await local.connect({ remote: 1 });
    expect(await statusOf(local.connect({ remote: 1 }))).toBe(CommandStatus.invalidState);
    for (let i = 1; i < queues; i++) expect(await create({})).toBe(success);
    expect(await create({})).toBe(noResources);
  });
});

test('a command whose number is not that of the doorbell is refused; doorbells without a command do no harm', async () => {
  const on = new RdmaComputer();
  await on.run(async () => {
    const driver = await on.probe();
    const at = mailboxBase + Mailbox.command;
    on.hardware.hostWrite(at, CommandOpcode.allocateDomain | (0x77 << 16));
    on.hardware.hostWrite(doorbellBase, 0x78);
    await on.scheduler.delay(200);
    expect(on.hardware.hostRead(mailboxBase + Mailbox.reply)).toBe((0x78 << 16) | CommandStatus.invalidSequence);
    for (let i = 0; i < 1000; i++) on.hardware.hostWrite(doorbellBase, i);
    expect((await driver.allocateProtectionDomain()).number).toBe(0);
  });
});

test('work requests that make no sense end with a local operation error', async () => {
  for (const wrong of [
    { opcode: 200 },
    { index: 5 },
    { entries: 3 },
    { inline: 1, inlineBytes: 33 },
    { opcode: 4, inline: 1, inlineBytes: 4 },
  ]) {
    const on = new RdmaComputer();
    await on.run(async () => {
      const { local, remote, completions, driver } = await on.pair();
      remote.postReceive(100);
      await local.postSend({ id: 7, opcode: 'send', inline: new Uint8Array() });
      await completionsOf(completions, 1);
      const good = { opcode: 0, signaled: 1, index: 1 };
      on.memory.write((local.memory?.base ?? 0n) + 64n, encode(sendRequest, 64, { ...good, ...wrong }));
      on.hardware.hostWrite(doorbellBase + 4 * doorbellOf.sends(local.number & 0xff, driver.limits.completionQueues), 2);
      await on.scheduler.delay(2000);
      // The driver knows of no second request; the card wrote its end all the same.
      const entry = on.memory.read(completions.base + 32n, 32);
      expect([entry[4], entry[7]], JSON.stringify(wrong)).toEqual([1, WorkStatus.localOperation]);
      expect(await local.query()).toBe('error');
    });
  }
});

test('doorbells that cannot be: of rings, of completion queues, of nothing', async () => {
  const on = new RdmaComputer();
  await on.run(async () => {
    const { driver, domain, local, completions } = await on.pair();
    const events: AsyncEvent[] = [];
    driver.onEvent(event => events.push(event));
    const ring = (number: number, value: number) => on.hardware.hostWrite(doorbellBase + 4 * number, value);
    const place = local.number & 0xff;
    ring(doorbellOf.sends(place, queues), 65);
    await on.scheduler.delay(500);
    expect(events).toEqual([
      { kind: 'doorbell', number: doorbellOf.sends(place, queues), reason: 0 },
      { kind: 'queue pair', number: local.number, reason: WorkStatus.localOperation },
    ]);
    expect(local.state).toBe('error');
    events.length = 0;
    for (const number of [doorbellOf.completions(19), doorbellOf.sends(5, queues), doorbellOf.receives(19, queues), 62, 63]) {
      ring(number, 1);
      await on.scheduler.delay(100);
      expect(events.splice(0)).toEqual([{ kind: 'doorbell', number, reason: 0 }]);
    }
    const second = await domain.createQueuePair({ sendQueue: completions, receiveQueue: completions });
    await second.connect({ remote: 1 });
    ring(doorbellOf.completions(completions.number), 1);
    await on.scheduler.delay(500);
    expect(events).toEqual([
      { kind: 'completion queue', number: completions.number, reason: QueueError.doorbell },
      { kind: 'queue pair', number: second.number, reason: WorkStatus.localOperation },
    ]);
  });
});

test('a completion queue that is overrun, or cannot be reached, ends its queue pairs, not those of others', async () => {
  for (const what of ['overrun', 'unreachable'] as const) {
    const on = new RdmaComputer();
    await on.run(async () => {
      const { driver, domain, local, completions, remote } = await on.pair({ entries: 16 });
      const events: AsyncEvent[] = [];
      driver.onEvent(event => events.push(event));
      const queue = await driver.createCompletionQueue({ entries: 64 });
      const second = await domain.createQueuePair({ sendQueue: queue, receiveQueue: queue });
      const far = on.remote.createQueuePair();
      await second.connect({ remote: far.number });
      far.connect({ remote: second.number });
      remote.postReceive(10, 20);
      far.postReceive(10, 20);
      if (what === 'unreachable')
        on.hardware.refuse = (address, kind) =>
          kind === 'write' && address >= completions.base && address < completions.base + 512n;
      for (let i = 0; i < 17; i++) await local.postSend({ id: i, opcode: 'send', inline: new Uint8Array() });
      await on.scheduler.delay(3000);
      expect(events).toEqual([
        { kind: 'completion queue', number: completions.number, reason: QueueError[what] },
        { kind: 'queue pair', number: local.number, reason: WorkStatus.localOperation },
      ]);
      await second.postSend({ id: 1, opcode: 'send', inline: new Uint8Array() });
      expect(await completionsOf(queue, 1)).toMatchObject([{ id: 1, status: WorkStatus.success }]);
    });
  }
});

test('the driver refuses what has no room in its rings', async () => {
  const on = new RdmaComputer();
  await on.run(async () => {
    const { local, domain, completions, remote } = await on.pair({ queues: { sendEntries: 4, inlineBytes: 32 } });
    remote.postReceive(64, 100);
    const region = await domain.registerMemory({ ranges: [on.buffer(new Uint8Array(64))] });
    const send = { id: 1, opcode: 'send', data: [region.entry()] } as const;
    await expect(local.postSend(send, send, send, send, send)).rejects.toThrow('0 of 4 entries are in use');
    await local.postSend(send, { ...send, signaled: false }, { ...send, signaled: false }, { ...send, id: 4 });
    await expect(local.postSend(send)).rejects.toThrow('4 of 4 entries are in use');
    expect((await completionsOf(completions, 2)).map(({ id }) => id)).toEqual([1, 4]);
    // The signaled one has freed those before it.
    await local.postSend(send, send, send, send);
    await completionsOf(completions, 4);
    await expect(local.postSend({ ...send, data: [region.entry(), region.entry(), region.entry()] })).rejects.toThrow(
      '3 scatter-gather entries',
    );
    await expect(local.postSend({ id: 1, opcode: 'send', inline: new Uint8Array(33) })).rejects.toThrow('33 inline bytes');
    await expect(local.postSend({ id: 1, opcode: 'write', data: [] })).rejects.toThrow('memory of the other side');
    await expect(local.postSend({ ...send, inline: new Uint8Array(1) })).rejects.toThrow('not both');
    await expect(
      local.postSend({ id: 1, opcode: 'read', inline: new Uint8Array(1), remote: { address: 0n, rkey: 1 } }),
    ).rejects.toThrow('a READ has no inline');
    expect(local.outstanding('sends')).toBe(0);
  });
});

test("regions that touch what is the firmware's, or half of the card's memory, are refused", async () => {
  const on = new RdmaComputer({ hardware: { bufferBytes: 8192 } });
  await on.run(async () => {
    const { domain, driver } = await on.pair();
    const bar = 0x40_0000_0000n;
    for (const [base, bytes] of [
      [bar, 4096n],
      [bar, 64n],
      [bar - 4096n, 8192n],
      [bar + 4095n, 4n],
      [bar + 4096n + 8000n, 193n],
    ] as const)
      await expect(domain.registerMemory({ ranges: [{ base, bytes }] })).rejects.toMatchObject({
        status: CommandStatus.invalidParameter,
      });
    for (const [base, bytes] of [
      [bar + 4096n, 8192n],
      [bar + 4096n + 8192n, 4096n],
      [bar - 4096n, 4096n],
    ] as const)
      await domain.registerMemory({ ranges: [{ base, bytes }] });
    expect(driver.memory?.range).toEqual({ base: bar + 4096n, bytes: 8192n });
  });
});

for (const seed of [1, 2, 3, 4])
  test(`nonsense in mailbox and doorbells, between good work: the card answers after a reset as before, seed ${seed}`, async () => {
    const on = new RdmaComputer();
    const dice = random(seed);
    await on.run(async () => {
      const { domain, driver } = await on.pair();
      await domain.registerMemory({ ranges: [on.buffer(new Uint8Array(4096))], access });
      for (let i = 0; i < 400; i++) {
        const kind = dice.below(4);
        if (kind < 2)
          on.hardware.hostWrite(mailboxBase + 4 * dice.below(16), dice.below(4) ? dice.below(64) : dice.below(2 ** 32));
        else if (kind === 2) {
          const sequence = dice.below(16);
          on.hardware.hostWrite(mailboxBase, dice.below(13) | (sequence << 16));
          on.hardware.hostWrite(doorbellBase, sequence);
        } else on.hardware.hostWrite(doorbellBase + 4 * dice.below(64), dice.below(2) ? dice.below(80) : dice.below(2 ** 32));
        await on.scheduler.delay(dice.below(60));
      }
      on.hardware.resetFunction();
      await on.scheduler.delay(500);
      const again = await on.pair();
      expect(again.driver.limits).toEqual(driver.limits);
      again.remote.postReceive(10);
      await again.local.postSend({ id: 3, opcode: 'send', inline: new Uint8Array() });
      expect(await completionsOf(again.completions, 1)).toMatchObject([{ id: 3, status: 0 }]);
    });
  });
