import { expect, test } from 'vitest';
import { simulate } from '../../hdl/src/engine/simulate.ts';
import { Random } from '../../hdl/test/random.ts';
import { at } from '../src/at.ts';
import { JobCounter } from '../src/endpoint/dma/job-counter.ts';

test.each([
  [1, 31],
  [5, 1039],
])('C84: of %i functions each is idle a cycle after the last of its jobs, of up to %i, was answered', (functions, jobs) => {
  using sim = simulate(() => new JobCounter({ functions, jobs }));
  const { dut } = sim;
  const random = new Random(jobs);
  const inside = Array<number>(functions).fill(0);
  let most = 0;
  let filling = true;
  for (let cycle = 0; cycle < 5 * jobs; cycle++) {
    const total = inside.reduce((a, b) => a + b);
    most = Math.max(most, ...inside);
    if (total === jobs) filling = false;
    if (total === 0) filling = true;
    const idle = inside.reduce((bits, count, f) => bits | (count === 0 ? 1 << f : 0), 0);
    expect(Number(sim.peek(dut.idle)), `seed ${jobs}, cycle ${cycle}`).toBe(idle);
    // Mostly the first one has jobs.
    const taken = random.chance(0.95) ? 0 : random.below(functions);
    const answered = random.pick([...inside.keys()].filter(f => at(inside, f) > 0).concat(total === 0 ? [0] : []));
    const takes = total < jobs && random.chance(filling ? 0.98 : 0.05);
    const answers = total > 0 && random.chance(filling ? 0.05 : 0.98);
    sim.poke(dut.taken, takes ? 1 : 0);
    sim.poke(dut.taken_function, taken);
    sim.poke(dut.answered, answers ? 1 : 0);
    sim.poke(dut.answered_function, answered);
    sim.step();
    inside[taken] = at(inside, taken) + (takes ? 1 : 0);
    inside[answered] = at(inside, answered) - (answers ? 1 : 0);
  }
  expect(most).toBeGreaterThan(0.9 * jobs);
});
