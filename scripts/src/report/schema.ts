import { z } from 'zod';

/** Version of the report's shape. It grows when a reader of the former shape would misread the new one. */
export const reportVersion = 1;

const count = z.number().int().nonnegative();

/** One direction of one link during one flow. Down is away from the root port. */
export const linkReport = z.strictObject({
  /** The endpoint or switch below the link; the root link is called `root`. */
  link: z.string(),
  direction: z.enum(['down', 'up']),
  /** Whole TLPs by class. */
  tlps: z.strictObject({ posted: count, non_posted: count, completion: count }),
  /** Bytes of user data: enabled bytes of memory writes into data buffers and of completions of reads from them. */
  data_bytes: count,
  /** Payload bytes of everything else: configuration, registers, doorbells, completion entries, interrupts. */
  other_bytes: count,
  /** Beats that carried user data, and cycles from the first of them to the last, both included. */
  data_beats: count,
  busy_cycles: count,
  /** User data over `busy_cycles` at the modelled clock, in 10^9 bytes/s. */
  data_gbps: z.number().nonnegative(),
  /** `data_beats / busy_cycles`: 1 is a beat of user data in every cycle, the limit of the link. */
  share: z.number().min(0).max(1),
});

/** One copy of the whole file. */
export const flowReport = z.strictObject({
  flow: z.enum(['peer-write', 'peer-read', 'host-memory']),
  /** From the first command to the last completion. */
  cycles: count,
  seconds: z.number().nonnegative(),
  /** The file's bytes over `seconds`, in 10^9 bytes/s. */
  copy_gbps: z.number().nonnegative(),
  latency: z.strictObject({
    /** Cycles from the first command's first TLP leaving the host to the first beat of user data on the target's link. */
    first_data_cycles: count,
    /** Cycles from the first beat of user data on the source's link to the first on the target's. */
    path_cycles: count,
  }),
  /** User data on the root link, both directions together. */
  root_data_bytes: count,
  /** Of what was read back from the target drive. */
  sha256: z.string().length(64),
  links: z.array(linkReport),
});

/** What `npm run copy -- --json FILE` writes. */
export const report = z.strictObject({
  schema: z.literal('p2p-copy-report'),
  version: z.literal(reportVersion),
  engine: z.enum(['embedded', 'native', 'verilator']),
  clock_hz: z.number().positive(),
  width: count,
  max_payload: count,
  max_read_request: count,
  /** `width / 8 * clock_hz` in 10^9 bytes/s: a full beat in every cycle. */
  link_limit_gbps: z.number().positive(),
  file: z.strictObject({ name: z.string(), bytes: count, sha256: z.string().length(64) }),
  flows: z.array(flowReport),
  /** Cycles of the whole run, enumeration and reading back included. */
  total_cycles: count,
});

export type LinkReport = z.infer<typeof linkReport>;
export type FlowReport = z.infer<typeof flowReport>;
export type Report = z.infer<typeof report>;
