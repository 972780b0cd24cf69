import { expect, test } from 'vitest';
import { simulate } from '../../hdl/src/engine/simulate.ts';
import { Random } from '../../hdl/test/random.ts';
import { MediaPorts } from '../src/endpoint/dma/media-ports.ts';

test.each([
  [64, 63, 31],
  [512, 1039, 31],
])('media go to whom the jobs say, and jobs of different engines wait for each other (%i bits, up to %i reads and %i copies)', (width, reads, copies) => {
  using sim = simulate(() => new MediaPorts({ width, reads, copies }));
  const { dut } = sim;
  const random = new Random(width);
  const get = (signal: Parameters<typeof sim.peek>[0]) => Number(sim.peek(signal));
  const inside = { reading: 0, copying_in: 0, copying_out: 0 };
  let [writing, due] = [false, 0];
  // Phases in which one engine takes more than is answered, and others in which all is.
  const phases = ['copies', 'ends', 'write', 'reads', 'ends'];
  let [phase, turns, until] = ['copies', 0, 0];
  const highest = { ...inside };
  for (let cycle = 0; cycle < 60 * 50 + 8 * reads; cycle++) {
    if (cycle >= until) {
      phase = phases[turns++ % phases.length] ?? phase;
      until = cycle + (phase === 'reads' || phase === 'ends' ? 100 + 1.4 * reads : 200);
    }
    const turn = (...phases: string[]) => random.chance(phases.includes(phase) ? 0.9 : 0.1);
    const offered = { write: turn('write'), read: turn('reads') };
    const drop = random.chance(0.5);
    const flags = {
      in: random.below(2),
      write: random.below(2),
      copy: random.below(2),
      out: random.below(2),
      read: random.below(2),
      from: random.below(2),
    };
    const words = [random.bits(width), random.bits(width), random.bits(width)] as const;
    sim.poke(dut.write_offered, offered.write ? 1 : 0);
    sim.poke(dut.read_offered, offered.read ? 1 : 0);
    sim.poke(dut.drop_unwanted, drop ? 1 : 0);
    sim.poke(dut.media_in.valid, flags.in);
    sim.poke(dut.media_in.payload, words[0]);
    sim.poke(dut.to_write.ready, flags.write);
    sim.poke(dut.to_copy.ready, flags.copy);
    sim.poke(dut.media_out.ready, flags.out);
    sim.poke(dut.from_read.valid, flags.read);
    sim.poke(dut.from_read.payload, words[1]);
    sim.poke(dut.from_copy.valid, flags.from);
    sim.poke(dut.from_copy.payload, words[2]);
    sim.settle();
    const where = `seed ${width}, cycle ${cycle}`;
    const may = {
      write: !writing && inside.copying_in === 0,
      copy_in: !writing && !offered.write,
      read: inside.copying_out === 0,
      copy_out: inside.reading === 0 && !offered.read,
    };
    const wanted = writing && due > 0;
    const drops = !writing && drop;
    const reading = inside.reading > 0;
    const got = [
      ...[dut.write_may, dut.copy_in_may, dut.read_may, dut.copy_out_may, dut.drop],
      ...[dut.to_write.valid, dut.to_copy.valid, dut.media_in.ready],
      ...[dut.media_out.valid, dut.from_read.ready, dut.from_copy.ready],
    ].map(get);
    expect(got.join(), where).toBe(
      [
        ...[may.write, may.copy_in, may.read, may.copy_out, !writing].map(Number),
        ...[
          wanted ? flags.in : 0,
          writing || drops ? 0 : flags.in,
          writing ? (wanted ? flags.write : 0) : drops ? 1 : flags.copy,
        ],
        ...[reading ? flags.read : flags.from, reading ? flags.out : 0, reading ? 0 : flags.out],
      ].join(),
    );
    const data = [dut.to_write.payload, dut.to_copy.payload, dut.media_out.payload].map(sent => sim.peek(sent));
    expect(data.join(), where).toBe([words[0], words[0], reading ? words[1] : words[2]].join());

    // What the engines tell: they take what they may, and answer what they have.
    const length = random.pick([0, 1, random.below(300), 2 ** 32 - 1]);
    const takes = { write: may.write && offered.write, read: may.read && offered.read && inside.reading < reads };
    const next = {
      copying_in: {
        takes: may.copy_in && turn('copies') && inside.copying_in < copies,
        answers: inside.copying_in > 0 && turn('ends', 'write'),
      },
      copying_out: {
        takes: may.copy_out && turn('copies') && inside.copying_out < copies,
        answers: inside.copying_out > 0 && turn('ends', 'write', 'reads'),
      },
      reading: { takes: takes.read, answers: inside.reading > 0 && turn('ends', 'write') },
    };
    const ends = writing && random.chance(due === 0 ? 0.5 : 0.02);
    sim.poke(dut.write_taken, takes.write ? 1 : 0);
    sim.poke(dut.write_length, length);
    sim.poke(dut.write_answered, ends ? 1 : 0);
    sim.poke(dut.read_taken, next.reading.takes ? 1 : 0);
    sim.poke(dut.read_answered, next.reading.answers ? 1 : 0);
    sim.poke(dut.copy_in_taken, next.copying_in.takes ? 1 : 0);
    sim.poke(dut.copy_in_answered, next.copying_in.answers ? 1 : 0);
    sim.poke(dut.copy_out_taken, next.copying_out.takes ? 1 : 0);
    sim.poke(dut.copy_out_answered, next.copying_out.answers ? 1 : 0);
    sim.step();
    if (wanted && flags.in === 1 && flags.write === 1) due--;
    if (ends) writing = false;
    if (takes.write) [writing, due] = [true, Math.ceil((8 * length) / width)];
    for (const name of ['reading', 'copying_in', 'copying_out'] as const) {
      inside[name] += Number(next[name].takes) - Number(next[name].answers);
      highest[name] = Math.max(highest[name], inside[name]);
    }
  }
  expect([highest.copying_in, highest.copying_out]).toEqual([copies, copies]);
  expect(highest.reading).toBe(reads);
});
