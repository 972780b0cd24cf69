import type { Verdict } from './proof.ts';
import type { Finding } from './run.ts';

/** A verdict for people. */
export function verdictText(verdict: Verdict): string {
  const cycles = (steps: number) => `${steps} ${steps === 1 ? 'cycle' : 'cycles'}`;
  if (verdict.kind === 'proved') return `for all time, by induction over ${cycles(verdict.steps)}`;
  if (verdict.kind === 'undecided')
    return `undecided: not broken in the first ${cycles(verdict.steps)}, but it does not follow either`;
  return 'refuted';
}

/** docs/proofs.md: what is proved of which block. */
export function proofsPage(findings: readonly Finding[]): string {
  const rows = findings.map(
    ({ proof, verdict }) =>
      `| \`${proof.name}\` | ${proof.block} | ${proof.claim} | ${proof.rules.join(' ')} | ${verdictText(verdict)} |`,
  );
  return [
    '# Proofs',
    '',
    '`npm run prove` writes this page. Each line is a module in `scripts/src/prove/properties` that holds a block, states what its surroundings promise (`assume`)',
    'and claims something (`assert`). Yosys proves the emitted Verilog with its SAT solver, in the same process. A claim is proved for all time if it holds from reset',
    'on, and follows for the next cycle from any state in which it held: so some modules also claim what their registers mean.',
    '',
    'Of every proof the opposite is tried as well: that the situation in which it matters never comes. That has to be refuted, or the assumptions would be too strong.',
    '`npm run mutants` plants bugs in the blocks and looks whether the proofs fail; `npm run prove -- --waves FOLDER` leaves a waveform of each run that breaks a claim.',
    '',
    '| proof | block | claim | rules | result |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
