import { decode, encode, type Layout, type Values } from '../../../layout.ts';
import { allNamespaces } from '../../../nvme/commands.ts';
import {
  Feature,
  FeatureCapability,
  FeatureSelect,
  queueCounts,
  temperatureThreshold,
  vectorConfiguration,
} from '../../../nvme/features.ts';
import { Status } from '../../../nvme/status.ts';
import { CommandError } from './command-error.ts';
import { type Profile, temperatureLimits } from './profile.ts';

const dword = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);
const numberOf = (bytes: Uint8Array): number => new DataView(bytes.buffer).getUint32(0, true);
/** The fields of a feature's value. */
const fields = <L extends Layout>(layout: L, value: number): Values<L> => decode(layout, dword(value));

const featureByte = { byte: 40 } as const;
const valueByte = { byte: 44 } as const;

/** A feature that the controller has. */
interface Kind {
  readonly namespaceSpecific?: boolean;
  /** Which of the values of the feature a command means, by its DW11: a temperature sensor, a vector. */
  readonly part?: (value: number) => number;
  readonly standard: (value: number) => number;
  /** @throws CommandError for a value that the feature cannot have. */
  readonly check?: (value: number) => void;
  /** Bits that are kept. */
  readonly mask: number;
}

/** Sensors: 0 is the composite temperature, 1 the only sensor, 15 means all of them. */
const allSensors = 15;
const sensors = [0, 1] as const;

/** The features of a controller, from an enabling to the next reset: none is saved (NVMe 1.4 sections 5.13, 5.21 and 7.8). */
export class FeatureSet {
  private readonly kinds: ReadonlyMap<number, Kind>;
  private readonly namespaces: readonly number[];
  private readonly queues: number;
  /** Values that are not the default, by feature, namespace and part. */
  private readonly values = new Map<string, number>();

  constructor(profile: Profile, vectors: number) {
    this.namespaces = profile.namespaces.map(({ id }) => id);
    this.queues = profile.queues;
    this.kinds = kindsOf(vectors);
  }

  /** A value as the controller itself uses it. */
  value(feature: number, part = 0): number {
    const kind = this.kinds.get(feature);
    return this.values.get(keyOf(feature, 0, part)) ?? kind?.standard(part) ?? 0;
  }

  /** The temperatures, in kelvin, beyond which a sensor is too hot or too cold. */
  threshold(sensor: number, type: 'over' | 'under'): number {
    const part = sensor | (type === 'under' ? 16 : 0);
    const stored = this.values.get(keyOf(Feature.temperatureThreshold, 0, part));
    return stored ?? standardThreshold(part);
  }

  /** Get Features. @returns DW0 of the completion. @throws CommandError. */
  get(feature: number, namespace: number, select: number, parameter: number): number {
    const kind = this.kind(feature);
    if (select > FeatureSelect.capabilities) throw new CommandError(Status.invalidField, { byte: 41, bit: 0 });
    if (select === FeatureSelect.capabilities)
      return FeatureCapability.changeable | (kind.namespaceSpecific ? FeatureCapability.namespaceSpecific : 0);
    if (kind.namespaceSpecific && !this.namespaces.includes(namespace)) throw new CommandError(Status.invalidNamespace);
    const part = kind.part?.(parameter) ?? 0;
    if (feature === Feature.numberOfQueues) return this.queueCounts();
    if (feature === Feature.temperatureThreshold && (part & 15) === allSensors)
      throw new CommandError(Status.invalidField, valueByte);
    const stored = this.values.get(keyOf(feature, kind.namespaceSpecific ? namespace : 0, part));
    return select === FeatureSelect.current ? (stored ?? kind.standard(part)) : kind.standard(part);
  }

  /** Set Features. @returns DW0 of the completion. @throws CommandError. */
  set(feature: number, namespace: number, save: boolean, value: number): number {
    const kind = this.kind(feature);
    if (save) throw new CommandError(Status.featureNotSaveable);
    const scope = this.scope(kind, namespace);
    kind.check?.(value);
    const part = kind.part?.(value) ?? 0;
    const parts =
      feature === Feature.temperatureThreshold && (part & 15) === allSensors ? sensors.map(s => s | (part & 16)) : [part];
    for (const each of scope) for (const one of parts) this.values.set(keyOf(feature, each, one), (value & kind.mask) >>> 0);
    return feature === Feature.numberOfQueues ? this.queueCounts() : 0;
  }

  private kind(feature: number): Kind {
    const kind = this.kinds.get(feature);
    if (!kind) throw new CommandError(Status.invalidField, featureByte);
    return kind;
  }

  /** The namespaces that a setting is for; 0 is the controller. */
  private scope(kind: Kind, namespace: number): readonly number[] {
    const known = this.namespaces.includes(namespace);
    if (!kind.namespaceSpecific) {
      if (namespace === 0 || namespace === allNamespaces) return [0];
      throw new CommandError(known ? Status.featureNotNamespaceSpecific : Status.invalidNamespace);
    }
    if (namespace === allNamespaces) return this.namespaces;
    if (!known) throw new CommandError(Status.invalidNamespace);
    return [namespace];
  }

  /** The controller gives all queues that it has, whatever the host asks for. */
  private queueCounts(): number {
    return numberOf(encode(queueCounts, 4, { submission: this.queues - 1, completion: this.queues - 1 }));
  }
}

const keyOf = (feature: number, namespace: number, part: number): string => `${feature} ${namespace} ${part}`;

/** Of sensor and type: the composite temperature is too hot at the warning limit; nothing else has a limit. */
function standardThreshold(part: number): number {
  if (part & 16) return 0;
  return part === 0 ? temperatureLimits.warning : 0xffff;
}

const invalidUnless = (good: boolean): void => {
  if (!good) throw new CommandError(Status.invalidField, valueByte);
};

function kindsOf(vectors: number): ReadonlyMap<number, Kind> {
  const fixed = (value: number) => () => value;
  return new Map<number, Kind>([
    [Feature.arbitration, { standard: fixed(3), mask: 0xffff_ff07 }],
    [Feature.powerManagement, { standard: fixed(0), mask: 0xff, check: value => invalidUnless((value & 0x1f) === 0) }],
    [
      Feature.temperatureThreshold,
      {
        standard: standardThreshold,
        mask: 0xffff,
        part: value => {
          const { sensor, type } = fields(temperatureThreshold, value);
          invalidUnless((sensor <= 1 || sensor === allSensors) && type <= 1);
          return sensor | (type << 4);
        },
      },
    ],
    // Bit 16 asks for errors on reads of deallocated blocks, which this controller does not offer.
    [
      Feature.errorRecovery,
      { namespaceSpecific: true, standard: fixed(0), mask: 0xffff, check: value => invalidUnless((value & 0x1_0000) === 0) },
    ],
    [Feature.volatileWriteCache, { standard: fixed(1), mask: 1 }],
    [
      Feature.numberOfQueues,
      {
        standard: fixed(0),
        mask: 0,
        check: value => {
          const { submission, completion } = fields(queueCounts, value);
          invalidUnless(submission !== 0xffff && completion !== 0xffff);
        },
      },
    ],
    [Feature.interruptCoalescing, { standard: fixed(0), mask: 0xffff }],
    [
      Feature.interruptVectorConfiguration,
      {
        standard: part => part,
        mask: 0x1_ffff,
        part: value => {
          const { vector } = fields(vectorConfiguration, value);
          invalidUnless(vector < vectors);
          return vector;
        },
      },
    ],
    [Feature.writeAtomicity, { standard: fixed(0), mask: 1 }],
    [Feature.asynchronousEventConfiguration, { standard: fixed(0), mask: 0x7fff_ffff }],
  ]);
}
