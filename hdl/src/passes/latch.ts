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
      if (targetName(statement.target) === name) bits |= ones(statement.value.width) << BigInt(statement.low);
    } else if (statement.kind === 'if' || statement.kind === 'match') {
      const all = bodies(statement).map(body => assigned(body, name));
      const paths = statement.kind === 'match' && isComplete(statement) ? all.slice(0, -1) : all;
      bits |= paths.reduce((a, b) => a & b);
    }
  }
  return bits;
}

/** Whether the arms name all values, or all states of an enumeration: a language construct that leaves none out numbers them from 0. */
function isComplete({ arms, subject, otherwise }: Match): boolean {
  const count = BigInt(arms.length);
  if (count === 1n << BigInt(subject.width)) return true;
  if (otherwise.length > 0 || count <= (1n << BigInt(subject.width)) / 2n) return false;
  return arms.every(arm => /^[A-Za-z_]/.test(arm.label) && arm.value < count);
}
