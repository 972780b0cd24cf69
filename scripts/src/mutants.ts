import Table from 'cli-table3';
import pc from 'picocolors';
import { rulesOf, withoutRules } from './conformance/titles.ts';
import { UsageError } from './errors.ts';
import { checkWritable, writeWhole } from './files.ts';
import { campaign, type MutantResult } from './mutants/campaign.ts';
import type { Mutant } from './mutants/mutant.ts';
import { complaint } from './mutants/outcome.ts';
import { mutants } from './mutants/planted/index.ts';

export interface MutantOptions {
  /** Names, commas between them. */
  readonly only?: string;
  readonly area?: string;
  /** Names them and plants nothing. */
  readonly list?: boolean;
  readonly json?: string;
}

/** Mutants at once: every one is a process of its own with one worker. */
const workers = 2;

/**
 * `npm run mutants`: plants named bugs in the sources and looks whether the tests notice.
 * @returns the exit code: 0 if every mutant was caught, 1 otherwise.
 * @throws UsageError for an unknown name or area, and if the tests fail as it is.
 */
export async function runMutants(options: MutantOptions): Promise<number> {
  const chosen = chosenMutants(mutants, options);
  if (options.list) {
    process.stdout.write(`${mutantTable(chosen)}\n`);
    return 0;
  }
  if (options.json !== undefined) checkWritable(options.json);
  let done = 0;
  const results = await campaign(chosen, {
    workers,
    onResult: ({ mutant, outcome, seconds }) => {
      done++;
      const what = complaint(mutant, outcome) ?? 'caught';
      process.stderr.write(`${done}/${chosen.length} ${mutant.name}: ${what}, ${seconds.toFixed(0)} s\n`);
    },
  });
  process.stdout.write(`${resultTable(results)}\n`);
  const wrong = results.filter(wrongOf);
  process.stdout.write(`${results.length - wrong.length} of ${results.length} mutants caught\n`);
  if (options.json !== undefined) writeWhole(options.json, `${JSON.stringify(report(results), null, 2)}\n`);
  return wrong.length === 0 ? 0 : 1;
}

/** The mutants that the options name. @throws UsageError for a name or an area that there is not. */
export function chosenMutants(all: readonly Mutant[], { only, area }: MutantOptions): readonly Mutant[] {
  const areas = [...new Set(all.map(m => m.area))];
  if (area !== undefined && !areas.some(a => a === area)) {
    throw new UsageError(`there are no mutants of the area '${area}': choose ${areas.join(' or ')}.`);
  }
  const inArea = all.filter(m => area === undefined || m.area === area);
  return only === undefined
    ? inArea
    : only.split(',').map(name => {
        const mutant = inArea.find(m => m.name === name);
        if (!mutant) throw new UsageError(`there is no mutant '${name}': npm run mutants -- --list names them.`);
        return mutant;
      });
}

const wrongOf = ({ mutant, outcome }: MutantResult) => complaint(mutant, outcome);

/** The tests that noticed, those first that name a rule of the mutant. */
function noticedBy({ mutant, outcome }: MutantResult): readonly string[] {
  if (outcome.kind !== 'caught') return [];
  const named = (titles: readonly string[]) => titles.flatMap(rulesOf).some(rule => mutant.rules.includes(rule));
  const tests = [...outcome.by.filter(named), ...outcome.by.filter(titles => !named(titles))];
  return tests.map(titles => titles.map(withoutRules).join(': '));
}

const table = (head: readonly string[]) =>
  new Table({ head: [...head], style: { head: process.stdout.isTTY ? ['bold'] : [], border: [], compact: true } });

function mutantTable(chosen: readonly Mutant[]): string {
  const t = table(['mutant', 'area', 'rules', 'source']);
  for (const m of chosen) t.push([m.name, m.area, m.rules.join(' '), m.file]);
  return t.toString();
}

function resultTable(results: readonly MutantResult[]): string {
  const t = table(['mutant', 'rules', 'caught by', 'seconds']);
  for (const result of results) {
    const { mutant, seconds } = result;
    const wrong = wrongOf(result);
    const [first = 'the checks of the language', ...others] = noticedBy(result);
    const more = others.length > 0 ? ` and ${others.length} more` : '';
    const shown = first.length > 80 ? `${first.slice(0, 79)}…` : first;
    t.push([mutant.name, mutant.rules.join(' '), wrong === undefined ? shown + more : pc.red(wrong), seconds.toFixed(1)]);
  }
  return t.toString();
}

/** What `--json` writes; see docs/report-schema.md. */
function report(results: readonly MutantResult[]) {
  return {
    schema: 'p2p-mutants-report',
    version: 1,
    mutants: results.map(result => ({
      name: result.mutant.name,
      area: result.mutant.area,
      rules: result.mutant.rules,
      file: result.mutant.file,
      outcome: result.outcome.kind,
      caught: wrongOf(result) === undefined,
      by: noticedBy(result),
      seconds: result.seconds,
    })),
  };
}
