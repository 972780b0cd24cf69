import { functionParams } from './device.ts';
import { firmware } from './firmware.ts';
import type { Player } from './player.ts';
import { at } from './reference/config.ts';
import { Flag } from './reference/transfers.ts';
import { areas, flush, memoryRequest, type Numbers } from './stimuli.ts';

/** Operations that change the state of functions in the middle of traffic: enables, power, resets, limits, numbers. */

/** Requests to a function's memory or registers: reads and writes. */
function requests(player: Player, of: number, { a, b, c, d }: Numbers, count: number): void {
  const all = [...areas.memory, ...areas.registers].filter(area => area.function === of);
  const [first, ...rest] = all;
  if (!first) return;
  for (let i = 0; i < count; i++) {
    const n = { a: (a + Math.imul(i, 0x9e37_79b1)) >>> 0, b: b + i, c: c + i, d: d + i };
    const write = ((a >>> i) & 1) === 1;
    const area = [first, ...rest] as const;
    const t = memoryRequest(area, { ...n, b: n.b % 5 }, { bases: player.bases, write, limit: 2 });
    const kind = `${write ? 'MWr' : 'MRd'} to a function that is off`;
    player.inject(`unsupported: ${kind}`, kind, t);
  }
}

/** Traffic to the functions that go on meanwhile. */
function others(player: Player, off: number, { a, b, c, d }: Numbers, count: number): void {
  const [first, ...rest] = areas.memory.filter(area => area.function !== off);
  if (!first) return;
  for (let i = 0; i < count; i++) {
    const n = { a: (a + Math.imul(i, 0x85eb_ca6b)) >>> 0, b: b >>> i, c, d: d + i };
    const write = ((b >>> i) & 1) === 0;
    const t = memoryRequest([first, ...rest], n, { bases: player.bases, write, limit: write ? 32 : 128 });
    player.send(write ? 'MWr to memory' : 'MRd of memory', t);
  }
}

const command = (player: Player, f: number): number => (player.reference.functions[f]?.read(at.command) ?? 0) & 0x0547;

/** Memory space is disabled for a while (C83). */
export function disable(player: Player, n: Numbers): void {
  const f = n.a % 3;
  const enabled = command(player, f);
  const done = player.begin('state: memory space off');
  // Copies inside know the endpoint's own addresses by its enables.
  if (f === 0) player.quiet();
  player.wait();
  player.configure(f, at.command, enabled & ~2);
  player.wait();
  requests(player, f, n, 1 + ((n.a >>> 2) % 4));
  others(player, f, n, n.b % 6);
  player.settle();
  player.configure(f, at.command, enabled);
  player.wait();
  done();
}

/** A function is in D3hot for a while (C83); function 2 forgets everything. */
export function sleep(player: Player, n: Numbers): void {
  const f = 1 + (n.a % 2);
  const done = player.begin('state: D3hot');
  firmwareIsThrough(player);
  player.checkpoint();
  player.configure(f, at.power, 3);
  player.wait();
  requests(player, f, n, 1 + ((n.a >>> 2) % 4));
  others(player, f, n, n.b % 6);
  player.checkpoint();
  player.configure(f, at.power, 0);
  player.wait();
  if (functionParams[f]?.no_soft_reset === false) comesBack(player, f);
  done();
}

/** Accesses of the firmware go in their order: behind a read no trigger of before is left, which would send when a function is set up again. */
function firmwareIsThrough(player: Player): void {
  player.firmwareRead(0, firmware.channel_status.offset);
}

/** A function level reset in the middle of traffic (C84). */
export function reset(player: Player, n: Numbers): void {
  const f = n.a % 3;
  player.bench.until(
    () => player.noPosts,
    () => 'posts of the firmware',
  );
  player.bench.until(
    () => !player.flowing && !player.jobs.busy('atomic'),
    () => 'the medium',
  );
  const done = player.begin('state: function level reset');
  firmwareIsThrough(player);
  if (f === 0) player.dma.disturb();
  else player.checkpoint();
  player.reference.errors.forgive(1 << f);
  others(player, f, n, n.b % 12);
  player.configure(f, at.device, 0x8000 | ((player.reference.functions[f]?.read(at.device) ?? 0) & 0x79ff));
  player.wait();
  if (f === 0) player.stopChannel();
  others(player, f, n, (n.b >>> 4) % 12);
  requests(player, f, n, (n.a >>> 2) % 4);
  comesBack(player, f);
  if (f === 0) player.channel();
  done();
}

/** A hot reset in the middle of traffic (C85): the link goes down, and what is on it is lost. */
export function hotReset(player: Player, { a, b, c, d }: Numbers): void {
  player.bench.until(
    () => player.noPosts && !player.flowing && !player.jobs.busy('atomic'),
    () => 'posts of the firmware',
  );
  player.settle();
  firmwareIsThrough(player);
  const done = player.begin('state: hot reset');
  const [first, ...rest] = areas.memory;
  for (let i = 0; i < b % 6; i++) {
    const n = { a: (a + Math.imul(i, 0x85eb_ca6b)) >>> 0, b: b >>> i, c, d: d + i };
    const t = memoryRequest([first, ...rest], n, { bases: player.bases, write: true, limit: 32 });
    player.reference.maybeLost(t);
    player.bench.send(t);
    player.count('MWr that the link may lose');
  }
  player.dma.cut();
  player.bench.hotReset(1 + (a % 300));
  player.dma.joined();
  player.reference.hotReset();
  player.stopChannel();
  for (let f = 0; f < functionParams.length; f++) comesBack(player, f);
  player.channel();
  done();
}

/** Waits until a function has come out of its reset, and sets it up again. */
function comesBack(player: Player, f: number): void {
  player.reference.errors.forgive(1 << f);
  let ready = false;
  while (!ready) {
    player.readConfig(f, 0, (_, code) => (ready = code === 0), [2]);
    player.wait();
  }
  player.reference.resetDone(f);
  player.reference.registers[f]?.reset();
  for (const offset of [at.command, at.bars, at.bars + 4, at.bars + 8, at.power, at.device, at.device2, at.mask, at.severity])
    player.readConfig(f, offset);
  player.setUp(f);
  player.checkpoint();
}

/** Other payload and read request limits (C4, C6). */
export function limits(player: Player, { a, b }: Numbers): void {
  const f = a % 3;
  const now = player.reference.functions[f]?.read(at.device) ?? 0;
  const payload = b % (Math.log2(functionParams[f]?.max_payload ?? 128) - 6);
  player.quiet();
  player.configure(f, at.device, (now & 0x091f) | (payload << 5) | (((b >>> 4) % 3) << 12));
  player.wait();
}

/** The endpoint gets another bus and device number (C24). */
export function renumber(player: Player, { a }: Numbers): void {
  player.checkpoint();
  player.device = a & 0x1fff;
  for (let f = 0; f < functionParams.length; f++) player.configure(f, 0x0c, a & 0xff);
  player.settle();
}

/** Software asks how large a BAR is. */
export function sizing(player: Player, { a, b }: Numbers): void {
  const f = a % 3;
  const bars = functionParams[f]?.bars ?? [];
  const index = b % Math.max(1, bars.length);
  const bar = bars[index];
  if (!bar) return;
  player.quiet();
  const enabled = command(player, f);
  player.configure(f, at.command, enabled & ~2);
  for (const half of bar.width === 64 ? [0, 4] : [0]) {
    const offset = at.bars + 4 * bar.slot + half;
    const old = player.reference.functions[f]?.read(offset) ?? 0;
    player.configure(f, offset, 0xffff_ffff);
    player.readConfig(f, offset);
    player.configure(f, offset, old);
  }
  player.configure(f, at.command, enabled);
  player.wait();
}

/** Bus mastering goes off while the DMA works, and comes back (C81). */
export function busMasterOff(player: Player, n: Numbers): void {
  const enabled = command(player, 0);
  const done = player.begin('state: bus master off');
  player.bench.until(
    () => player.noPosts && !player.flowing,
    () => 'posts of the firmware',
  );
  player.dma.disturb();
  player.configure(0, at.command, enabled & ~4);
  player.wait();
  player.reference.errors.forgive(1);
  // What was on its way may still leave; after that nothing.
  player.bench.drive('free', 1);
  for (let i = 0; i < 4; i++) player.bench.advance();
  player.dma.mute = true;
  others(player, 3, n, n.b % 12);
  player.send('MRd of nothing', flush(n, player.bases));
  player.wait();
  player.dma.mute = false;
  player.configure(0, at.command, enabled);
  player.wait();
  player.stopChannel();
  player.bench.drive('free', 0);
  player.channel();
  done();
}

/** A read of the DMA that is not answered in time (C59), and what comes then after all. */
export function timeout(player: Player, { a, b, d }: Numbers): void {
  player.quiet();
  player.bench.drive('free', 1);
  player.shortTimeout(true);
  player.dma.answers.held = true;
  const offset = 24 * 1024 + 1024 * (d % 8) + ((d >>> 3) & 63);
  player.dma.give({ opcode: 'read', bytes: 1 + (b % 100), inner: a & 0xf80, high: 1, offset, flags: Flag.status, outcome: 6 });
  player.ringTail();
  const done = player.begin('late: CplD for the DMA');
  player.bench.until(
    () => player.dma.unfinished === 0,
    () => 'a completion timeout',
  );
  done();
  player.shortTimeout(false);
  player.dma.answers.held = false;
  player.bench.until(
    () => player.dma.answers.done,
    () => 'late completions',
  );
  player.settle();
  player.bench.drive('free', 0);
  player.count('DMA read without answer');
}
