import { describe, expect, test } from 'vitest';
import { type Job, type JobDevice, parseJobFile, percentile, runJobs, Scoreboard } from '../host/src/workload/index.ts';
import { at, randomBytes } from './bench.ts';
import { softwareScheduler } from './nvme-double.ts';

describe('job files', () => {
  test('options of [global] hold for the jobs behind it; units, flags, comments and other names', () => {
    const jobs = parseJobFile(`
; a comment
[global]
bs=8k
iodepth=4    ; and one behind

[first]
readwrite=randwrite
size=1MiB
# a comment
[global]
iodepth=16
[second.of=them]
stonewall
rw=randrw
rwmixread=70
runtime=200us
time_based=1
rate=100m
filename=nvme1
`);
    const [first, second] = [at(jobs, 0), at(jobs, 1)];
    expect(first).toMatchObject({
      name: 'first',
      bs: 8192,
      iodepth: 4,
      pattern: 'randwrite',
      size: 1 << 20,
      stonewall: false,
      line: 7,
    });
    expect(second).toMatchObject({
      name: 'second.of=them',
      bs: 8192,
      iodepth: 16,
      pattern: 'randrw',
      rwmixread: 70,
      runtime: { amount: 200e-6, unit: 'seconds' },
      timeBased: true,
      rate: 100 * 2 ** 20,
      filename: 'nvme1',
      stonewall: true,
    });
  });

  test.each([
    ['[a]\nrw=read\nzonemode=zbd', 3, "the option 'zonemode' is not known"],
    ['[a]\nconstructor', 2, "the option 'constructor' is not known"],
    ['[a]\nrw=valueOf', 2, 'one of read'],
    ['rw=read', 1, 'before the first section'],
    ['[a]\nbs=4q', 2, 'a number of bytes'],
    ['[a]\n\nrw=sideways', 3, 'one of read, write'],
    ['[a]\niodepth=0', 2, 'a whole number from 1'],
    ['[global]\n[a]\ntime_based', 2, 'has no runtime'],
    ['[a]\nbs=8k\nsize=4k', 1, 'less than one block'],
    ['[global]\nbs=4k', 1, 'there is no job'],
    ['[a]\nruntime=fast', 2, 'it is a time'],
    ['[a]\n=5', 2, 'neither'],
    ['[a]\nrwmixread=101', 2, 'percentage'],
  ])('what a file must not say is told with its line: %j', (text, line, why) => {
    expect(() => parseJobFile(text, 'load.fio')).toThrow(`load.fio:${line}: `);
    expect(() => parseJobFile(text, 'load.fio')).toThrow(why);
  });
});

/** A device that takes so many cycles per command, and how many it had at a time. */
function device(name: string, cycles: number, scheduler = softwareScheduler()) {
  const media = randomBytes(64 * 512, 3);
  const seen: { start: number; count: number; write: boolean; at: number }[] = [];
  let under = 0;
  let most = 0;
  const step = async (start: number, count: number, write: boolean) => {
    seen.push({ start, count, write, at: scheduler.now });
    most = Math.max(most, ++under);
    await scheduler.delay(cycles);
    under--;
  };
  const made: JobDevice = {
    name,
    blocks: 64,
    blockBytes: 512,
    scoreboard: new Scoreboard(media.slice(), 512, 5),
    read: async (start, count) => {
      await step(start, count, false);
      return media.slice(512 * start, 512 * (start + count));
    },
    write: async (start, data) => {
      await step(start, data.length / 512, true);
      media.set(data, 512 * start);
    },
  };
  return { made, media, seen, scheduler, most: () => most };
}

const job = (text: string): readonly Job[] => parseJobFile(`[job]\n${text.replaceAll(' ', '\n')}`);

describe('running jobs', () => {
  test('in order: every block once, as deep as asked, and the device holds what was written', async () => {
    const on = device('d', 10);
    const [result] = await on.scheduler.run(() =>
      runJobs(on.scheduler, job('rw=write bs=1k size=16k offset=2k iodepth=4'), [on.made], 1e9),
    );
    expect(on.seen.map(({ start }) => start)).toEqual(Array.from({ length: 16 }, (_, i) => 4 + 2 * i));
    expect(on.most()).toBe(4);
    expect(result).toMatchObject({ reads: 0, writes: 16, bytes: 16_384, cycles: 40 });
    expect(result?.latencies).toEqual(Array(16).fill(10));
    expect(on.made.scoreboard.check(on.media)).toBe(0);
    expect(Buffer.compare(on.media.subarray(2048, 3072), on.made.scoreboard.content(4, 2))).toBe(0);
  });

  test('at random: every place once before any again, the same each time, another way for another seed', async () => {
    const starts = async (text: string) => {
      const on = device('d', 1);
      await on.scheduler.run(() => runJobs(on.scheduler, job(text), [on.made], 1e9));
      return on.seen.map(({ start }) => start);
    };
    const one = await starts('rw=randread bs=512');
    expect([...one].sort((a, b) => a - b)).toEqual(Array.from({ length: 64 }, (_, i) => i));
    expect(one).not.toEqual([...one].sort((a, b) => a - b));
    expect(await starts('rw=randread bs=512')).toEqual(one);
    expect(await starts('rw=randread bs=512 randseed=2')).not.toEqual(one);
  });

  test('mixed, with copies, until its time is over; a rate holds it back', async () => {
    const on = device('d', 10);
    const [mixed] = await on.scheduler.run(() =>
      runJobs(
        on.scheduler,
        job('rw=randrw rwmixread=75 bs=512 numjobs=2 iodepth=2 runtime=1000cycles time_based'),
        [on.made],
        1e9,
      ),
    );
    expect(mixed?.cycles).toBe(1000);
    expect((mixed?.reads ?? 0) + (mixed?.writes ?? 0)).toBe(400);
    expect(mixed?.reads).toBeGreaterThan(260);
    expect(mixed?.writes).toBeGreaterThan(60);
    expect(on.made.scoreboard.wrong).toBe(0);
    // 512 bytes in 100 cycles.
    const slow = device('d', 10);
    await slow.scheduler.run(() => runJobs(slow.scheduler, job('bs=512 size=5k rate=5242880'), [slow.made], 1_024_000_000));
    expect(slow.seen.map(entry => entry.at)).toEqual(Array.from({ length: 10 }, (_, i) => 100_000 * i));
  });

  test('jobs run side by side on all devices, and a stonewall waits', async () => {
    const scheduler = softwareScheduler();
    const [a, b] = [device('a', 10, scheduler), device('b', 20, scheduler)];
    const jobs = parseJobFile('[one]\nsize=8k\n[two]\nstonewall\nsize=4k\nfilename=b');
    const results = await scheduler.run(() => runJobs(scheduler, jobs, [a.made, b.made], 1e9));
    expect(results.map(({ job: { name }, device: on, cycles }) => [name, on, cycles])).toEqual([
      ['one', 'a', 20],
      ['one', 'b', 40],
      ['two', 'b', 20],
    ]);
    expect(at(b.seen, 2).at).toBe(40);
  });

  test('what does not fit a device is told', async () => {
    const on = device('d', 1);
    const run = (text: string) => on.scheduler.run(() => runJobs(on.scheduler, job(text), [on.made], 1e9));
    await expect(run('filename=e')).rejects.toThrow("is for 'e', and there are d");
    await expect(run('size=64k')).rejects.toThrow('ends at 65536');
    await expect(run('bs=100')).rejects.toThrow('blocks of 512');
  });

  test('wrong bytes are counted: of reads, and of what the device holds in the end', async () => {
    const on = device('d', 1);
    on.media[700] = (on.media[700] ?? 0) ^ 1;
    await on.scheduler.run(() => runJobs(on.scheduler, job('bs=512'), [on.made], 1e9));
    expect(on.made.scoreboard.wrong).toBe(1);
    expect(on.made.scoreboard.check(on.media)).toBe(2);
    await on.scheduler.run(() => runJobs(on.scheduler, job('bs=512 size=1k rw=write'), [on.made], 1e9));
    expect(on.made.scoreboard.check(on.media)).toBe(2);
    // A block that was written must not read as before.
    on.media.set(randomBytes(512, 3), 0);
    await on.scheduler.run(() => runJobs(on.scheduler, job('bs=512 size=512'), [on.made], 1e9));
    expect(on.made.scoreboard.wrong).toBe(3);
  });
});

test('percentiles are by nearest rank', () => {
  const values = Array.from({ length: 100 }, (_, i) => 100 - i);
  expect([50, 99, 100, 0].map(share => percentile(values, share))).toEqual([50, 99, 100, 1]);
  expect(percentile([], 50)).toBe(0);
  expect(percentile([7], 99)).toBe(7);
});
