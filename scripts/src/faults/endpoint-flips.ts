import { type BatchFailure, batchFailure } from '../soak/batch-failure.ts';
import { settingsCount } from '../soak/generate.ts';
import { Player } from '../soak/player.ts';
import { Random } from '../soak/random.ts';
import { seal } from '../soak/reference/digest.ts';
import { areas, atomic, configRequest, memoryBase, memoryRequest, withBody } from '../soak/stimuli.ts';
import { classOf, describe, isMessage, messageCode, nothing, type Tlp } from '../soak/tlp.ts';
import {
  type BeatBit,
  type BeatMemory,
  beatsIn,
  bodyBit,
  flipBit,
  headerBit,
  headerBits,
  idle,
  otherForm,
  rareBits,
  toldOf,
  untold,
} from './beat-bits.ts';
import { type CampaignOptions, playBatches } from './campaign.ts';
import { type CampaignOutcome, rowsOf } from './report.ts';
import { flipSigns } from './signs.ts';

/** Where received TLPs wait for the endpoint, before their digests are checked. Completions, which it asks for, never have to. */
const buffers: readonly BeatMemory[] = ['posted', 'non-posted'].map((name, i) => ({
  path: `endpoint.layer.link.link_end.receiver.buffer_${i}.words`,
  place: `the receive buffer of ${name} TLPs`,
  below: 0,
}));

/** Flips from one reset of the endpoint to the next. */
const flipsOfBatch = 16;

/**
 * Lets bits of TLPs with digests flip in the receive buffers of an endpoint. The endpoint has to drop such a TLP and to tell of it, or takes it as it was sent;
 * everything else is as the reference of the soak says.
 */
export function endpointFlips(options: CampaignOptions): CampaignOutcome {
  const { width, engine } = options;
  using player = new Player(
    width,
    engine,
    buffers.map(({ path }) => path),
  );
  const { counts } = player.reference.faults;
  const start = player.bench.cycle;
  const played = playBatches(options, counts, seed => new Batch(player, seed).play());
  const tlps = [...player.counts.values()].reduce((sum, count) => sum + count, 0);
  return { rows: rowsOf(counts, flipSigns), tlps, cycles: player.bench.cycle - start, ...played };
}

class Batch {
  private readonly player: Player;
  private readonly random: Random;
  private serial = 0;
  private last = 'no bit has flipped yet';

  constructor(player: Player, seed: number) {
    this.player = player;
    this.random = new Random(seed);
  }

  play(): BatchFailure | undefined {
    const { player } = this;
    try {
      player.start(this.settings());
      for (let i = 0; i < flipsOfBatch; i++) this.flip();
      player.finish();
      return undefined;
    } catch (error) {
      const { message, hang } = batchFailure(error);
      return { message: `cycle ${player.bench.cycle}: ${message}\n  ${this.last}`, hang };
    }
  }

  /** Nothing holds up by itself, function 0 checks digests, and each function sends a message for each error. */
  private settings(): number[] {
    const settings = Array.from({ length: settingsCount }, () => this.random.next());
    settings[0] = 0;
    for (const f of [2, 3, 4]) settings[f] = (((settings[f] ?? 0) & ~96) | 31) >>> 0;
    settings[21] = ((settings[21] ?? 0) | 2) >>> 0;
    return settings;
  }

  /** Lets a bit flip in the middle of a burst, of which the reference hears when it is known whether the endpoint had anything against it. */
  private flip(): void {
    const { player, random } = this;
    const { bench, reference } = player;
    const sent: Tlp[] = [];
    let bit: BeatBit | undefined;
    bench.hold();
    bench.stall('link_up', 255, 255);
    // Until requests wait at the host, for the endpoint has no more room.
    const early = random.below(4) === 0;
    while (!bit) {
      for (let i = random.below(8); i >= 0; i--) sent.push(this.send());
      const before = bench.waiting;
      bench.advance();
      if (early || (before > 0 && bench.waiting >= before)) bit = this.choose(sent);
    }
    const { stored, altered } = bit;
    const { memory, word, beat, tlp } = stored;
    this.last = `bit ${bit.bit} of word ${word} of ${memory.path} flipped (${bit.part}) in cycle ${bench.cycle}, beat ${beat} of ${describe(tlp)}`;
    flipBit(bench.view(memory.path), word, bit.bit);
    bench.stall('link_up', 0, 0);
    bench.drive('free', 1);
    bench.silence(256);
    bench.drive('free', 0);
    const told = bench.kept.some(t => isMessage(t) && [0x30, 0x31, 0x33].includes(messageCode(t)));
    this.count(bit, told);
    for (const t of sent) reference.receive(told && t === tlp ? altered : t);
    bench.release();
    // The header log is of the last beat's copy, where the bit has not flipped.
    player.inspect(altered.body !== tlp.body || tlp.body.length <= player.width / 8);
  }

  private count(bit: BeatBit, told: boolean): void {
    const { faults } = this.player.reference;
    const { part, stored, altered } = bit;
    const what = `flipped: ${part} in ${stored.memory.place}`;
    if (told) faults.injected(`${what}: ${toldOf(altered, this.player.width)}`, altered);
    else {
      const itself = {};
      faults.injected(
        `${what}: ${idle(bit) ? 'means nothing' : altered === stored.tlp ? 'no effect' : 'not read any more'}`,
        itself,
      );
      faults.found(itself, 'harmless');
    }
  }

  /** A request with a digest, and an ID that no other of the batch has. */
  private send(): Tlp {
    const { player, random } = this;
    const t = withBody({ ...this.plain(), td: 1, body: nothing, ...this.identity() }, random.next());
    seal(t);
    player.count('request with a digest');
    player.bench.send(t);
    return t;
  }
  private identity() {
    const serial = this.serial++;
    return { requester: 0x7000 + (serial >>> 10), tag: serial & 0x3ff };
  }
  private plain(): Tlp {
    const { player, random } = this;
    const { bases } = player;
    const n = { a: random.next(), b: random.next(), c: random.next() & ~0x1e00, d: random.next() };
    const bytes = (of: number, offset: number, size: number) =>
      player.reference.memory.bytes.slice(memoryBase(of) + offset, memoryBase(of) + offset + size);
    switch (random.below(8)) {
      case 0:
      case 1:
        return memoryRequest(areas.memory, n, { bases, write: true, limit: 32 });
      case 2:
        return memoryRequest(areas.memory, n, { bases, write: false, limit: 64 });
      case 3:
        return configRequest({ device: player.device, function: n.a % 3, offset: 0x0c }, undefined);
      default:
        return atomic(n, bases, bytes);
    }
  }

  /** A bit of a beat in a buffer. */
  private choose(sent: readonly Tlp[]): BeatBit | undefined {
    const { random } = this;
    const { bench, width } = this.player;
    const of = random.below(16) === 0 ? 0 : 1;
    const memory = buffers[of];
    if (!memory) return undefined;
    const all = beatsIn(
      bench.view(memory.path),
      memory,
      sent.filter(t => classOf(t) === of),
      width,
    );
    // What came last is what waits, if anything does.
    const newest = sent.filter(t => all.some(({ tlp }) => tlp === t)).slice(-3);
    const list = all.filter(({ tlp }) => newest.includes(tlp));
    const stored = list[random.below(Math.max(1, list.length))];
    if (!stored) return undefined;
    for (;;) {
      const rare = rareBits[random.below(4 * rareBits.length)];
      const bit =
        random.below(2) === 0
          ? headerBit(stored, width, rare ?? random.below(headerBits))
          : bodyBit(stored, width, random.below(width));
      // Credits are counted of what is stored, and addresses compared whole, whatever form the header has: see `endpoint-unprotected.ts`.
      if (bit && !untold(bit) && !bit.credits && bit.part !== otherForm) return bit;
    }
  }
}
