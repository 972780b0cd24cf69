import type { Access, Route, Trouble } from '../../faults/switch-reference.ts';

/** TLP type × route × access control × error of a switch: which combinations there are, and why there are no others. */

export const types = [
  'MRd',
  'MRdLk',
  'MWr',
  'FetchAdd',
  'Swap',
  'CAS',
  'IORd',
  'IOWr',
  'CfgRd',
  'CfgWr',
  'Cpl',
  'CplD',
  'CplLk',
  'CplDLk',
  'Msg',
  'MsgD',
  'undefined',
] as const;
export type TlpType = (typeof types)[number];

export const routes = [
  'down',
  'down to nobody',
  'all',
  'up',
  'peer',
  'own side',
  'nobody',
  'here',
  'unrouted',
] as const satisfies readonly Route[];
export const accesses = [
  'none',
  'source validation',
  'translation blocking',
  'request redirect',
  'completion redirect',
  'relaxed completion',
  'upstream forwarding',
  'egress allowed',
  'egress blocked',
  'egress redirected',
  'direct translated',
] as const satisfies readonly Access[];
export const troubles = [
  'none',
  'malformed',
  'wrong length',
  'over the egress limit',
  'poisoned',
  'refused',
  'no bus mastering',
  'violation',
  'link down',
  'contained',
] as const satisfies readonly Trouble[];

/** A combination. */
export interface Bin {
  readonly type: TlpType;
  readonly route: Route;
  readonly access: Access;
  readonly trouble: Trouble;
}

/** Combinations that there cannot be. */
export interface Impossible {
  readonly is: (bin: Bin) => boolean;
  readonly why: string;
}

const oneOf =
  <T>(...list: readonly T[]) =>
  (value: T): boolean =>
    list.includes(value);
const memory = oneOf<TlpType>('MRd', 'MWr', 'FetchAdd', 'Swap', 'CAS');
const io = oneOf<TlpType>('IORd', 'IOWr');
const config = oneOf<TlpType>('CfgRd', 'CfgWr');
const completion = oneOf<TlpType>('Cpl', 'CplD', 'CplLk', 'CplDLk');
const message = oneOf<TlpType>('Msg', 'MsgD');
/** They carry more than a few bytes. */
const bulk = oneOf<TlpType>('MWr', 'CplD', 'CplDLk', 'MsgD');
const atomic = oneOf<TlpType>('FetchAdd', 'Swap', 'CAS');
const withData = (type: TlpType): boolean => bulk(type) || atomic(type) || type === 'IOWr' || type === 'CfgWr';
const fromAbove = oneOf<Route>('down', 'down to nobody', 'all');
const violating = oneOf<Access>('source validation', 'translation blocking', 'egress blocked');
/** Access control turns it upward. */
const turned = oneOf<Access>('request redirect', 'completion redirect', 'upstream forwarding', 'egress redirected');
/** What may be wrong with a TLP that leaves the switch. */
const leaving = oneOf<Trouble>('none', 'wrong length', 'over the egress limit', 'poisoned', 'link down', 'contained');

export const impossible: readonly Impossible[] = [
  {
    is: ({ route, trouble }) => (route === 'unrouted') !== (trouble === 'malformed'),
    why: 'A malformed TLP is dropped before anybody looks where it goes, and nothing else is (2.3, C71d).',
  },
  {
    is: ({ type, trouble }) => type === 'undefined' && trouble !== 'malformed',
    why: 'A TLP of an undefined type or format is malformed (2.2.1).',
  },
  {
    is: ({ route, access }) => access !== 'none' && (fromAbove(route) || route === 'unrouted'),
    why: 'Access control is of downstream ports and looks at what comes from below, if it is well formed (6.12.1.1).',
  },
  {
    is: ({ access, trouble }) => violating(access) !== (trouble === 'violation'),
    why: 'Source validation, translation blocking and egress control are violated, and nothing else is (6.12.3).',
  },
  {
    is: ({ type, access }) => access === 'source validation' && completion(type),
    why: 'Source validation looks at requests (6.12.1.1): the Requester ID of a completion is the ID that it goes to.',
  },
  {
    is: ({ type, access }) => (access === 'translation blocking' || access === 'direct translated') && !memory(type),
    why: 'Memory requests and AtomicOps alone have an address type that counts (2.2.4.1).',
  },
  {
    is: ({ type, access }) => (access === 'completion redirect' || access === 'relaxed completion') && !completion(type),
    why: 'Completion redirect is of completions (6.12.1.1).',
  },
  {
    is: ({ type, access }) =>
      oneOf<Access>('request redirect', 'egress allowed', 'egress blocked', 'egress redirected', 'direct translated')(access) &&
      completion(type),
    why: 'Request redirect, egress control and direct translated P2P are of requests (6.12.1.1).',
  },
  {
    is: ({ route, access }) =>
      oneOf<Access>(
        'request redirect',
        'completion redirect',
        'relaxed completion',
        'egress allowed',
        'egress blocked',
        'egress redirected',
        'direct translated',
      )(access) && route !== 'peer',
    why: 'Redirects and egress control are of what one downstream port sends to another (6.12.1.1).',
  },
  {
    is: ({ route, access }) => access === 'upstream forwarding' && route !== 'own side',
    why: 'Upstream forwarding is of what is addressed to the side that it comes from (6.12.1.1).',
  },
  {
    is: ({ type, route }) => type === 'MRdLk' && !oneOf<Route>('down to nobody', 'nobody', 'unrouted')(route),
    why: 'This switch passes no locked reads: nobody takes them (docs/decisions.md, C25).',
  },
  {
    is: ({ type, route }) => config(type) && oneOf<Route>('all', 'peer', 'own side', 'nobody')(route),
    why: 'Configuration requests are routed downward alone; from below they are refused whatever their ID is (7.3.3, C25).',
  },
  { is: ({ type, route }) => route === 'all' && !message(type), why: 'Messages alone are sent to all (2.2.8).' },
  {
    is: ({ type, route }) => route === 'here' && !message(type) && !config(type),
    why: 'A switch is the target of configuration requests and messages alone: it has no memory, no I/O and no requests of its own that are completed.',
  },
  {
    is: ({ type, route, trouble }) => config(type) && route === 'up' && trouble !== 'refused' && trouble !== 'violation',
    why: 'Configuration requests from below are refused (7.3.3, C25).',
  },
  {
    is: ({ type, route, access, trouble }) =>
      trouble === 'refused' &&
      !(access === 'none' && (oneOf<Route>('down to nobody', 'nobody', 'own side')(route) || (config(type) && route === 'up'))),
    why: 'What somebody takes is not refused but for a link or a permission, which are errors of their own here.',
  },
  {
    is: ({ route, access, trouble }) =>
      leaving(trouble) &&
      (oneOf<Route>('down to nobody', 'nobody')(route) || (route === 'own side' && access !== 'upstream forwarding')),
    why: 'What nobody takes does not leave: it is refused.',
  },
  {
    is: ({ type, route, access, trouble }) =>
      trouble === 'no bus mastering' &&
      (fromAbove(route) || route === 'here' || access !== 'none' || !(memory(type) || io(type))),
    why: 'Bus Master Enable gates memory and I/O requests from below, before the rules of peers (7.5.1.1.3, C82).',
  },
  {
    is: ({ route, access, trouble }) =>
      (trouble === 'link down' || trouble === 'contained') && !((route === 'down' || route === 'peer') && !turned(access)),
    why: 'The link of a downstream port is down for what leaves by that port; the one above is up, or nothing of this could be seen.',
  },
  {
    is: ({ type, trouble }) => trouble === 'poisoned' && !withData(type),
    why: 'Poison is of data (2.7.2.2); of a TLP without, the bit is not looked at.',
  },
  {
    is: ({ type, trouble }) => trouble === 'over the egress limit' && !bulk(type),
    why: 'Requests of one DW and operands of AtomicOps are shorter than the least limit (128 bytes), and what has no data has no payload.',
  },
  {
    is: ({ type, trouble }) => trouble === 'wrong length' && !bulk(type) && !atomic(type),
    why: 'What fits into one beat and has more, or has one beat and should have more, is malformed with its first beat (64 bits to the beat).',
  },
  {
    is: ({ route, trouble }) => route === 'here' && trouble !== 'none' && trouble !== 'poisoned' && trouble !== 'violation',
    why: 'What ends at a port does not leave by another one.',
  },
  {
    is: ({ type, route, trouble }) => trouble === 'violation' && route === 'here' && config(type),
    why: 'Configuration requests for the switch come from above, where there is no access control.',
  },
  {
    is: ({ route, trouble }) => route === 'all' && trouble !== 'none' && trouble !== 'poisoned' && trouble !== 'wrong length',
    why: 'A message to all leaves by the links that are up; it is passed whatever becomes of its copies.',
  },
];

/** All combinations, those that there cannot be too. */
export function allBins(): Bin[] {
  return types.flatMap(type =>
    routes.flatMap(route => accesses.flatMap(access => troubles.map(trouble => ({ type, route, access, trouble })))),
  );
}

/** The first rule that says that there is no such combination. */
export const whyNot = (bin: Bin): Impossible | undefined => impossible.find(({ is }) => is(bin));

/** A combination as text that no other one has. */
export const binText = ({ type, route, access, trouble }: Bin): string => [type, route, access, trouble].join(' · ');
