/** Egresses of the crossbar of a switch: its ports by their numbers, the agent, and with multicast one for copies from above and one for those from below. */
interface Ports {
  /** Downstream ports. */
  readonly ports: number;
  readonly multicast: boolean;
}

export const agentEgress = ({ ports }: Ports): number => ports + 1;

/** What is to be copied goes there: from above and from below apart, so that neither waits for the other. */
export const casterEgress = ({ ports }: Ports, direction: 'upstream' | 'downstream'): number =>
  direction === 'upstream' ? ports + 2 : ports + 3;

export const egressesOf = ({ ports, multicast }: Ports): number => ports + (multicast ? 4 : 2);
