import { z } from 'zod';

/** Names of the ACS control bits (7.7.8.3), as the specification abbreviates them. */
export const acsFlags = ['SV', 'TB', 'RR', 'CR', 'UF', 'EC', 'DT'] as const;
export type AcsFlag = (typeof acsFlags)[number];

/** What a host bridge does with requests between its own root ports: nothing, writes only, all, or all but cut into pieces. */
export const forwardings = ['none', 'posted', 'full', 'split'] as const;
export type Forwarding = (typeof forwardings)[number];

/** A device's part in peer-to-peer traffic: it has memory for others, reaches for others' memory, or both. */
export const roles = ['provider', 'client', 'both', 'none'] as const;
export type Role = (typeof roles)[number];

/** A number, or one in hexadecimal as `lspci -n` prints it. */
const id = z.union(
  [
    z.int().min(0).max(0xffff),
    z
      .string()
      .regex(/^(0x)?[0-9a-fA-F]{1,4}$/)
      .transform(text => Number.parseInt(text, 16)),
  ],
  'an ID is a number up to 65535, or text with up to four hexadecimal digits like "8086"',
);
const name = z.string('a name is text').min(1, 'a name has at least one character');
const acs = z.array(z.enum(acsFlags, `access control is some of ${acsFlags.join(', ')}`)).optional();
const role = z.enum(roles, `a role is one of ${roles.join(', ')}`).optional();
/** What hangs below: checked one by one, so that each mistake has its place. */
const below = z.array(z.unknown(), 'what is below stands in a list').optional();

/** The kinds of elements by the key that has their name. */
export const elements = {
  host: z.strictObject({
    host: name,
    vendor: id.optional(),
    device: id.optional(),
    identifies: z.boolean().optional(),
    forwards: z.enum(forwardings, `a host bridge forwards one of ${forwardings.join(', ')}`).optional(),
    below,
  }),
  rootPort: z.strictObject({ rootPort: name, acs, below }),
  switch: z.strictObject({ switch: name, acs, role, ports: below }),
  port: z.strictObject({ port: name, acs, below }),
  device: z.strictObject({ device: name, acs, role, virtual: below }),
} as const;

export type ElementKind = keyof typeof elements;

/** What may hang below what. */
export const mayHold: { readonly [kind in ElementKind]: readonly ElementKind[] } = {
  host: ['rootPort', 'device'],
  rootPort: ['device', 'switch'],
  switch: ['port'],
  port: ['device', 'switch'],
  device: ['device'],
};

/** The whole file. */
export const whole = z.strictObject({
  processor: z.enum(['forwards all', 'plain'], 'the processor is "forwards all" or "plain"').optional(),
  hosts: z.array(z.unknown(), 'hosts are a list').min(1, 'there has to be a host bridge'),
});

/** A topology as a person writes it: docs/topology.md. */
export interface TopologyFile {
  /** Whether the processor passes traffic between all its root ports, as AMD's do from Zen on; `plain` without. */
  readonly processor?: 'forwards all' | 'plain';
  readonly hosts: readonly HostElement[];
}
export interface HostElement {
  readonly host: string;
  /** IDs of the first function on the root bus, by which Linux's list knows a host bridge. */
  readonly vendor?: number | string;
  readonly device?: number | string;
  /** False where that function stands elsewhere than at 00.0 and is no root port; true without. */
  readonly identifies?: boolean;
  /** What it does between its root ports, if that is known: counts in place of Linux's list. */
  readonly forwards?: Forwarding;
  readonly below?: readonly (RootPortElement | DeviceElement)[];
}
export interface RootPortElement {
  readonly rootPort: string;
  readonly acs?: readonly AcsFlag[];
  readonly below?: readonly (DeviceElement | SwitchElement)[];
}
export interface SwitchElement {
  /** Name of its upstream port. */
  readonly switch: string;
  readonly acs?: readonly AcsFlag[];
  /** Of the upstream port's function itself; none without. */
  readonly role?: Role;
  readonly ports?: readonly PortElement[];
}
export interface PortElement {
  readonly port: string;
  readonly acs?: readonly AcsFlag[];
  /** Several are functions of one device. */
  readonly below?: readonly (DeviceElement | SwitchElement)[];
}
export interface DeviceElement {
  readonly device: string;
  readonly acs?: readonly AcsFlag[];
  /** Both without. */
  readonly role?: Role;
  /** Its virtual functions. */
  readonly virtual?: readonly DeviceElement[];
}
