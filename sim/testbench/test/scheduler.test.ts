import { describe, expect, test } from 'vitest';
import { Random } from '../../../hdl/test/random.ts';
import { type Clockwork, Scheduler, type SchedulerOptions, StalledError } from '../src/scheduler.ts';

/** Hardware that only counts cycles, and wakes those whose event has come. */
class Clock implements Clockwork {
  cycle = 0;
  /** What `advance` was asked for. */
  readonly asked: number[] = [];
  readonly events: { readonly at: number; readonly wake: () => void }[] = [];

  advance(cycles: number): boolean {
    this.asked.push(cycles);
    const next = Math.min(...this.events.map(e => e.at), this.cycle + cycles);
    this.cycle = Math.max(this.cycle, next);
    const due = this.events.filter(e => e.at <= this.cycle);
    for (const e of due) {
      this.events.splice(this.events.indexOf(e), 1);
      e.wake();
    }
    return due.length > 0;
  }

  event(at: number): Promise<void> {
    return new Promise(wake => this.events.push({ at, wake }));
  }
}

function bench(options: SchedulerOptions = {}) {
  const clock = new Clock();
  return { clock, scheduler: new Scheduler(clock, options) };
}

describe('time', () => {
  test('delays end at their cycle, in the order of time and then of asking', async () => {
    const { scheduler } = bench();
    const order: string[] = [];
    const actor = (name: string, cycles: number) =>
      scheduler.spawn(name, async () => {
        await scheduler.delay(cycles);
        order.push(`${name}@${scheduler.now}`);
      });
    await scheduler.run(async () => {
      actor('late', 70);
      actor('a', 5);
      actor('b', 5);
      actor('half', 4.5);
      actor('now', 0);
      actor('past', -3);
      await scheduler.delay(100);
    });
    expect(order).toEqual(['now@0', 'past@0', 'a@5', 'b@5', 'half@5', 'late@70']);
    expect(scheduler.now).toBe(100);
  });

  test('the hardware runs no further than the next delay, and stops where it wakes somebody', async () => {
    const { clock, scheduler } = bench();
    const seen: number[] = [];
    await scheduler.run(async () => {
      scheduler.spawn('waits for the hardware', async () => {
        await clock.event(30);
        seen.push(scheduler.now);
      });
      await scheduler.delay(100);
      seen.push(scheduler.now);
    });
    expect(seen).toEqual([30, 100]);
    expect(clock.asked).toEqual([100, 70]);
  });

  test('the same seed gives the same trace; another seed another', async () => {
    const trace = async (seed: number) => {
      const { clock, scheduler } = bench();
      const random = new Random(seed);
      const lines: string[] = [];
      await scheduler.run(async () => {
        const actors = Array.from({ length: 8 }, async (_, i) => {
          for (let n = 0; n < 20; n++) {
            if (random.chance(0.5)) await scheduler.delay(random.below(40));
            else await clock.event(scheduler.now + 1 + random.below(40));
            lines.push(`${i}:${n}@${scheduler.now}`);
          }
        });
        await Promise.all(actors);
      });
      return lines.join(' ');
    };
    const first = await trace(3);
    expect(await trace(3)).toBe(first);
    expect(await trace(4)).not.toBe(first);
  });

  test('actors go on in a later run, from where time stands', async () => {
    const { scheduler } = bench();
    let ticks = 0;
    scheduler.spawn('ticker', async () => {
      for (;;) {
        await scheduler.delay(10);
        ticks++;
      }
    });
    await scheduler.run(() => scheduler.delay(35));
    expect(ticks).toBe(3);
    expect(await scheduler.run(async () => scheduler.delay(10).then(() => 'value'))).toBe('value');
    expect([ticks, scheduler.now]).toEqual([4, 45]);
  });

  test('a chain of awaits between two events takes no time and no turn of the hardware', async () => {
    const { clock, scheduler } = bench();
    const deep = async (n: number): Promise<number> => (n === 0 ? 0 : 1 + (await deep(n - 1)));
    expect(await scheduler.run(() => deep(500))).toBe(500);
    expect(clock.asked).toEqual([]);
  });
});

describe('stalls', () => {
  test('nobody can wake: ends after the limit and lists what actors wait for, each once', async () => {
    const { scheduler } = bench({ stallCycles: 200_000 });
    const forever = (what: string) => {
      scheduler.waiting(what);
      return new Promise<void>(() => {});
    };
    scheduler.spawn('drive', () => forever('an interrupt of drive0'));
    scheduler.spawn('another', () => forever('an interrupt of drive0'));
    const failed = scheduler.run(() => forever('a packet at the root port'));
    await expect(failed).rejects.toThrow(StalledError);
    await expect(failed).rejects.toThrow(/Actors wait for:\n {2}an interrupt of drive0\n {2}a packet at the root port$/);
    expect(scheduler.now).toBeGreaterThan(200_000);
    expect(scheduler.now).toBeLessThan(300_000);
  });

  test('what was waited for and came is not listed', async () => {
    const { clock, scheduler } = bench({ stallCycles: 10 });
    const failed = scheduler.run(async () => {
      const done = scheduler.waiting('something that comes');
      await clock.event(5);
      done();
      await new Promise(() => {});
    });
    await expect(failed).rejects.toThrow(/no event of the hardware/);
    await expect(failed).rejects.not.toThrow(/something that comes/);
  });

  test('a pending delay or a rare event is no stall', async () => {
    const { clock, scheduler } = bench({ stallCycles: 100_000 });
    await scheduler.run(() => scheduler.delay(1_000_000));
    await scheduler.run(async () => {
      for (let n = 1; n <= 20; n++) await clock.event(1_000_000 + 90_000 * n);
    });
    expect(scheduler.now).toBe(2_800_000);
  });

  test('software that goes in circles within a cycle is told, whether or not others wait for a delay', async () => {
    for (const others of [false, true]) {
      const { scheduler } = bench();
      if (others) scheduler.spawn('sleeper', () => scheduler.delay(1000));
      const circle = scheduler.run(async () => {
        for (;;) await scheduler.delay(0);
      });
      await expect(circle).rejects.toThrow(/stands still at cycle 0/);
      await expect(circle).rejects.toThrow(StalledError);
    }
  });

  test('hardware that does not move is no reason to hang', async () => {
    const stuck: Clockwork = { cycle: 7, advance: () => false };
    await expect(new Scheduler(stuck).run(() => new Promise(() => {}))).rejects.toThrow(StalledError);
    const scheduler = new Scheduler(stuck);
    await expect(scheduler.run(() => scheduler.delay(5))).rejects.toThrow(/stands still at cycle 7/);
  });
});

describe('failures', () => {
  test("an actor's error ends the run as it is; the next run is not touched by it", async () => {
    const { scheduler } = bench();
    const error = new TypeError('firmware is broken');
    scheduler.spawn('firmware', async () => {
      await scheduler.delay(10);
      throw error;
    });
    await expect(scheduler.run(() => scheduler.delay(1000))).rejects.toBe(error);
    expect(scheduler.now).toBe(10);
    await scheduler.run(() => scheduler.delay(1));
  });

  test('an error before the first await, and a thrown value that is no error', async () => {
    const { scheduler } = bench();
    scheduler.spawn('early bird', () => {
      throw 'a string';
    });
    await expect(scheduler.run(() => scheduler.delay(1))).rejects.toThrow('early bird failed: a string');
    await expect(scheduler.run(() => Promise.reject(new RangeError('main')))).rejects.toThrow(RangeError);
  });
});

describe('progress', () => {
  test('is told at most once in so many cycles, and changes nothing', async () => {
    const calls: number[] = [];
    const { scheduler } = bench({ onProgress: cycle => calls.push(cycle), progressCycles: 1000 });
    await scheduler.run(async () => {
      for (let n = 0; n < 1000; n++) await scheduler.delay(10);
    });
    expect(calls).toEqual([1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000, 10000]);
    expect(scheduler.now).toBe(10_000);
  });

  test('timers of the host run meanwhile, so a long run can be stopped', async () => {
    const { scheduler } = bench();
    let stop = false;
    setTimeout(() => {
      stop = true;
    }, 5);
    await scheduler.run(async () => {
      while (!stop) await scheduler.delay(1);
    });
    expect(scheduler.now).toBeGreaterThan(0);
  });
});
