import { Mismatch, same } from '../soak/reference/mismatch.ts';
import { tlp } from '../soak/tlp.ts';
import { traffic } from './switch-batch.ts';
import { malformed } from './switch-faults.ts';
import { hostile } from './switch-harness.ts';
import { register, type SwitchPlayer } from './switch-player.ts';
import { PortKind } from './switch-reference.ts';

/** Windows in which the hostile link changes its state in the middle of traffic, or its credits go wrong. */

/** Cycles after which every limit has been sent again. */
const refresh = 4096;

/** Of the control register of containment; and its status then. */
const softwareTrigger = 1 << 22;
const bySoftware = 7 | (1 << 5);

/** Begins a fault that is no TLP. @returns what says that it went well. */
function begin({ faults }: SwitchPlayer, name: string): (sign?: 'alone' | 'harmless') => void {
  const itself = {};
  faults.injected(name, itself);
  return (sign = 'alone') => faults.found(itself, sign);
}

function untilUp({ bench }: SwitchPlayer, up: boolean): void {
  bench.until(
    () => (bench.look('up') === 1) === up,
    () => `the hostile link to be ${up ? 'up' : 'down'}`,
  );
  // The partner begins anew when all that it received is taken, which pauses of up to 255 cycles hold up; till then it drops what it is to send.
  if (up) bench.pass(600);
}

/** Traffic of which all that touches the hostile link may be lost; what is for it and does not get there may be told. */
function riskyTraffic(player: SwitchPlayer): void {
  const { random, board, bench } = player;
  board.allow((1 << PortKind.unsupported) | (1 << PortKind.unexpected));
  traffic(player, 10 + random.below(20), true);
  for (let i = random.below(3); i > 0; i--) bench.advance();
  bench.pass(random.below(200));
}

/** The device is pulled out, and is back after a while (C71e, C91). */
function pulled(player: SwitchPlayer): void {
  const { random, bench, board } = player;
  const done = begin(player, 'state: link goes down');
  riskyTraffic(player);
  bench.drive('pulled', 1);
  bench.pass(1 + random.below(100));
  board.logs(hostile, PortKind.surpriseDown);
  traffic(player, 6, true);
  untilUp(player, false);
  bench.drive('pulled', 0);
  untilUp(player, true);
  done();
}

/** The link is trained anew: nothing is lost. */
function retrained(player: SwitchPlayer): void {
  const { random, bench } = player;
  const done = begin(player, 'state: link is trained anew');
  traffic(player, 16);
  bench.pass(random.below(100));
  bench.drive('retrain', 1);
  bench.pass(1 + random.below(60));
  bench.drive('retrain', 0);
  traffic(player, 8);
  player.settle();
  done();
}

/** Software takes the link down by a bit of a register, and lets it up again. */
const heldDown = (name: string, offset: number, bit: number) => (player: SwitchPlayer) => {
  const { random, bench } = player;
  const done = begin(player, `state: ${name}`);
  riskyTraffic(player);
  player.write(hostile, offset, bit);
  player.wait();
  untilUp(player, false);
  traffic(player, 6, true);
  bench.pass(random.below(200));
  release(player, offset, bit);
  player.write(hostile, offset, 0);
  player.wait();
  untilUp(player, true);
  done();
};

/** While the link is down requests for it are refused, and all else for it is dropped. */
function release(player: SwitchPlayer, offset: number, bit: number): void {
  const port = player.reference.ports[hostile];
  if (!port) return;
  same(`register 0x${offset.toString(16)}`, player.readNow(hostile, offset) & bit, bit);
  port.link = 'down';
  refusedRequests(player, 'a link that is down');
  port.link = 'up';
}

function refusedRequests(player: SwitchPlayer, what: string): void {
  const { random, make } = player;
  player.settle();
  for (let i = 1 + random.below(4); i > 0; i--) {
    const from = [0, 2, 3, 4][random.below(4)] ?? 0;
    const t = make.read(from, hostile);
    // Access control may send it up first.
    if (player.reference.judge(t, from).status !== undefined) player.inject(`unsupported: MRd to ${what}`, t, from);
  }
  player.settle();
}

/** The port contains an error of its own, or one that is told from below (C91). */
const contained = (cause: 'malformed TLP' | 'ERR_FATAL' | 'software') => (player: SwitchPlayer) => {
  const { random, bench, make } = player;
  const port = player.reference.ports[hostile];
  if (!port) return;
  const refuses = random.below(2);
  const control = (1 << 16) | (refuses << 18);
  player.write(hostile, register.dpc, control);
  player.wait();
  const done = begin(player, `state: contained after ${cause}`);
  riskyTraffic(player);
  let due = 1;
  if (cause === 'malformed TLP') {
    const [, t] = malformed(player) ?? [];
    const judgement = t && player.reference.judge(t, hostile);
    // One with the wrong number of beats may go on, or be refused: then it is software after all.
    if (t && judgement?.to === undefined && judgement?.error === PortKind.malformed) player.send(hostile, t);
    else {
      player.write(hostile, register.dpc, control | softwareTrigger);
      due = bySoftware;
    }
  } else if (cause === 'ERR_FATAL') {
    const { requester } = make.identity(make.bus(hostile));
    player.bench.send(hostile, tlp({ fmt: 1, type: 16, length: 0, last_be: 3, first_be: 3, requester }));
    due = (requester << 16) | 5;
  } else {
    player.write(hostile, register.dpc, control | softwareTrigger);
    due = bySoftware;
  }
  traffic(player, 6, true);
  untilUp(player, false);
  same('what contained the port', player.readNow(hostile, register.dpcStatus), due >>> 0);
  port.link = refuses ? 'down' : 'contained';
  refusedRequests(player, 'a contained port');
  player.write(hostile, register.dpc, 0);
  player.write(hostile, register.dpcStatus, 1);
  player.wait();
  port.link = 'up';
  untilUp(player, true);
  bench.pass(random.below(64));
  done();
};

/** Updates of credits are lost for a while (C70b). */
function lostLimits(player: SwitchPlayer): void {
  const { random, bench } = player;
  const which = 1 + random.below(3);
  const done = begin(player, `lost limits: ${['', 'to the device', 'to the port', 'in both directions'][which]}`);
  bench.drive('lose_limits', which);
  traffic(player, 12 + random.below(20));
  for (let i = random.below(16); i > 0; i--) bench.advance();
  bench.drive('lose_limits', 0);
  const end = bench.cycle + 4 * refresh;
  player.settle();
  if (bench.cycle < end) done('harmless');
}

/** The device sends more than it has credits for (C70e); then its link is reset. */
function overrun(player: SwitchPlayer): void {
  const { random, bench, board, make, faults } = player;
  const port = player.reference.ports[hostile];
  if (!port?.busMaster) return;
  player.settle();
  const of = random.below(2);
  bench.drive(`beyond_${of}`, 24);
  for (let cycle = 0; cycle < refresh + 256; cycle += 32) bench.advance();
  // The host takes nothing: so the port keeps what it gets.
  bench.drive('stall_0_closed', 255);
  const sent = Array.from({ length: 32 }, () => {
    const t = of === 0 ? make.write(hostile, 0, 1) : make.read(hostile, 0);
    player.send(hostile, t, true);
    return t;
  });
  bench.silence(512);
  bench.drive('stall_0_closed', 0);
  bench.silence(256);
  const lost = board.writeOff();
  const first = sent.find(t => lost.includes(t));
  if (!first) throw new Mismatch(`${sent.length} TLPs were received with too few credits`);
  faults.injected(`overrun: ${of === 0 ? 'posted' : 'non-posted'} TLPs beyond the credits`, first);
  board.logs(hostile, PortKind.overflow, first);
  player.write(hostile, register.bridgeControl, 1 << 22);
  player.wait();
  untilUp(player, false);
  bench.drive(`beyond_${of}`, 0);
  player.write(hostile, register.bridgeControl, 0);
  player.wait();
  untilUp(player, true);
}

/** By name, in the order in which batches take them in turn. */
export const states: Readonly<Record<string, (player: SwitchPlayer) => void>> = {
  pulled,
  contained_by_error: contained('malformed TLP'),
  overrun,
  reset: heldDown('secondary bus reset', register.bridgeControl, 1 << 22),
  lost_limits: lostLimits,
  contained_by_message: contained('ERR_FATAL'),
  disabled: heldDown('link disabled', register.link, 1 << 4),
  retrained,
  contained_by_software: contained('software'),
};
export const stateNames = Object.keys(states) as readonly string[];
