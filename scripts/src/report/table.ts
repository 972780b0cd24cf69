import pc from 'picocolors';
import type { FlowReport, LinkReport, Report } from './schema.ts';
import { gbps, percent, table, whole } from './text.ts';

const titles: Record<FlowReport['flow'], string> = {
  'peer-write': 'peer writes',
  'peer-read': 'peer reads',
  'host-memory': 'host memory',
};

/** The report as a person likes to read it: one table over the flows, one over their links. */
export function renderReport(r: Report): string {
  const limit = `${gbps(r.link_limit_gbps)} GB/s`;
  const head = [
    `${pc.bold(r.file.name)}  ${whole(r.file.bytes)} bytes  sha256 ${r.file.sha256.slice(0, 16)}…`,
    `links of ${r.width} bits at ${r.clock_hz / 1e6} MHz, at most ${limit} each way; MPS ${r.max_payload}, MRRS ${r.max_read_request}; engine ${r.engine}, ${whole(r.total_cycles)} cycles in all`,
  ];
  return [...head, '', flowTable(r), '', linkTable(r), '', verdict(r), ''].join('\n');
}

function flowTable(r: Report): string {
  const t = table(['flow', 'cycles', 'time', 'copy GB/s', 'root link, data', 'busy link', 'first data', 'switch', 'hash'], 1);
  for (const f of r.flows) {
    t.push([
      titles[f.flow],
      whole(f.cycles),
      `${(f.seconds * 1e6).toFixed(1)} µs`,
      gbps(f.copy_gbps),
      `${whole(f.root_data_bytes)} B`,
      percent(Math.max(0, ...f.links.map(l => l.share))),
      `${whole(f.latency.first_data_cycles)} cycles`,
      `${whole(f.latency.path_cycles)} cycles`,
      f.sha256 === r.file.sha256 ? pc.green('same') : pc.red('DIFFERS'),
    ]);
  }
  return t.toString();
}

function linkTable(r: Report): string {
  const t = table(
    ['flow', 'link', '', 'posted', 'non-posted', 'completions', 'data bytes', 'other bytes', 'GB/s', 'of limit'],
    3,
  );
  for (const f of r.flows) {
    for (const [i, l] of f.links.filter(used).entries()) {
      t.push([
        i === 0 ? titles[f.flow] : '',
        l.link,
        l.direction === 'down' ? '↓' : '↑',
        whole(l.tlps.posted),
        whole(l.tlps.non_posted),
        whole(l.tlps.completion),
        whole(l.data_bytes),
        whole(l.other_bytes),
        l.data_beats > 0 ? gbps(l.data_gbps) : '',
        l.data_beats > 0 ? percent(l.share) : '',
      ]);
    }
  }
  return t.toString();
}

const used = (l: LinkReport) => l.tlps.posted + l.tlps.non_posted + l.tlps.completion > 0;

function verdict(r: Report): string {
  const lines = r.flows.map(f => {
    const bytes = f.root_data_bytes;
    const text =
      bytes === 0
        ? `${titles[f.flow]}: no byte of the file touched the root link`
        : `${titles[f.flow]}: ${whole(bytes)} bytes of user data on the root link, ${(bytes / r.file.bytes).toFixed(2)} times the file`;
    return f.sha256 === r.file.sha256 ? `${pc.green('✓')} ${text}` : `${pc.red('✗')} ${text}; the copy DIFFERS from the file`;
  });
  return lines.join('\n');
}
