import { type BatchFailure, batchFailure } from '../soak/batch-failure.ts';
import { Random } from '../soak/random.ts';
import { classOf } from '../soak/tlp.ts';
import { again, answered, type Fault, foreign, malformed, others, poisoned, sentUp, toldByBit } from './switch-faults.ts';
import { hostile, links } from './switch-harness.ts';
import type { SwitchPlayer } from './switch-player.ts';
import type { AccessControl, PortState } from './switch-reference.ts';
import { stateNames, states } from './switch-states.ts';

/** Windows from one reset to the next, the last of which has no faults. */
const windows = 40;

/** A batch of faults at the hostile port, from a reset of the switch to the next; everything follows from the seed. */
export function playSwitchBatch(player: SwitchPlayer, seed: number): BatchFailure | undefined {
  let window = 0;
  try {
    const random = new Random(seed);
    const isolated = random.below(3) > 0;
    player.start(random.next(), statesOf(random, isolated));
    player.board.isolated = isolated;
    for (; window < windows; window++) {
      play(player, seed, window);
      player.inspect();
    }
    player.faults.end();
    return undefined;
  } catch (error) {
    const { message, hang } = batchFailure(error);
    return { message: `window ${window}, cycle ${player.bench.cycle}: ${message}`, hang };
  }
}

/** Settings of the ports. An isolated hostile port reaches no peer, but by completions with relaxed ordering (C76). */
function statesOf(random: Random, isolated: boolean): PortState[] {
  const flag = () => random.below(2) === 0;
  const access = (): AccessControl => ({
    sourceValidation: flag(),
    translationBlocking: flag(),
    requestRedirect: flag(),
    completionRedirect: flag(),
    upstreamForwarding: flag(),
    egressControl: random.below(4) === 0,
    directTranslated: flag(),
    vector: random.below(16) << 1,
  });
  const confined = (): AccessControl => {
    const egressControl = flag();
    const rest = { requestRedirect: egressControl ? flag() : true, completionRedirect: true, directTranslated: false };
    return { ...access(), ...rest, egressControl, vector: 0x1e };
  };
  return Array.from({ length: links }, (_, link) => ({
    acs: link === hostile && isolated ? confined() : access(),
    busMaster: link !== hostile || random.below(8) > 0,
    payload: 128 << random.below(2),
    link: 'up',
  }));
}

function play(player: SwitchPlayer, seed: number, window: number): void {
  const { random } = player;
  const state = states[stateNames[(seed + window) % stateNames.length] ?? ''];
  if (window === windows - 1) traffic(player, 24);
  else if (window % 10 === 9 && state) state(player);
  else if (random.below(5) < 2)
    mixed(
      player,
      toldByBit.map(list => list[random.below(list.length)] ?? malformed),
    );
  else {
    const list = Array.from({ length: 16 + random.below(49) }, () => answered[random.below(answered.length)] ?? others(false));
    mixed(player, [...list, malformed, foreign(true), poisoned]);
  }
}

/** Faults among good traffic, in any order. */
function mixed(player: SwitchPlayer, faults: readonly Fault[]): void {
  const { random } = player;
  const more = Array.from({ length: random.below(4) }, () => sentUp[random.below(sentUp.length)] ?? others(true));
  const all: (Fault | undefined)[] = [...faults, ...more, ...Array<undefined>(6 + random.below(8)).fill(undefined)];
  while (all.length > 0) {
    const [next] = all.splice(random.below(all.length), 1);
    const fault = next?.(player);
    if (fault) {
      player.inject(...fault);
      const copy = random.below(16) === 0 ? again(player, fault[1]) : undefined;
      if (copy) player.inject(...copy);
    } else traffic(player, 1);
    if (random.below(8) === 0) player.bench.advance();
  }
}

/** Good TLPs between any links. */
export function traffic(player: SwitchPlayer, count: number, lossy = false): void {
  const { random, make, reference } = player;
  for (let i = 0; i < count; i++) {
    const from = random.below(links);
    const to = (from + 1 + random.below(links - 1)) % links;
    const touched = lossy && (from === hostile || to === hostile);
    const t = make.good(from, to);
    const judgement = reference.judge(t, from);
    if (judgement.to === undefined || judgement.error !== undefined) continue;
    // A request to a link that goes down may be answered by the port.
    if (touched && to === hostile && classOf(t) === 1) continue;
    player.send(from, t, touched);
  }
}
