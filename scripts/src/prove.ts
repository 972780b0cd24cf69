import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pc from 'picocolors';
import { UsageError } from './errors.ts';
import { writeWhole } from './files.ts';
import { proofsPage, verdictText } from './prove/page.ts';
import type { Proof } from './prove/proof.ts';
import { allProofs } from './prove/properties/index.ts';
import { type Finding, findingOf } from './prove/run.ts';

export interface ProveOptions {
  /** Names, commas between them. */
  readonly only?: string;
  /** Folder for the waveforms of runs that break a claim. */
  readonly waves?: string;
}

/** The page with what is proved. */
export const proofsPath: string = fileURLToPath(new URL('../../docs/proofs.md', import.meta.url));

/**
 * `npm run prove`: proves the properties of all blocks and writes docs/proofs.md, or of some and writes nothing.
 * @returns the exit code: 0 if every claim is proved, and about something that can happen. @throws UsageError for an unknown name.
 */
export async function prove(options: ProveOptions): Promise<number> {
  const findings: Finding[] = [];
  for (const proof of chosen(options.only)) {
    const finding = await findingOf(proof);
    findings.push(finding);
    process.stdout.write(`${sound(finding) ? pc.green('✓') : pc.red('✗')} ${proof.name}: ${outcome(finding)}\n`);
    if (finding.verdict.kind === 'refuted' && options.waves !== undefined) {
      mkdirSync(options.waves, { recursive: true });
      const path = join(options.waves, `${proof.name}.vcd`);
      writeWhole(path, finding.verdict.waveform);
      process.stdout.write(`  waveform: ${path}\n`);
    }
  }
  const wrong = findings.filter(finding => !sound(finding));
  if (options.only === undefined && wrong.length === 0) writeWhole(proofsPath, proofsPage(findings));
  return wrong.length === 0 ? 0 : 1;
}

const sound = ({ verdict, witnessed }: Finding): boolean => verdict.kind === 'proved' && witnessed;
const outcome = ({ verdict, witnessed }: Finding): string =>
  witnessed ? verdictText(verdict) : `${verdictText(verdict)}, but its assumptions let nothing happen`;

function chosen(only: string | undefined): readonly Proof[] {
  if (only === undefined) return allProofs;
  return only.split(',').map(name => {
    const found = allProofs.find(proof => proof.name === name);
    if (!found) throw new UsageError(`there is no proof '${name}': choose from ${allProofs.map(p => p.name).join(', ')}.`);
    return found;
  });
}
