import { parseJobFile } from '@hdl/firmware/host';
import { linkLimit } from '@hdl/testbench';
import Table from 'cli-table3';
import { width } from '../emit.ts';
import { engineByName } from '../engines.ts';
import { UsageError } from '../errors.ts';
import type { GroupReport, TargetReport } from '../report/target-schema.ts';
import { runTarget, targetTopology } from '../target-run.ts';

/** Drives behind one network card that are measured. */
export const driveCounts = [1, 2, 4, 8] as const;

/** How fast drives behind one network card are together. Cycles of the model: the same on every machine and engine. */
export interface DrivesFigure {
  readonly drives: number;
  /** Where the data is on its way: a setting of `TargetRun`. */
  readonly setting: string;
  readonly rw: 'write' | 'read';
  /** Bytes of a command. */
  readonly bs: number;
  /** Commands of each drive under way. */
  readonly iodepth: number;
  /** Bytes of all drives together. */
  readonly bytes: number;
  /** At the remote host, from the first command to the last answer, in 10^9 bytes/s. */
  readonly gbps: number;
  /** What the card's link could carry if it did nothing else: see `limitOf`. */
  readonly limit_gbps: number;
  /** Beats of data per cycle of the card's link in the direction of the data, from its first beat of data to its last. */
  readonly share: number;
  /** User data on the root link. */
  readonly root_bytes: number;
}

/** What is measured: for each number of drives, for both directions, and with the data in the card's memory and in the drives' own. */
export interface DrivesLoad {
  readonly drives: readonly number[];
  /** Bytes of a command, and of all drives together in each direction. */
  readonly bs: number;
  readonly bytes: number;
}

const clockHz = 250e6;
const settings = ['nic0', 'own'] as const;
/** Commands under way in all: some more than the stages through which they go. */
const commands = 8;

/** @throws UsageError for a number of drives that is not measured. */
export function drivesOf(wanted: string | undefined): readonly number[] {
  if (wanted === undefined) return driveCounts;
  return wanted.split(',').map(text => {
    const known = driveCounts.find(count => `${count}` === text);
    if (known === undefined)
      throw new UsageError(`${text} drives are not measured: choose ${driveCounts.join(', ')}, with commas between them.`);
    return known;
  });
}

/** `npm run bench -- --only drives`: writes each drive and reads it back, all drives at once, every block compared. */
export async function measureDrives(load: DrivesLoad, log: (line: string) => void): Promise<readonly DrivesFigure[]> {
  const figures: DrivesFigure[] = [];
  for (const drives of load.drives) {
    log(`${drives} drives behind one network card`);
    figures.push(...(await measure(drives, load)));
  }
  return figures;
}

async function measure(drives: number, { bs, bytes }: DrivesLoad): Promise<DrivesFigure[]> {
  const iodepth = Math.max(2, commands / drives);
  const size = Math.floor(bytes / drives / bs) * bs;
  const job = `[global]\nbs=${bs}\niodepth=${iodepth}\nsize=${size}\n[write]\nrw=write\n[read]\nstonewall\nrw=read\n`;
  // Room for all commands that are under way, in the card and in each drive.
  const memory = 2 ** Math.ceil(Math.log2(bs * iodepth + 4096));
  const report = await runTarget({
    jobs: parseJobFile(job, 'drives.fio'),
    jobFile: 'drives.fio',
    topology: targetTopology(drives, { nic: memory * drives, drive: memory }),
    engine: engineByName('embedded'),
    clockHz,
    width,
    settings,
    driveBytes: size,
  });
  return report.settings.flatMap(({ p2pmem, groups, wrong_blocks: wrong }) => {
    if (wrong > 0) throw new Error(`${wrong} blocks are wrong with ${drives} drives and the data in memory of ${p2pmem}`);
    return groups.flatMap(group => figureOf(report, p2pmem, group, drives));
  });
}

function figureOf(report: TargetReport, setting: string, group: GroupReport, drives: number): DrivesFigure[] {
  const [job] = group.jobs;
  const rw = job?.rw;
  if (!job || (rw !== 'read' && rw !== 'write')) return [];
  const link = group.links.find(each => each.link === report.nic && each.direction === (rw === 'write' ? 'up' : 'down'));
  if (!link) return [];
  const { bs, iodepth, bytes, gbps } = job;
  const limit_gbps = limitOf(link.data_beats, link.tlps, report);
  return [{ drives, setting, rw, bs, iodepth, bytes, gbps, limit_gbps, share: link.share, root_bytes: group.root_data_bytes }];
}

/**
 * The share of the link's beats that data can have. A header takes no beat of its own, so data in packets of MPS bytes, whole beats, goes at `width / 8` bytes per cycle;
 * every other TLP in its direction, requests, completion entries, interrupts and doorbells, takes the place of a beat of data.
 */
function limitOf(
  dataBeats: number,
  tlps: { readonly posted: number; readonly non_posted: number; readonly completion: number },
  { max_payload: payload, clock_hz: clock, width: bits }: TargetReport,
): number {
  const all = tlps.posted + tlps.non_posted + tlps.completion;
  const others = Math.max(0, all - dataBeats / (payload / (bits / 8)));
  return (linkLimit({ clockHz: clock, width: bits }) * dataBeats) / (dataBeats + others);
}

/** @returns the table that docs/performance.md shows. */
export function drivesTable(figures: readonly DrivesFigure[]): string {
  const table = new Table({
    head: ['drives', 'data in memory of', 'rw', 'bs', 'depth', 'GB/s', 'limit', 'of it', 'link busy', 'data on the root link'],
    colAligns: ['right', 'left', 'left', 'right', 'right', 'right', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  });
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  for (const f of figures)
    table.push([
      f.drives,
      f.setting === 'own' ? 'the drives' : 'the card',
      f.rw,
      `${f.bs / 1024}k`,
      f.iodepth,
      f.gbps.toFixed(2),
      f.limit_gbps.toFixed(2),
      percent(f.gbps / f.limit_gbps),
      percent(f.share),
      f.root_bytes.toLocaleString('en-US'),
    ]);
  return table.toString();
}
