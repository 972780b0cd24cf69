import { checkErrors } from './inspection.ts';
import type { Player } from './player.ts';
import { Kind } from './reference/errors.ts';
import { Mismatch } from './reference/mismatch.ts';
import { hotReset } from './states.ts';
import { areas, memoryBase, memoryRequest, type Numbers } from './stimuli.ts';
import type { Tlp } from './tlp.ts';

/** Operations in which the credits of the link go wrong. */

/** Cycles after which every limit has been sent again. */
const refresh = 4096;
/** Credits that the host uses beyond those that it was granted. */
const excess = 8;
/** Header credits of the endpoint: posted, non-posted. */
const granted = [6, 4] as const;

/** Updates of credits are lost for a while, in one direction or in both (C70b). */
export function lostLimits(player: Player, { a, b, c, d }: Numbers): void {
  const { faults } = player.reference;
  const which = 1 + (a % 3);
  const lost = {};
  faults.injected(`lost limits: ${['', 'to the host', 'to the endpoint', 'in both directions'][which]}`, lost);
  player.bench.drive('lose_limits', which);
  for (let i = 0; i < 4 + (b % 12); i++) {
    const n = { a: (a + Math.imul(i, 0x85eb_ca6b)) >>> 0, b: b >>> i, c, d: d + i };
    const write = ((c >>> i) & 1) === 0;
    const t = memoryRequest(areas.memory, n, { bases: player.bases, write, limit: write ? 32 : 128 });
    player.send(write ? 'MWr to memory' : 'MRd of memory', t);
  }
  for (let i = 0; i < d % 16; i++) player.bench.advance();
  player.bench.drive('lose_limits', 0);
  const end = player.bench.cycle + 2 * refresh;
  player.settle();
  if (player.bench.cycle < end) faults.found(lost, 'harmless');
  // A request that waits for credits may time out before it leaves: later operations do not expect that.
  while (player.bench.cycle < end - refresh + 128) player.bench.advance();
}

/** Whether a write of one DW is in the memory. */
function isThere(player: Player, memory: Uint8Array, t: Tlp): boolean {
  const f = areas.memory.findIndex(({ function: of, bar }) => player.bases[of]?.[bar]?.low === (t.low & ~0x7fff) >>> 0);
  const place = memoryBase(f) + (t.low & 0x3fff);
  return t.body.every((byte, i) => memory[place + i] === byte);
}

/** The host sends more than it has credits for: what is beyond them is lost, and told (C70e); then the link is reset. */
export function overrun(player: Player, n: Numbers): void {
  const { bench, reference } = player;
  const { errors, faults, requests } = reference;
  player.checkpoint();
  bench.drive('free', 1);
  const of = n.a & 1;
  bench.drive(`beyond_${of}`, excess);
  for (let cycle = 0; cycle < refresh + 256; cycle += 64) bench.advance();
  bench.drive('hold_limits', 1);
  const sent = Array.from({ length: (granted[of] ?? 0) + excess }, (_, i) => {
    const numbers = { a: ((n.a >>> 1) + (i << 4)) >>> 0, b: 0, c: 0, d: n.d + i };
    const t = memoryRequest(areas.memory, numbers, { bases: player.bases, write: of === 0, limit: 1 });
    if (of === 1) player.send('MRd of memory', t);
    else bench.send(t);
    return t;
  });
  bench.silence(512);
  bench.drive('hold_limits', 0);
  bench.silence(512);
  const memory = of === 0 ? bench.memory() : undefined;
  const lost = sent.filter(t => (memory ? !isThere(player, memory, t) : requests.forget(t)));
  const [first] = lost;
  if (!first) throw new Mismatch(`${sent.length} TLPs were received with ${granted[of]} credits`);
  if (lost.length > excess) throw new Mismatch(`${lost.length} TLPs are lost, of ${excess} beyond the credits`);
  if (memory) for (const t of sent) if (!lost.includes(t)) reference.receive(t);
  faults.injected(`overrun: ${of === 0 ? 'posted' : 'non-posted'} TLPs beyond the credits`, first);
  for (const t of lost) errors.add(Kind.overflow, 0xff, false, of === 0 ? 0 : 1, t);
  checkErrors(player, { logs: true, apart: true });
  // Nothing had told of such an error before.
  faults.found(first, 'alone');
  hotReset(player, { ...n, b: 0 });
}
