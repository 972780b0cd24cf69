import type { Engine } from '@hdl/ts-hdl';
import { hostile, links } from '../../faults/switch-harness.ts';
import { TlpMaker } from '../../faults/switch-plan.ts';
import { register, SwitchPlayer } from '../../faults/switch-player.ts';
import type { AccessControl, Judgement, PortState } from '../../faults/switch-reference.ts';
import { Random } from '../../soak/random.ts';
import { Mismatch } from '../../soak/reference/mismatch.ts';
import { rightLength } from '../../soak/reference/rules.ts';
import { classOf, type Tlp } from '../../soak/tlp.ts';
import { type Bins, binOf } from './bins.ts';
import { Candidates } from './candidates.ts';

/** Windows from one reset to the next, and TLPs that are looked at for each. */
const windows = 8;
const tries = 3000;
/** TLPs of a combination that are sent, at most, and in a window. */
const enough = 4;
const most = 48;

const linkDisable = 1 << 4;
const softwareTrigger = 1 << 22;

/** What a window has of errors: one that a completion tells too may be there several times, another one only if it is the only one. */
type Slots = Map<string, 'answered' | 'alone'>;

/**
 * Goes for combinations of the cross that have not been seen often: makes TLPs at random, asks the reference what combination each is, and sends those that
 * are wanted. What comes of them is compared with the reference as in the faults campaign. @throws Error with the seed of a batch that is wrong.
 */
export function coverSwitch(
  engine: Engine,
  bins: Bins,
  { seed, batches }: { readonly seed: number; readonly batches: number },
): void {
  using player = new SwitchPlayer(64, engine, (t, cause) => bins.checked(t, cause));
  for (let i = 0; i < batches; i++) {
    const random = new Random(seed + i);
    try {
      player.start(random.next(), portsOf(random));
      for (let window = 0; window < windows; window++) play(player, bins, window);
    } catch (error) {
      const hang = error instanceof Error && error.name === 'Hang';
      if (!(error instanceof Mismatch || hang)) throw error;
      throw new Error(`seed ${seed + i}, cycle ${player.bench.cycle}: ${error.message}`);
    }
  }
}

function portsOf(random: Random): PortState[] {
  const flag = (of = 2) => random.below(of) === 0;
  const access = (): AccessControl => ({
    sourceValidation: flag(4),
    translationBlocking: flag(4),
    requestRedirect: flag(),
    completionRedirect: flag(),
    upstreamForwarding: flag(),
    egressControl: flag(),
    directTranslated: flag(3),
    vector: random.below(16) << 1,
  });
  return Array.from({ length: links }, (_, link) => ({
    acs: access(),
    busMaster: link === 0 || !flag(4),
    payload: 128 << random.below(2),
    link: 'up',
  }));
}

/** The state of the hostile link in a window. */
const linkOf = (window: number): PortState['link'] => (['up', 'up', 'down', 'up', 'contained'] as const)[window % 5] ?? 'up';

function play(player: SwitchPlayer, bins: Bins, window: number): void {
  const link = linkOf(window);
  takeDown(player, link);
  // All that was sent before has been answered: its IDs are free.
  player.make = new TlpMaker(player.random);
  const candidates = new Candidates(player.random, player.make, player.width);
  const slots: Slots = new Map();
  const planned = new Map<string, number>();
  let sent = 0;
  for (let i = 0; i < tries && sent < most; i++) {
    const from = player.random.below(links);
    if (link !== 'up' && from === hostile) continue;
    const t = candidates.next(from);
    const judgement = player.reference.judge(t, from);
    // Of a request that is refused a port may tell twice if its end is wrong too.
    if (judgement.status !== undefined && !rightLength(t, player.width)) continue;
    // The player has requests of its own for the registers of the switch.
    if (judgement.route === 'here' && judgement.trouble === 'none' && classOf(t) === 1) continue;
    const bin = binOf(t, judgement);
    const key = Object.values(bin).join();
    const count = bins.of(bin) + (planned.get(key) ?? 0);
    if (count >= enough || !admits(slots, from, judgement)) continue;
    planned.set(key, (planned.get(key) ?? 0) + 1);
    player.send(from, t);
    sent++;
    if (player.random.below(8) === 0) player.bench.advance();
  }
  // Behind all that is dropped without an answer: when these have arrived, it has.
  for (let from = 0; from < links; from++)
    for (const t of from === hostile && link !== 'up' ? [] : markers(player, from)) player.send(from, t);
  player.inspect();
  bringUp(player, link);
}

/** TLPs of each class that get through from a link. */
function markers({ make, reference }: SwitchPlayer, from: number): readonly Tlp[] {
  const list = from > 0 ? make.markers(from) : [make.write(0, 2), make.read(0, 2), make.completion(0, make.bus(2))];
  return list.filter(t => {
    const { to, error } = reference.judge(t, from);
    return to !== undefined && error === undefined;
  });
}

/** Whether an error can still be told from the others of the window. */
function admits(slots: Slots, from: number, { error, status }: Judgement): boolean {
  if (error === undefined) return true;
  const key = `${from} ${error}`;
  const taken = slots.get(key);
  if (status === undefined ? taken !== undefined : taken === 'alone') return false;
  slots.set(key, status === undefined ? 'alone' : 'answered');
  return true;
}

function takeDown(player: SwitchPlayer, link: PortState['link']): void {
  const port = player.reference.ports[hostile];
  if (link === 'up' || !port) return;
  if (link === 'contained') player.write(hostile, register.dpc, (1 << 16) | softwareTrigger);
  else player.write(hostile, register.link, linkDisable);
  waitFor(player, 0);
  port.link = link;
}

function bringUp(player: SwitchPlayer, link: PortState['link']): void {
  const port = player.reference.ports[hostile];
  if (link === 'up' || !port) return;
  if (link === 'contained') {
    player.write(hostile, register.dpc, 0);
    player.write(hostile, register.dpcStatus, 1);
  } else player.write(hostile, register.link, 0);
  waitFor(player, 1);
  port.link = 'up';
  // The partner begins anew when all that it received is taken.
  player.bench.pass(600);
}

function waitFor(player: SwitchPlayer, up: 0 | 1): void {
  player.wait();
  player.bench.until(
    () => player.bench.look('up') === up,
    () => `the hostile link to be ${up === 1 ? 'up' : 'down'}`,
  );
}
