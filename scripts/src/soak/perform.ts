import { doubledAnswer, forgedAnswer, lostAnswer } from './answers.ts';
import { lostLimits, overrun } from './credits.ts';
import type { Operation, OperationName } from './operation.ts';
import { doorbell, firmwareAtomic, highOf, job, mailbox, mask, media, trigger } from './perform-firmware.ts';
import type { Player } from './player.ts';
import { at } from './reference/config.ts';
import { Kind } from './reference/errors.ts';
import { Mismatch } from './reference/mismatch.ts';
import { malformed, rightLength, takesMessage } from './reference/rules.ts';
import { Flag } from './reference/transfers.ts';
import { busMasterOff, disable, hotReset, limits, renumber, reset, sizing, sleep, timeout } from './states.ts';
import {
  areas,
  atomic,
  configRequest,
  damageNames,
  damages,
  flush,
  memoryBase,
  memoryRequest,
  message,
  type Numbers,
  nobody,
  unexpected,
  usable,
  withBody,
} from './stimuli.ts';
import { classOf, describe, hasData, nothing, type Tlp } from './tlp.ts';

/** Where the slots of the DMA lie in the BAR memory. */
const dmaBase = 24 * 1024;

type Perform = (player: Player, numbers: Numbers) => void;

const names: Readonly<Record<number, string>> = { 0: 'MWr', 1: 'MRdLk', 2: 'IO', 4: 'Cfg0', 5: 'Cfg1', 10: 'Cpl', 11: 'CplLk' };
const kindOf = (t: Tlp): string =>
  t.type === 0
    ? hasData(t)
      ? 'MWr'
      : 'MRd'
    : (names[t.type] ?? (t.type > 15 ? 'Msg' : (['FetchAdd', 'Swap', 'CAS'][t.type - 12] ?? 'undefined')));

/** The payload that the endpoint takes, in DW. */
const limitOf = (player: Player): number => Math.max(...player.reference.functions.map(({ payload }) => payload)) / 4;

function goodWrite(player: Player, n: Numbers): Tlp {
  return memoryRequest(areas.memory, n, { bases: player.bases, write: true, limit: limitOf(player) });
}

/** A good TLP of any kind that a damage can be done to. */
function anything(player: Player, n: Numbers): Tlp {
  const { bases } = player;
  const memory = (of: number, offset: number, bytes: number) => {
    const base = memoryBase(of) + offset;
    return player.reference.memory.bytes.slice(base, base + bytes);
  };
  switch (n.b % 8) {
    case 0:
    case 1:
      return goodWrite(player, n);
    case 2:
      return memoryRequest(areas.memory, n, { bases, write: false, limit: 1024 });
    case 3:
      return atomic(n, bases, memory);
    case 4:
      return configRequest(
        { device: player.device, function: n.a % 3, offset: 0x0c },
        n.c % 2 ? { data: n.d, enables: 15 } : undefined,
      );
    case 5:
      return message(n);
    case 6:
      return unexpected(
        n,
        player.reference.functions.map(({ id }) => id),
      );
    default:
      return nobody(n, bases);
  }
}

/** Flips a bit on the way: of the payload or the digest, or of the address where nobody can take it for good. */
function flip(player: Player, t: Tlp, { a, c }: Numbers): void {
  if (t.type === 0 && player.reference.checking !== 0 && (c >>> 24) % 4 === 0) {
    t.low = (t.low ^ (4 << (a % 30))) >>> 0;
    return;
  }
  const byte = (a >>> 3) % t.body.length;
  t.body[byte] = (t.body[byte] ?? 0) ^ (1 << (a & 7));
}

/** A completion for nobody whose length is wrong besides is told as the one or the other. */
function eitherError(player: Player, t: Tlp): void {
  const { functions, errors, faults } = player.reference;
  player.drain();
  let found = 0;
  for (const { number } of functions) player.readConfig(number, at.uncorrectable, value => (found |= value));
  player.wait();
  if ((found & ((1 << Kind.unexpected) | (1 << Kind.malformed))) === 0)
    throw new Mismatch(`nothing tells of a completion of the wrong length: ${describe(t)}`);
  faults.found(t, 'alone');
  errors.forgive(0xff);
  player.checkpoint();
}

/** Registers that a write of any data changes in no way that matters, among them those that there are not. */
const harmless = [
  0x0c, 0x00, 0x08, 0x2c, 0x34, 0x3c, 0x40, 0x64, 0x6c, 0x70, 0x84, 0x8c, 0x90, 0x100, 0x154, 0x164, 0x178, 0x800, 0xffc,
];
const read = [
  0x00, 0x04, 0x08, 0x10, 0x14, 0x18, 0x1c, 0x20, 0x24, 0x44, 0x60, 0x68, 0x88, 0x108, 0x10c, 0x114, 0x118, 0x158, 0x174,
];

const performers: Readonly<Record<OperationName, Perform>> = {
  write: (player, n) => player.send('MWr to memory', goodWrite(player, n)),
  read: (player, n) =>
    player.send('MRd of memory', memoryRequest(areas.memory, n, { bases: player.bases, write: false, limit: 1024 })),
  register_write: (player, n) =>
    player.send(
      'MWr to registers',
      memoryRequest(areas.registers, { ...n, b: n.b % 12 }, { bases: player.bases, write: true, limit: limitOf(player) }),
    ),
  register_read: (player, n) =>
    player.send('MRd of registers', memoryRequest(areas.registers, n, { bases: player.bases, write: false, limit: 2 })),
  long_register_read: (player, n) => {
    const t = memoryRequest(areas.registers, { ...n, b: 5 + (n.b % 10) }, { bases: player.bases, write: false, limit: 1024 });
    if (t.length > 2) player.inject('aborted: MRd of too many registers', 'MRd of too many registers', t);
    else player.send('MRd of registers', t);
  },
  atomic: (player, n) => {
    const t = atomic(n, player.bases, (of, offset, bytes) => {
      const base = memoryBase(of) + offset;
      return player.reference.memory.bytes.slice(base, base + bytes);
    });
    player.send(kindOf(t), t);
  },
  flush: (player, n) => player.send('MRd of nothing', flush(n, player.bases)),
  config_read: (player, { a, b }) => {
    const offset = b % 2 === 0 ? (read[(b >>> 1) % read.length] ?? 0) : 4 * ((b >>> 1) % 1024);
    player.readConfig(a % 3, offset);
  },
  config_write: (player, { a, b, c, d }) => {
    const offset = harmless[b % harmless.length] ?? 0;
    const t = configRequest({ device: player.device, function: a % 3, offset }, { data: d, enables: c & 15 });
    player.send('CfgWr0', t);
  },
  message: (player, n) => {
    const t = message(n);
    if (takesMessage(t)) player.send('Msg', t);
    else player.inject('unsupported: Msg', 'Msg', t);
  },
  nobody: (player, n) => {
    const t = nobody(n, player.bases);
    player.inject(`unsupported: ${kindOf(t)}`, `${kindOf(t)} that nobody claims`, t);
  },
  malformed: (player, n) => {
    const good = anything(player, n);
    const name = damageNames[n.c % damageNames.length] ?? '';
    const of = classOf(good);
    const t: Tlp = { ...good, ...damages[name]?.(good, n.d) };
    t.low >>>= 0;
    t.high >>>= 0;
    if (!usable(t, of) || (t.td === 1 && player.reference.checking !== 0)) return;
    t.body = nothing;
    withBody(t, n.d);
    if (!malformed(t, 4 * limitOf(player))) return;
    player.inject(`malformed: ${name}`, `malformed: ${name}`, t);
    if ((n.c >>> 20) % 16 === 0) player.settle();
  },
  wrong_length: (player, n) => {
    const t = anything(player, n);
    // Where its digest would be nobody knows.
    if (t.td === 1 && player.reference.checking !== 0) return;
    const word = player.width / 8;
    const longer = n.c % 2 === 0;
    const body = new Uint8Array(Math.max(0, Math.ceil(t.body.length / word) * word + (longer ? word : -word)));
    body.set(t.body.subarray(0, body.length));
    const bad: Tlp = { ...t, body };
    // A completion for nobody is known as such by its first beat, before its end can be wrong.
    const completion = classOf(t) === 2;
    if (completion && !player.reference.isMine(t)) return;
    if (rightLength(bad, player.width) || (t.type === 0 && !hasData(t) && !longer)) return;
    // The requester may find besides that it asked for no such completion.
    if (completion) player.checkpoint();
    // More beats than its header says do not fit into a buffer that is made for headers and their data.
    if (longer) player.settle();
    const kind = `malformed: ${longer ? 'too many' : 'too few'} beats`;
    player.inject(kind, kind, bad);
    if (completion) eitherError(player, bad);
    else if (longer || (n.c >>> 20) % 16 === 0) player.settle();
  },
  poisoned: (player, n) => {
    const t = anything(player, { ...n, b: [0, 1, 3, 4, 5][n.b % 5] ?? 0 });
    if (!hasData(t)) return;
    player.inject(`poisoned: ${kindOf(t)}`, `poisoned ${kindOf(t)}`, { ...t, ep: 1 });
    if ((n.c >>> 20) % 16 === 0) player.settle();
  },
  wrong_digest: (player, n) => {
    const t = withBody({ ...anything(player, { ...n, b: (n.b % 8) + 8 * (n.b >>> 3) }), td: 1, body: nothing }, n.d);
    player.inject(`wrong digest: ${kindOf(t)}`, 'TLP with a wrong digest', t, altered => flip(player, altered, n));
    if ((n.c >>> 20) % 8 === 0) player.settle();
  },
  completion: (player, n) => {
    const ids = player.reference.functions.map(({ id }) => id);
    const t = unexpected(n, ids);
    player.inject(
      `foreign: ${ids.includes(t.requester) ? 'Cpl with a tag of nobody' : 'Cpl of another requester'}`,
      'unexpected completion',
      t,
    );
    if ((n.c >>> 20) % 16 === 0) player.settle();
  },
  // A write that stands behind one to registers, and a read of what it wrote.
  turnaround: (player, n) => {
    const { bases } = player;
    const limit = limitOf(player);
    if (n.c % 4 !== 3)
      player.send('MWr to registers', memoryRequest(areas.registers, { ...n, b: 7 + (n.b % 5) }, { bases, write: true, limit }));
    player.send('MWr to memory', memoryRequest(areas.memory, { ...n, b: n.b % 10 }, { bases, write: true, limit }));
    player.send('MRd of memory', memoryRequest(areas.memory, { ...n, b: n.b % 10 }, { bases, write: false, limit: 64 }));
  },
  sync: player => player.settle(),
  checkpoint: player => player.checkpoint(),
  disable,
  sleep,
  reset,
  limits,
  renumber,
  sizing,
  pressure: (player, { a }) => player.pressure(a),
  dma: (player, { a, b, c, d }) => {
    const slot = d % 8;
    const inside = (d >>> 3) & 63;
    const bytes = [1, 4, 64, 128, 300, 512, 900, 960][b % 8] ?? 1;
    const length = Math.min(bytes + ((b >>> 3) % 17), 960);
    const offset = dmaBase + 1024 * slot + inside;
    const opcode = (['read', 'write', 'read', 'write', 'none'] as const)[a % 5] ?? 'none';
    // One in eight stays inside: the remote side is in another slot.
    const local = opcode !== 'none' && (c >>> 24) % 8 === 7;
    const remote = dmaBase + 1024 * ((slot + 1 + (c % 7)) % 8) + ((c >>> 3) & 63);
    player.bench.until(
      () =>
        !player.dma.busy(offset, length) &&
        !(local && (player.flowing || player.dma.busy(remote, length))) &&
        player.dma.unfinished < 32,
      () => 'a place for a descriptor',
    );
    // Fence, status, interrupt, read-back, attributes, and a translated address now and then.
    const flags = ((a >>> 4) & 0x3c0) | ((a >>> 16) & 0xc00) | ((c >>> 28) % 8 === 7 ? 0x2000 : 0);
    const high = highOf(c);
    const transfer = { opcode, bytes: opcode === 'none' ? 0 : length, offset };
    const own = player.bases[0]?.[1] ?? { high: 0, low: 0 };
    if (local) player.dma.give({ ...transfer, inner: own.low + remote, high: own.high, flags: flags & ~0x200, remote });
    else player.dma.give({ ...transfer, inner: c & 0xfff, high, flags });
    player.ringTail();
    player.count(local ? 'DMA inside' : `DMA ${opcode}`);
  },
  // Many reads at once, which the host lets wait: tags and the reorder buffer run out (C70f).
  dma_burst: (player, { a, b, c }) => {
    player.dma.answers.held = true;
    for (let i = 0; i < 8; i++) {
      const slot = (a + i) % 8;
      const offset = dmaBase + 1024 * slot + ((b >>> i) & 63);
      if (player.dma.busy(offset, 960) || player.dma.unfinished >= 32) continue;
      player.dma.give({ opcode: 'read', bytes: 960, inner: (c >>> i) & 0xfff, high: a >>> 8, offset, flags: Flag.status });
      player.count('DMA read');
    }
    player.ringTail();
    for (let i = 0; i < 8 + (a % 8); i++) player.bench.advance();
    player.dma.answers.held = false;
  },
  device_write: (player, { a, b, d }) => player.post(b % 2 === 0 ? 0 : 2, 4 * (a % 1024), d),
  dma_read_back: (player, n) =>
    player.send('MRd of the memory of the DMA', memoryRequest(areas.dma, n, { bases: player.bases, write: false, limit: 256 })),
  bus_master_off: busMasterOff,
  timeout,
  job,
  media,
  firmware_atomic: firmwareAtomic,
  doorbell,
  trigger,
  mask,
  mailbox,
  hot_reset: hotReset,
  inspect: (player, { a }) => player.inspect(a % 4 === 3),
  lost_answer: lostAnswer,
  doubled_answer: doubledAnswer,
  forged_answer: forgedAnswer,
  lost_limits: lostLimits,
  overrun,
};

/** Performs one operation of a batch. */
export function perform(player: Player, [name, a, b, c, d]: Operation): void {
  performers[name](player, { a, b, c, d });
}
