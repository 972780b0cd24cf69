import { type DirectionSnapshot, type LinkSnapshot, measureDirection } from '@hdl/testbench';
import type { LinkReport } from './schema.ts';

/** What link counters say, as reports have it: each link down and up. */
export const linkReports = (links: readonly LinkSnapshot[], clockHz: number): LinkReport[] =>
  links.flatMap(({ link, down, up }) => [oneWay(link, 'down', down, clockHz), oneWay(link, 'up', up, clockHz)]);

function oneWay(link: string, direction: 'down' | 'up', c: DirectionSnapshot, clockHz: number): LinkReport {
  const { busyCycles, gbps, share } = measureDirection(c, clockHz);
  return {
    link,
    direction,
    tlps: { posted: c.posted, non_posted: c.non_posted, completion: c.completions },
    data_bytes: c.data_bytes,
    other_bytes: c.other_bytes,
    data_beats: c.data_beats,
    busy_cycles: busyCycles,
    data_gbps: gbps,
    share,
  };
}
