import { arbiterProperties } from './properties-of-arbiters.ts';
import { blockProperties } from './properties-of-blocks.ts';
import { crossingProperties } from './properties-of-crossings.ts';
import { streamProperties } from './properties-of-streams.ts';
import type { Property } from './property.ts';

/** What holds for the cells, on any engine. */
export const properties: readonly Property[] = [
  ...streamProperties,
  ...arbiterProperties,
  ...blockProperties,
  ...crossingProperties,
];
