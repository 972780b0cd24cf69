import { HostError } from '../host-error.ts';
import { Acs } from '../p2pdma/tree.ts';
import { bridgesAbove, type PciDevice } from './pci-device.ts';
import { acsRegister, ExtendedId } from './registers.ts';

/** How access control is set, as Linux does it (its options of the same names). */
export interface AcsOptions {
  /** There is an IOMMU: everything that passes between peers has to go through it. */
  readonly iommu?: boolean;
  /** Functions that come from outside or may not use translations of their own, by name: their ports block translated requests. */
  readonly untrusted?: readonly string[];
  /** `pci=disable_acs_redir=`: functions whose redirection is switched off. */
  readonly disableRedirect?: string;
  /** `pci=config_acs=`: bits for functions. */
  readonly config?: string;
}

const redirection = Acs.requestRedirect | Acs.completionRedirect | Acs.egressControl;
const isolation = Acs.sourceValidation | Acs.requestRedirect | Acs.completionRedirect | Acs.upstreamForwarding;

/** A pattern of an option that names functions. */
interface Pattern {
  readonly text: string;
  matches(device: PciDevice): boolean;
}

/** What an option does to the functions that it names: of the firmware's value `mask` is replaced by `value`. */
export interface AcsOverride {
  readonly patterns: readonly Pattern[];
  readonly mask: number;
  readonly value: number;
}

/** Reads `disable_acs_redir=`: functions with semicolons between them. @throws HostError that names the part that is wrong. */
export function parseDisableRedirect(text: string): AcsOverride[] {
  return [{ patterns: patterns(text, 'disable_acs_redir'), mask: redirection, value: 0 }];
}

/** Reads `config_acs=`: `flags@functions`, and more of that with commas between; the last flag is bit 0, each 0, 1 or x (as it is). @throws HostError that names the part that is wrong. */
export function parseConfigAcs(text: string): AcsOverride[] {
  return text.split(',').map(part => {
    const [flags = '', devices, more] = part.split('@');
    if (devices === undefined || more !== undefined)
      throw new HostError(`config_acs: '${part}' is not flags@functions, like 0000110@0000:03:00.0`);
    if (!/^[01xX]{1,7}$/.test(flags))
      throw new HostError(
        `config_acs: '${flags}' are no flags: up to 7 of 0, 1 and x, from bit 6 (direct translated) to bit 0 (source validation)`,
      );
    let mask = 0;
    let value = 0;
    [...flags].toReversed().forEach((flag, bit) => {
      if (flag === '0' || flag === '1') mask |= 1 << bit;
      if (flag === '1') value |= 1 << bit;
    });
    return { patterns: patterns(devices, 'config_acs'), mask, value };
  });
}

function patterns(text: string, option: string): Pattern[] {
  if (text.trim() === '') throw new HostError(`${option}: no function is named; write them like 0000:03:00.0;pci:8086:2030`);
  return text.split(';').map(part => pattern(part.trim(), option));
}

function pattern(text: string, option: string): Pattern {
  const ids = /^pci:([0-9a-f]{1,8}):([0-9a-f]{1,8})(?::[0-9a-f]+:[0-9a-f]+)?$/i.exec(text);
  if (ids) {
    const [vendor, device] = ids.slice(1, 3).map(fromHex);
    const any = (wanted: number | undefined, is: number) => wanted === 0 || wanted === 0xffff_ffff || wanted === is;
    return { text, matches: each => any(vendor, each.vendorId) && any(device, each.deviceId) };
  }
  const place = /^(?:([0-9a-f]{1,4}):)?([0-9a-f]{1,2}):([0-9a-f]{1,2})\.([0-7])((?:\/[0-9a-f]{1,2}\.[0-7])*)$/i.exec(text);
  if (!place)
    throw new HostError(`${option}: '${text}' names no function: write domain:bus:device.function, or pci:vendor:device`);
  const [domain = '0', bus = '', device = '', number = '', path = ''] = place.slice(1);
  const steps = [`${device}.${number}`, ...path.split('/').slice(1)];
  return {
    text,
    matches: each => {
      // From the last step up to the first, which has its bus number.
      let at: PciDevice | undefined = each;
      for (const step of steps.slice(1).toReversed()) {
        if (!at || placeOf(at) !== placeIn(step)) return false;
        at = at.parent;
      }
      const [first = ''] = steps;
      return (
        at !== undefined && placeOf(at) === placeIn(first) && at.bdf.bus === fromHex(bus) && at.domain.number === fromHex(domain)
      );
    },
  };
}

const fromHex = (text: string): number => Number.parseInt(text, 16);
const placeIn = (step: string): string => step.split('.').map(fromHex).join('.');
const placeOf = ({ bdf }: PciDevice): string => `${bdf.device}.${bdf.function}`;

/** What was set, for people and for a device that comes back from a reset. */
export interface AcsSetting {
  readonly device: PciDevice;
  readonly control: number;
}

/**
 * Sets the access control of all functions that have it. With an IOMMU: source validation, request and completion redirect and upstream forwarding, as far as there
 * is, and translation blocking for those that are not trusted; without, what the firmware left. Options start from the firmware's value and not from that.
 * @throws HostError for an option that cannot be read, or that names no function.
 */
export async function configureAcs(devices: Iterable<PciDevice>, options: AcsOptions = {}): Promise<AcsSetting[]> {
  const overrides = [
    ...(options.disableRedirect === undefined ? [] : parseDisableRedirect(options.disableRedirect)),
    ...(options.config === undefined ? [] : parseConfigAcs(options.config)),
  ];
  const all = [...devices];
  for (const { patterns: named } of overrides)
    for (const each of named)
      if (!all.some(device => each.matches(device) && device.firmwareAcs !== undefined))
        throw new HostError(`'${each.text}' names no function with access control: ${withAcs(all)}`);
  const set: AcsSetting[] = [];
  for (const device of all) {
    const offset = device.extended.get(ExtendedId.acs);
    const firmware = device.firmwareAcs;
    if (offset === undefined || firmware === undefined) continue;
    const can = (await device.read(offset + acsRegister)) & 0x7f;
    const blocked = options.untrusted?.includes(device.name) ? Acs.translationBlocking : 0;
    let control = options.iommu ? firmware | ((isolation | blocked) & can) : firmware;
    let base = firmware;
    for (const { patterns: named, mask, value } of overrides) {
      if (!named.some(each => each.matches(device))) continue;
      base = (base & ~mask) | (value & mask & can);
      control = base;
    }
    await device.change(offset + acsRegister, 0x7f_0000, control << 16);
    set.push({ device, control });
  }
  return set;
}

const withAcs = (all: readonly PciDevice[]): string => {
  const names = all.filter(({ firmwareAcs }) => firmwareAcs !== undefined).map(({ name }) => name);
  return names.length > 0 ? `those with it are ${names.join(', ')}` : 'no function has it';
};

/** Sets access control again, as after a reset. */
export async function restoreAcs(settings: readonly AcsSetting[], devices: Iterable<PciDevice>): Promise<void> {
  const back = new Set(devices);
  for (const { device, control } of settings) {
    const offset = device.extended.get(ExtendedId.acs);
    if (offset !== undefined && back.has(device)) await device.change(offset + acsRegister, 0x7f_0000, control << 16);
  }
}

/**
 * Ports between a function and the root that could turn its requests to a peer. With any of them it may not use process address spaces, which excludes direct
 * peer-to-peer traffic of such a function (B.11).
 */
export async function turningPorts(device: PciDevice): Promise<PciDevice[]> {
  const needed = Acs.requestRedirect | Acs.upstreamForwarding;
  const turning: PciDevice[] = [];
  for (const port of bridgesAbove(device).filter(({ isDownstreamPort }) => isDownstreamPort)) {
    const offset = port.extended.get(ExtendedId.acs);
    const control = offset === undefined ? 0 : (await port.read(offset + acsRegister)) >>> 16;
    if ((control & needed) !== needed) turning.push(port);
  }
  return turning;
}
