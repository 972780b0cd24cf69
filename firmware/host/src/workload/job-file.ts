import { type Entry, JobFileError, sectionsOf } from './sections.ts';

/** What a job does: in order or at random, reads, writes or both. */
export type Pattern = 'read' | 'write' | 'randread' | 'randwrite' | 'rw' | 'randrw';

/** A time, as a person wrote it. */
export interface Duration {
  readonly amount: number;
  readonly unit: 'seconds' | 'cycles';
}

/** A job of a job file, with what it takes from `[global]`. */
export interface Job {
  readonly name: string;
  /** Where it is written. */
  readonly line: number;
  readonly pattern: Pattern;
  /** Bytes of a command. */
  readonly bs: number;
  /** Bytes in all, and the first of them on the device; without a size, all of the device. */
  readonly size: number | undefined;
  readonly offset: number;
  /** Commands under way. */
  readonly iodepth: number;
  /** Copies of the job that run side by side. */
  readonly numjobs: number;
  /** Ends it earlier; with `timeBased`, it begins again until then. */
  readonly runtime: Duration | undefined;
  readonly timeBased: boolean;
  /** Bytes per second at the most, of each copy. */
  readonly rate: number | undefined;
  /** Percentage of reads of a mixed job. */
  readonly rwmixread: number;
  readonly randseed: number;
  /** Reads are compared with what is known of the device. */
  readonly verify: boolean;
  /** The device; without a name the job runs on all of them. */
  readonly filename: string | undefined;
  /** It waits for the jobs before it. */
  readonly stonewall: boolean;
}

const patterns: { readonly [word: string]: Pattern } = {
  read: 'read',
  write: 'write',
  randread: 'randread',
  randwrite: 'randwrite',
  rw: 'rw',
  readwrite: 'rw',
  randrw: 'randrw',
};

const defaults: Omit<Job, 'name' | 'line'> = {
  pattern: 'read',
  bs: 4096,
  size: undefined,
  offset: 0,
  iodepth: 1,
  numjobs: 1,
  runtime: undefined,
  timeBased: false,
  rate: undefined,
  rwmixread: 50,
  randseed: 1,
  verify: true,
  filename: undefined,
  stonewall: false,
};

/** The entry of a table, if it has one by that name itself. */
const own = <T>(table: { readonly [name: string]: T }, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;

/** What an option says, from its text. @throws Error that says what would do. */
type Reader = (text: string) => Partial<Job>;

const positive = (what: string, value: number): number => {
  if (!Number.isInteger(value) || value < 1) throw new Error(`${what} is a whole number from 1`);
  return value;
};

/** The options that mean something here, and those that a job file of another machine may have and that change nothing. */
const options: { readonly [name: string]: Reader } = {
  rw: text => {
    const pattern = own(patterns, text);
    if (!pattern) throw new Error(`it is one of ${Object.keys(patterns).join(', ')}`);
    return { pattern };
  },
  bs: text => ({ bs: positive('a block size', bytes(text)) }),
  size: text => ({ size: positive('a size', bytes(text)) }),
  offset: text => ({ offset: bytes(text) }),
  iodepth: text => ({ iodepth: positive('a depth', Number(text)) }),
  numjobs: text => ({ numjobs: positive('the number of jobs', Number(text)) }),
  runtime: text => ({ runtime: duration(text) }),
  time_based: text => ({ timeBased: flag(text) }),
  rate: text => ({ rate: positive('a rate', bytes(text)) }),
  rwmixread: text => {
    const share = Number(text);
    if (!(share >= 0 && share <= 100)) throw new Error('it is a percentage from 0 to 100');
    return { rwmixread: share };
  },
  randseed: text => ({ randseed: positive('a seed', Number(text)) }),
  // Whole blocks are compared, whatever checksum is named.
  verify: text => ({ verify: text !== '0' && text !== 'none' }),
  filename: text => ({ filename: text }),
  stonewall: text => ({ stonewall: flag(text) }),
  description: () => ({}),
  direct: () => ({}),
  ioengine: () => ({}),
  group_reporting: () => ({}),
};

const otherNames: { readonly [name: string]: string } = { readwrite: 'rw', blocksize: 'bs' };

/** The options that a job file may have. */
export const jobOptions: readonly string[] = [...Object.keys(options), ...Object.keys(otherNames)].sort();

/**
 * The jobs of a file in fio's form: `[global]` holds for the jobs behind it, every other section is a job. Of fio's options these are known: rw, bs, size,
 * offset, iodepth, numjobs, runtime, time_based, rate, rwmixread, randseed, verify, filename, stonewall; direct, ioengine, group_reporting and description
 * may stand there and change nothing. A runtime may also be in cycles: `runtime=20000cycles`.
 * @throws JobFileError, which names the line, for everything else.
 */
export function parseJobFile(text: string, file = 'job file'): Job[] {
  let common = { ...defaults };
  const jobs: Job[] = [];
  for (const { name, line, entries } of sectionsOf(text, file)) {
    const draft: Job = Object.assign({ ...common, name, line }, ...entries.map(entry => read(entry, file)));
    if (name === 'global') {
      const { name: _, line: __, ...rest } = draft;
      common = rest;
    } else {
      if (draft.timeBased && !draft.runtime)
        throw new JobFileError(file, line, `the job '${name}' is time_based and has no runtime`);
      if (draft.size !== undefined && draft.size < draft.bs)
        throw new JobFileError(
          file,
          line,
          `the job '${name}' has a size of ${draft.size} bytes, less than one block of ${draft.bs}`,
        );
      jobs.push(draft);
    }
  }
  if (jobs.length === 0) throw new JobFileError(file, 1, 'there is no job: give each a section with its name');
  return jobs;
}

function read({ name, value, line }: Entry, file: string): Partial<Job> {
  const reader = own(options, own(otherNames, name) ?? name);
  if (!reader) throw new JobFileError(file, line, `the option '${name}' is not known: there are ${jobOptions.join(', ')}`);
  try {
    return reader(value ?? '1');
  } catch (error) {
    throw new JobFileError(file, line, `${name}=${value ?? ''}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

const units: { readonly [unit: string]: number } = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** Bytes: `4096`, `4k`, `1MiB`; a thousand is 1,024 as in fio. */
function bytes(text: string): number {
  const [, number, unit = ''] = /^(\d+)\s*([kmgt]?)(?:i?b)?$/i.exec(text) ?? [];
  const factor = units[unit.toLowerCase()];
  if (number === undefined || factor === undefined) throw new Error('it is a number of bytes, with k, m or g if you like');
  return Number(number) * factor;
}

/** How many of each are a second. */
const ofSecond: { readonly [unit: string]: number } = { '': 1, s: 1, ms: 1e3, msec: 1e3, us: 1e6, usec: 1e6, ns: 1e9, nsec: 1e9 };

function duration(text: string): Duration {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text) ?? [];
  const word = unit.toLowerCase();
  const parts = own(ofSecond, word);
  if (number === undefined || (parts === undefined && word !== 'cycles'))
    throw new Error('it is a time: 200us, 5ms, 1s, or 20000cycles of the simulated clock');
  return parts === undefined ? { amount: Number(number), unit: 'cycles' } : { amount: Number(number) / parts, unit: 'seconds' };
}

function flag(text: string): boolean {
  if (text !== '0' && text !== '1') throw new Error('it is 0 or 1, or stands alone');
  return text === '1';
}
