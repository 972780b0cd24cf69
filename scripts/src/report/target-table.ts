import pc from 'picocolors';
import type { LinkReport } from './schema.ts';
import type { GroupReport, JobReport, SettingReport, TargetReport } from './target-schema.ts';
import { gbps, percent, table, whole } from './text.ts';

/** The report as a person likes to read it: one table over the jobs, one over their links. */
export function renderTargetReport(r: TargetReport): string {
  const head = [
    `${pc.bold(r.job_file)}  on ${r.drives.join(', ')} through ${r.nic}, for a remote host ${r.wire_cycles} cycles away`,
    `links of ${r.width} bits at ${r.clock_hz / 1e6} MHz, at most ${gbps(r.link_limit_gbps)} GB/s each way; MPS ${r.max_payload}; engine ${r.engine}, ${whole(r.total_cycles)} cycles in all`,
  ];
  return [...head, '', jobTable(r), '', linkTable(r), '', verdict(r), ''].join('\n');
}

function jobTable(r: TargetReport): string {
  const t = table(['p2pmem', 'job', 'rw', 'bs', 'depth', 'IOPS', 'GB/s', 'p50', 'p99', 'root link, data', 'busy link'], 3);
  const micro = (cycles: number) => `${((cycles / r.clock_hz) * 1e6).toFixed(2)} µs`;
  for (const { p2pmem, groups } of r.settings)
    groups.forEach((group, g) => {
      group.jobs.forEach((job, j) => {
        const { latency, numjobs, iodepth } = job;
        t.push([
          g === 0 && j === 0 ? p2pmem : '',
          job.job,
          job.rw,
          sizeText(job.bs),
          numjobs > 1 ? `${numjobs} × ${iodepth}` : `${iodepth}`,
          whole(Math.round(job.iops)),
          gbps(job.gbps),
          micro(latency.p50_cycles),
          micro(latency.p99_cycles),
          j === 0 ? `${whole(group.root_data_bytes)} B` : '',
          j === 0 ? busiest(group) : '',
        ]);
      });
    });
  return t.toString();
}

const sizeText = (bytes: number): string => (bytes % 1024 === 0 ? `${bytes / 1024}k` : `${bytes}`);

/** Which link was the busiest, and how much of its time user data took from the first beat to the last. */
function busiest({ links }: GroupReport): string {
  const [most] = [...links].sort((a, b) => b.share - a.share);
  return most && most.share > 0 ? `${most.link} ${most.direction === 'down' ? '↓' : '↑'} ${percent(most.share)}` : '';
}

/** What each link carried, over all jobs of a setting. */
function linkTable(r: TargetReport): string {
  const t = table(['p2pmem', 'link', '', 'posted', 'non-posted', 'completions', 'data bytes', 'other bytes'], 3);
  for (const { p2pmem, groups } of r.settings) {
    const all = new Map<string, LinkReport>();
    for (const link of groups.flatMap(group => group.links)) {
      const key = `${link.link} ${link.direction}`;
      const before = all.get(key);
      all.set(key, before ? sum(before, link) : link);
    }
    for (const [i, l] of [...all.values()].entries())
      t.push([
        i === 0 ? p2pmem : '',
        l.link,
        l.direction === 'down' ? '↓' : '↑',
        whole(l.tlps.posted),
        whole(l.tlps.non_posted),
        whole(l.tlps.completion),
        whole(l.data_bytes),
        whole(l.other_bytes),
      ]);
  }
  return t.toString();
}

const sum = (a: LinkReport, b: LinkReport): LinkReport => ({
  ...a,
  tlps: {
    posted: a.tlps.posted + b.tlps.posted,
    non_posted: a.tlps.non_posted + b.tlps.non_posted,
    completion: a.tlps.completion + b.tlps.completion,
  },
  data_bytes: a.data_bytes + b.data_bytes,
  other_bytes: a.other_bytes + b.other_bytes,
});

function verdict(r: TargetReport): string {
  return r.settings
    .map(setting => {
      const { p2pmem, buffers, groups, wrong_blocks: wrong } = setting;
      const where = [...new Set(buffers.map(({ memory }) => memory))].join(', ');
      const root = groups.reduce((total, group) => total + group.root_data_bytes, 0);
      const text =
        root === 0
          ? `p2pmem ${p2pmem}: data in the memory of ${where}, no byte of it on the root link`
          : `p2pmem ${p2pmem}: data in the memory of ${where}, ${whole(root)} bytes of it on the root link, ${(root / bytesOf(setting)).toFixed(2)} times what was asked for`;
      return wrong === 0 ? `${pc.green('✓')} ${text}` : `${pc.red('✗')} ${text}; ${whole(wrong)} blocks are WRONG`;
    })
    .join('\n');
}

const bytesOf = ({ groups }: SettingReport): number =>
  groups.flatMap(({ jobs }: { readonly jobs: readonly JobReport[] }) => jobs).reduce((total, job) => total + job.bytes, 0);
