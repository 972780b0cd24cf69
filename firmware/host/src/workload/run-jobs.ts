import type { Scheduler } from '../../../ports.ts';
import { HostError } from '../host-error.ts';
import type { Duration, Job } from './job-file.ts';
import type { Scoreboard } from './scoreboard.ts';

/** A device that jobs run on. */
export interface JobDevice {
  readonly name: string;
  readonly blocks: number;
  readonly blockBytes: number;
  read(start: number, count: number): Promise<Uint8Array>;
  write(start: number, data: Uint8Array): Promise<void>;
  /** What is known of its content. */
  readonly scoreboard: Scoreboard;
}

/** What a job did on a device. */
export interface JobResult {
  readonly job: Job;
  readonly device: string;
  readonly reads: number;
  readonly writes: number;
  readonly bytes: number;
  /** From its first command to its last answer. */
  readonly cycles: number;
  /** Cycles of each command, in the order of their ends. */
  readonly latencies: readonly number[];
}

/**
 * Runs jobs on devices: side by side, but those behind a `stonewall` wait for those before. A job without a filename runs on every device at once.
 * @throws HostError for a job that does not fit its device; what a device throws.
 */
export async function runJobs(
  scheduler: Scheduler,
  jobs: readonly Job[],
  devices: readonly JobDevice[],
  clockHz: number,
): Promise<JobResult[]> {
  const results: JobResult[] = [];
  for (const group of jobGroups(jobs)) {
    const runs = group.flatMap(job =>
      devicesOf(job, devices).map(device => {
        checkFit(job, device);
        return runOnDevice(scheduler, job, device, clockHz);
      }),
    );
    results.push(...(await Promise.all(runs)));
  }
  return results;
}

/** Jobs that run together, in the order of the groups: a `stonewall` begins a new one. */
export function jobGroups(jobs: readonly Job[]): Job[][] {
  const all: Job[][] = [];
  for (const job of jobs) {
    const last = all.at(-1);
    if (!last || job.stonewall) all.push([job]);
    else last.push(job);
  }
  return all;
}

function devicesOf(job: Job, devices: readonly JobDevice[]): readonly JobDevice[] {
  if (job.filename === undefined) return devices;
  const found = devices.filter(({ name }) => name === job.filename);
  if (found.length === 0)
    throw new HostError(
      `the job '${job.name}' is for '${job.filename}', and there are ${devices.map(({ name }) => name).join(', ')}`,
    );
  return found;
}

function checkFit({ name, bs, offset, size }: Job, { name: device, blockBytes, blocks }: JobDevice): void {
  const room = blocks * blockBytes;
  if (bs % blockBytes !== 0 || offset % blockBytes !== 0)
    throw new HostError(`the job '${name}' has bs=${bs} and offset=${offset}, and ${device} has blocks of ${blockBytes} bytes`);
  if (offset + Math.max(bs, size ?? 0) > room)
    throw new HostError(`the job '${name}' ends at ${offset + Math.max(bs, size ?? 0)}, and ${device} has ${room} bytes`);
}

async function runOnDevice(scheduler: Scheduler, job: Job, device: JobDevice, clockHz: number): Promise<JobResult> {
  const begin = scheduler.now;
  const counts = { reads: 0, writes: 0 };
  const latencies: number[] = [];
  const copies = Array.from({ length: job.numjobs }, async (_, copy) => {
    const commands = new Commands(job, device, copy);
    const ends = job.runtime ? begin + cyclesOf(job.runtime, clockHz) : Number.POSITIVE_INFINITY;
    const worker = async () => {
      for (;;) {
        if (job.rate !== undefined) {
          const due = begin + (commands.taken * job.bs * clockHz) / job.rate;
          if (due < ends && due > scheduler.now) await scheduler.delay(due - scheduler.now);
        }
        const next = scheduler.now < ends ? commands.next() : undefined;
        if (!next) return;
        const issued = scheduler.now;
        await execute(next, job, device);
        latencies.push(scheduler.now - issued);
        counts[next.write ? 'writes' : 'reads']++;
      }
    };
    await Promise.all(Array.from({ length: job.iodepth }, worker));
  });
  await Promise.all(copies);
  const { reads, writes } = counts;
  return { job, device: device.name, reads, writes, bytes: (reads + writes) * job.bs, cycles: scheduler.now - begin, latencies };
}

async function execute({ start, write }: Command, job: Job, device: JobDevice): Promise<void> {
  const { scoreboard } = device;
  const count = job.bs / device.blockBytes;
  if (write) {
    scoreboard.writing(start, count);
    await device.write(start, scoreboard.content(start, count));
    scoreboard.written(start, count);
  } else {
    const check = scoreboard.reading(start, count);
    const data = await device.read(start, count);
    if (job.verify) check(data);
  }
}

export const cyclesOf = ({ amount, unit }: Duration, clockHz: number): number => (unit === 'cycles' ? amount : amount * clockHz);

interface Command {
  readonly start: number;
  readonly write: boolean;
}

/** The commands of a copy of a job, in order. At random each place is taken once before any is taken twice, as in fio. */
class Commands {
  taken = 0;
  private readonly job: Job;
  private readonly step: number;
  private readonly first: number;
  private readonly places: number;
  private order: Uint32Array | undefined;
  private state: number;

  constructor(job: Job, device: JobDevice, copy: number) {
    this.job = job;
    this.step = job.bs / device.blockBytes;
    this.first = job.offset / device.blockBytes;
    this.places = Math.floor((job.size ?? device.blocks * device.blockBytes - job.offset) / job.bs);
    this.state = Math.imul(job.randseed, 0x9e37_79b1) ^ Math.imul(copy + 1, 0x85eb_ca6b) || 1;
  }

  next(): Command | undefined {
    const { job, places, step, first } = this;
    if (this.taken >= places && !job.timeBased) return undefined;
    const turn = this.taken++ % places;
    if (turn === 0 && job.pattern.startsWith('rand')) this.order = this.shuffled();
    const place = this.order?.[turn] ?? turn;
    return { start: first + place * step, write: this.isWrite() };
  }

  private isWrite(): boolean {
    const { pattern, rwmixread } = this.job;
    if (pattern === 'rw' || pattern === 'randrw') return this.random(100) >= rwmixread;
    return pattern === 'write' || pattern === 'randwrite';
  }

  private shuffled(): Uint32Array {
    const order = Uint32Array.from({ length: this.places }, (_, i) => i);
    for (let i = order.length - 1; i > 0; i--) {
      const j = this.random(i + 1);
      const other = order[j] ?? 0;
      order[j] = order[i] ?? 0;
      order[i] = other;
    }
    return order;
  }

  private random(below: number): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return (this.state >>> 0) % below;
  }
}

/** The value that so many of a hundred do not exceed: nearest rank. 0 of nothing. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((share / 100) * sorted.length) - 1)] ?? 0;
}
