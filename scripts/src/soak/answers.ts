import type { Player } from './player.ts';
import { seal } from './reference/digest.ts';
import { Kind } from './reference/errors.ts';
import { Flag } from './reference/transfers.ts';
import type { Numbers } from './stimuli.ts';
import { bodyDwords, describe, dwords, hasData, type Tlp } from './tlp.ts';

/** Operations in which the host answers the DMA wrongly: not at all, too late, altered, to somebody else, or twice. */

const offsetOf = (d: number): number => 24 * 1024 + 1024 * (d % 8) + ((d >>> 3) & 63);

/** Lets the DMA read some bytes, which are answered in one piece. */
function readSome(player: Player, { a, b, d }: Numbers, outcome: number): void {
  const read = {
    opcode: 'read',
    bytes: 1 + (b % 60),
    inner: a & 0xf80,
    high: 1,
    offset: offsetOf(d),
    flags: Flag.status,
  } as const;
  player.dma.give({ ...read, outcome });
  player.ringTail();
  player.count('DMA read');
}

/** Sends what is to come of an answer. @returns the class of the fault. */
type Damage = (player: Player, answer: Tlp, number: number) => string;

const lose: Damage = () => 'lost: CplD for the DMA';

const damages: readonly Damage[] = [
  lose,
  // Its digest is wrong: it is thrown away.
  (player, answer, number) => {
    const { errors, faults, checking } = player.reference;
    if (checking === 0) return lose(player, answer, number);
    const altered = { ...answer, td: 1, body: new Uint8Array(4 * dwords(answer) + 4) };
    altered.body.set(answer.body);
    seal(altered);
    const byte = number % altered.body.length;
    altered.body[byte] = (altered.body[byte] ?? 0) ^ (1 << ((number >>> 8) % 8));
    faults.injected('wrong digest: CplD for the DMA', altered);
    errors.add(Kind.ecrc, checking, false, 2, altered);
    player.bench.send(altered);
    return 'lost: CplD for the DMA, by a wrong digest';
  },
  // It goes to a tag that is not in use, or to another function.
  (player, answer, number) => {
    const requester = player.reference.functions[1 + (number % 2)]?.id ?? 0;
    const tag = answer.tag ^ (1 << ((number >>> 2) % 10));
    const other = number % 3 === 0 ? { requester } : { tag };
    player.inject('foreign: CplD that belongs to another', 'unexpected completion', { ...answer, ...other });
    return 'lost: CplD for the DMA, astray';
  },
];

/** A read of the DMA whose answer does not come: it ends by the completion timeout (C59). */
export function lostAnswer(player: Player, n: Numbers): void {
  player.quiet();
  player.bench.drive('free', 1);
  player.shortTimeout(true);
  const { answers } = player.dma;
  answers.held = true;
  readSome(player, n, 6);
  let answer: Tlp | undefined;
  player.bench.until(
    () => {
      answer ??= answers.withhold()[0];
      return answer !== undefined;
    },
    () => 'a read of the DMA',
  );
  if (!answer) return;
  const damage = damages[n.c % damages.length] ?? lose;
  const done = player.begin(damage(player, answer, n.c >>> 8));
  const what = describe(answer);
  player.bench.until(
    () => player.dma.unfinished === 0,
    () => `the timeout of a read that lost its answer ${what}`,
  );
  done();
  player.shortTimeout(false);
  answers.held = false;
  player.settle();
  player.bench.drive('free', 0);
}

/** A completion that is for a read that waits, but for one field: what is changed. */
const forgeries: readonly ((answer: Tlp, number: number) => readonly [what: string, changed: Partial<Tlp>])[] = [
  ({ high }, n) => ['Byte Count', { high: (high & ~0xfff) | ((high + 1 + (n % 0xffe)) & 0xfff) }],
  ({ low }, n) => ['Lower Address', { low: low ^ (1 + (n % 127)) }],
  ({ length }, n) => ['length', length > 1 ? { length: 1 + (n % (length - 1)) } : { fmt: 0, length: 0 }],
  () => ['type', { type: 11 }],
];

/** Before the answer to a read comes one that looks like it (C55, C58). */
export function forgedAnswer(player: Player, n: Numbers): void {
  player.quiet();
  const { answers } = player.dma;
  answers.held = true;
  readSome(player, n, 0);
  player.bench.until(
    () => answers.preview() !== undefined,
    () => 'a read of the DMA',
  );
  const answer = answers.preview();
  const forge = forgeries[n.c % forgeries.length];
  // A failed one needs nothing but its tag to be right.
  if (answer && forge && hasData(answer)) {
    const [what, changed] = forge(answer, n.c >>> 8);
    const forged = { ...answer, ...changed };
    forged.high >>>= 0;
    const body = new Uint8Array(4 * bodyDwords(forged));
    body.set(answer.body.subarray(0, body.length));
    player.inject(`foreign: CplD with another ${what}`, 'unexpected completion', { ...forged, body });
  }
  answers.held = false;
  player.quiet();
}

/** A completion comes a second time, when nobody waits for it any more (C58). */
export function doubledAnswer(player: Player, n: Numbers): void {
  player.quiet();
  if (!player.dma.answers.last) {
    readSome(player, n, 0);
    player.quiet();
  }
  const { last } = player.dma.answers;
  if (last) player.inject('doubled: CplD for the DMA', 'unexpected completion', { ...last });
  // Once its tag is in use again nobody could tell it from the right one.
  player.settle();
}
