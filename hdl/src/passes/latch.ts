import type { Design, Match, Module, Statement } from '../ir/ir.ts';
import { bodies, ones, targetName } from '../ir/visit.ts';
import type { Diagnostic } from './diagnostic.ts';
import { describeTarget, type Net, netsOf, subjectOf } from './nets.ts';

/** Combinational signals that some path through the statements leaves without a value: they would have to remember one. */
export function latch(design: Design): Diagnostic[] {
  return design.modules.flatMap(module => {
    const nets = netsOf(module);
    const certain = assigned(module.body, nets);
    return [...nets].flatMap(([name, net]): Diagnostic[] => {
      const missing = net.driven & ~(certain.get(name) ?? 0n);
      return missing === 0n ? [] : [diagnostic(module, net, missing)];
    });
  });
}

function diagnostic(module: Module, { target, statements }: Net, missing: bigint): Diagnostic {
  const { text, has } = subjectOf(describeTarget(module, target), target.signal.width, missing);
  const [first] = statements;
  const conditional = [...statements].find(statement => statement.kind !== 'assign');
  const site = (conditional ?? first)?.site;
  return {
    check: 'latch',
    severity: 'error',
    message: `${text} ${has} no value on some path, so it would have to keep its old one (a latch)`,
    sites: [...(site ? [site] : []), target.signal.site],
    hint: conditional
      ? 'give it a value before the when, or in an otherwise; use a register if it is to keep its value'
      : 'set all of it before the bits that an index chooses; use a register if it is to keep its value',
  };
}

/** The bits of each net that the statements assign on every path. */
function assigned(statements: readonly Statement[], nets: ReadonlyMap<string, Net>): Map<string, bigint> {
  const certain = new Map<string, bigint>();
  const add = (name: string, bits: bigint) => certain.set(name, (certain.get(name) ?? 0n) | bits);
  for (const statement of statements) {
    if (statement.kind === 'assign') {
      const name = targetName(statement.target);
      // Which bits a signal chooses is not known, so none of them counts.
      if (!statement.offset && nets.has(name)) add(name, ones(statement.value.width) << BigInt(statement.low));
    } else if (statement.kind === 'if' || statement.kind === 'match') {
      const paths = bodies(statement).map(body => assigned(body, nets));
      const [first, ...others] = statement.kind === 'match' && isComplete(statement) ? paths.slice(0, -1) : paths;
      for (const [name, bits] of first ?? [])
        add(
          name,
          others.reduce((all, path) => all & (path.get(name) ?? 0n), bits),
        );
    }
  }
  return certain;
}

/** Whether the arms name all values, or all states of an enumeration: the language's match leaves none out unless it has a rest. */
function isComplete({ arms, subject, otherwise }: Match): boolean {
  if (BigInt(arms.length) === 1n << BigInt(subject.width)) return true;
  if (otherwise.length > 0 || arms.length === 0 || !arms.every(arm => /^[A-Za-z_]/.test(arm.label))) return false;
  const states = subject.kind === 'signal' ? subject.signal.states : undefined;
  // The list has holes for codes of no state.
  return states === undefined || Object.keys(states).length === arms.length;
}
