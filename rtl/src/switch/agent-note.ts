import { type Bool, cat, type UInt } from '@hdl/ts-hdl';

/**
 * What an ingress tells the agent of a non-posted request: it stands in lane 1 of the first beat. The agent needs at most the first DW of the payload, in
 * lane 0.
 */
export interface Note {
  /** The port that the request came in by. */
  readonly port: UInt<6>;
  /** An access of one of the switch's own configuration spaces; else the request is answered with `status`. */
  readonly access: Bool;
  readonly status: UInt<3>;
}

/** The data of the first beat with the note, which takes the place of what the agent does not look at. */
export function note(width: number, { data, port, access, status }: Note & { readonly data: UInt<number> }): UInt<number> {
  const said = cat(status, access, port);
  const behind = 32 + said.width;
  return cat(data.part(behind, width - behind), said, data.trunc(32));
}

export function noteOf(data: UInt<number>): Note {
  return { port: data.part(32, 6), access: data.bit(38), status: data.part(39, 3) };
}
