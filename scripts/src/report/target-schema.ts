import { z } from 'zod';
import { linkReport } from './schema.ts';

/** Version of the report's shape. It grows when a reader of the former shape would misread the new one. */
export const targetReportVersion = 1;

const count = z.number().int().nonnegative();

/** One job of the job file, on all its drives together. */
export const jobReport = z.strictObject({
  job: z.string(),
  rw: z.enum(['read', 'write', 'randread', 'randwrite', 'rw', 'randrw']),
  bs: count,
  iodepth: count,
  numjobs: count,
  /** Commands that ended, and their bytes. */
  reads: count,
  writes: count,
  bytes: count,
  /** From the first command of the job to its last answer, at the remote host. */
  cycles: count,
  seconds: z.number().nonnegative(),
  /** Commands per second, and bytes in 10^9 per second, at the modelled clock. */
  iops: z.number().nonnegative(),
  gbps: z.number().nonnegative(),
  /** Of single commands, at the remote host. */
  latency: z.strictObject({ mean_cycles: z.number().nonnegative(), p50_cycles: count, p99_cycles: count, most_cycles: count }),
});

/** Jobs that ran together, and what the links carried meanwhile. */
export const groupReport = z.strictObject({
  jobs: z.array(jobReport),
  /** User data on the root link, both directions together. */
  root_data_bytes: count,
  links: z.array(linkReport),
});

/** All jobs with one setting of the namespaces' memory. */
export const settingReport = z.strictObject({
  /** `auto`, `none`, or the name of a device. */
  p2pmem: z.string(),
  /** For each drive, the device whose memory its data went through; `host` for the host's. */
  buffers: z.array(z.strictObject({ drive: z.string(), memory: z.string() })),
  groups: z.array(groupReport),
  /** Blocks that came back, or lay on a drive in the end, other than they were written. */
  wrong_blocks: count,
});

/** What `npm start -- --json FILE` writes. */
export const targetReport = z.strictObject({
  schema: z.literal('p2p-target-report'),
  version: z.literal(targetReportVersion),
  engine: z.enum(['embedded', 'native', 'verilator']),
  clock_hz: z.number().positive(),
  width: count,
  max_payload: count,
  /** `width / 8 * clock_hz` in 10^9 bytes/s: a full beat in every cycle. */
  link_limit_gbps: z.number().positive(),
  /** Cycles from one end of the wire to the other. */
  wire_cycles: count,
  job_file: z.string(),
  nic: z.string(),
  drives: z.array(z.string()),
  settings: z.array(settingReport),
  /** Cycles of the whole run, bringing up included. */
  total_cycles: count,
});

export type JobReport = z.infer<typeof jobReport>;
export type GroupReport = z.infer<typeof groupReport>;
export type SettingReport = z.infer<typeof settingReport>;
export type TargetReport = z.infer<typeof targetReport>;
