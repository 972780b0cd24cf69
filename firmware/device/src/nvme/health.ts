import { encode, type Values } from '../../../layout.ts';
import { errorEntry, errorEntryBytes, health, healthBytes, temperatureWarning } from '../../../nvme/features.ts';
import { errorEntries } from './profile.ts';

/** What an entry of the error log tells, beside its number. */
export type ErrorReport = Omit<Values<typeof errorEntry>, 'count'>;

/** Data units of the health log: 1000 × 512 bytes. */
const unitBytes = 512_000n;

/** What the controller remembers of its life, over resets too: counters of the SMART log and the error log (NVMe 1.4 section 5.14.1). */
export class Health {
  /** Composite temperature in kelvin. */
  readonly temperature: number;
  private readonly counts = { bytesRead: 0n, bytesWritten: 0n, reads: 0n, writes: 0n, mediaErrors: 0n };
  /** The latest first. */
  private readonly errors: Uint8Array[] = [];
  private errorCount = 0n;

  constructor(temperature: number) {
    this.temperature = temperature;
  }

  /** A read or a compare of so many bytes ended well. */
  countRead(bytes: number): void {
    this.counts.reads++;
    this.counts.bytesRead += BigInt(bytes);
  }

  countWrite(bytes: number): void {
    this.counts.writes++;
    this.counts.bytesWritten += BigInt(bytes);
  }

  countMediaError(): void {
    this.counts.mediaErrors++;
  }

  /** Adds an entry to the error log; the oldest one goes when it is full. */
  report(error: ErrorReport): void {
    this.errorCount++;
    this.errors.unshift(encode(errorEntry, errorEntryBytes, { ...error, count: this.errorCount }));
    this.errors.length = Math.min(this.errors.length, errorEntries);
  }

  errorLog(): Uint8Array {
    const log = new Uint8Array(errorEntries * errorEntryBytes);
    for (const [i, entry] of this.errors.entries()) log.set(entry, i * errorEntryBytes);
    return log;
  }

  /** `hot` says that a temperature is beyond its threshold. */
  healthLog(hot: boolean): Uint8Array {
    const { bytesRead, bytesWritten, reads, writes, mediaErrors } = this.counts;
    const units = (bytes: bigint) => (bytes + unitBytes - 1n) / unitBytes;
    return encode(health, healthBytes, {
      criticalWarning: hot ? temperatureWarning : 0,
      temperature: this.temperature,
      spare: 100,
      spareThreshold: 10,
      dataRead: units(bytesRead),
      dataWritten: units(bytesWritten),
      readCommands: reads,
      writeCommands: writes,
      powerCycles: 1n,
      mediaErrors,
      errorEntries: this.errorCount,
      sensor1: this.temperature,
    });
  }
}
