import type { Design, Match, Module, Statement } from '../ir/ir.ts';
import { bodies, ones, targetName } from '../ir/visit.ts';
import type { Diagnostic } from './diagnostic.ts';
import { describeBits, describeTarget, type Net, netsOf } from './nets.ts';

/** Combinational signals that some path through the statements leaves without a value: they would have to remember one. */
export function latch(design: Design): Diagnostic[] {
  return design.modules.flatMap(module =>
    [...netsOf(module)].flatMap(([name, net]): Diagnostic[] => {
      const missing = net.driven & ~assigned([...net.statements], name);
      return missing === 0n ? [] : [diagnostic(module, net, missing)];
    }),
  );
}

function diagnostic(module: Module, { target, statements }: Net, missing: bigint): Diagnostic {
  const what = describeTarget(module, target);
  const subject = missing === ones(target.signal.width) ? what : `${describeBits(missing)} of ${what}`;
  const conditional = [...statements].find(statement => statement.kind !== 'assign');
  return {
    check: 'latch',
    severity: 'error',
    message: `${subject} has no value on some path, so it would have to keep its old one (a latch)`,
    sites: [...(conditional ? [conditional.site] : []), target.signal.site],
    hint: 'give it a value before the when, or in an otherwise; use a register if it is to keep its value',
  };
}

/** The bits of `name` that the statements assign on every path. */
function assigned(statements: readonly Statement[], name: string): bigint {
  let bits = 0n;
  for (const statement of statements) {
    if (statement.kind === 'assign') {
      // Which bits a signal chooses is not known, so none of them counts.
      if (targetName(statement.target) === name && !statement.offset)
        bits |= ones(statement.value.width) << BigInt(statement.low);
    } else if (statement.kind === 'if' || statement.kind === 'match') {
      const all = bodies(statement).map(body => assigned(body, name));
      const paths = statement.kind === 'match' && isComplete(statement) ? all.slice(0, -1) : all;
      bits |= paths.reduce((a, b) => a & b);
    }
  }
  return bits;
}

/** Whether the arms name all values, or all states of an enumeration: the language's match leaves none out unless it has a rest. */
function isComplete({ arms, subject, otherwise }: Match): boolean {
  if (BigInt(arms.length) === 1n << BigInt(subject.width)) return true;
  if (otherwise.length > 0 || arms.length === 0 || !arms.every(arm => /^[A-Za-z_]/.test(arm.label))) return false;
  const states = subject.kind === 'signal' ? subject.signal.states : undefined;
  // The list has holes for codes of no state.
  return states === undefined || Object.keys(states).length === arms.length;
}
