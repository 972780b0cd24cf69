import { type CampaignReport, type FaultRow, injected, kindOf, missed, type UnprotectedRow } from './report.ts';

const thousands = (value: number): string => value.toLocaleString('en');
const sum = (rows: readonly FaultRow[], key: 'alone' | 'together' | 'harmless' | 'contained' | 'recovered'): number =>
  rows.reduce((total, row) => total + row[key], 0);

function line(row: FaultRow): string {
  const { name, alone, together, harmless, contained, recovered } = row;
  const cells = [row.injected, alone, together, harmless, contained, recovered].map(thousands);
  return `| ${name} | ${cells.join(' | ')} |`;
}

function total(rows: readonly FaultRow[]): string {
  const cells = [
    injected(rows),
    ...(['alone', 'together', 'harmless', 'contained', 'recovered'] as const).map(key => sum(rows, key)),
  ];
  return `| **all** | ${cells.map(cell => `**${thousands(cell)}**`).join(' | ')} |`;
}

function campaignText({ title, about, rows, signs, command, figures, isolation }: CampaignReport): readonly string[] {
  const kinds = [...new Set(rows.map(({ name }) => kindOf(name, signs)))];
  const undetected = rows.reduce((count, row) => count + missed(row), 0);
  return [
    `## ${title}`,
    '',
    ...about,
    '',
    `${figures}. This part alone: \`${command}\`.`,
    '',
    `Faults that went unnoticed: ${undetected}. Hangs: 0. Wrong bytes elsewhere: 0.${isolation ? ' Accesses that isolation forbids: 0.' : ''}`,
    '',
    '| class | injected | seen alone | seen with others | harmless | contained | recovered |',
    '|---|--:|--:|--:|--:|--:|--:|',
    ...rows.map(line),
    total(rows),
    '',
    '| kind | what tells of it |',
    '|---|---|',
    ...kinds.map(kind => `| ${kind} | ${signs[kind]} |`),
    '',
  ];
}

function unprotectedText(rows: readonly UnprotectedRow[]): readonly string[] {
  if (rows.length === 0) return [];
  return [
    '| bits that nothing protects | flips | no effect | told by a receiver | damage untold | hangs |',
    '|---|--:|--:|--:|--:|--:|',
    ...rows.map(
      ({ name, flips, nothing, told, untold, hangs }) =>
        `| ${name} | ${[flips, nothing, told, untold, hangs].map(thousands).join(' | ')} |`,
    ),
    '',
  ];
}

/** docs/faults.md: what became of the faults of all campaigns, none of which failed. `command` makes this page. */
export function faultsPage(
  command: string,
  campaigns: readonly CampaignReport[],
  unprotected: readonly UnprotectedRow[],
  limits: readonly string[],
): string {
  const all = campaigns.flatMap(({ rows }) => rows);
  return [
    '# Faults',
    '',
    `\`${command}\` has written this page, and writes it again. It brings faults into the hardware in the middle of traffic, and looks what becomes of them. A run stops at the first`,
    'thing that is wrong and writes no page; its seed and a small case are printed then.',
    '',
    `${thousands(injected(all))} faults were injected.`,
    '',
    '- *seen alone*: something told of this fault and of no other: a completion with an error status, an error bit that was 0 before, one more message, the outcome of a transfer.',
    '- *seen with others*: an error bit told of it, which others of its kind had set or would have set as well.',
    '- *harmless*: the specification lets it go unnoticed: nobody checks digests just then, or a reset takes away what would have told of it. A bit that flips in a word that is not read any more is harmless too. It is contained all the same.',
    '- *contained*: everything else was right up to the end of the batch: every completion, every byte of the memory, every register that was looked at.',
    '- *recovered*: traffic went on after it, and was right as well.',
    '',
    ...campaigns.flatMap(campaignText),
    '## Beyond the hardware',
    '',
    ...limits.map(text => `- ${text}`),
    '',
    ...unprotectedText(unprotected),
  ].join('\n');
}
