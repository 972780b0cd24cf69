import { encode } from '../../../layout.ts';
import { type EventType, event } from '../../../nvme/features.ts';
import type { Command } from './command.ts';

/** An asynchronous event: its type, what happened, and the log page that tells more (NVMe 1.4 section 5.2). */
export interface AsynchronousEvent {
  readonly type: (typeof EventType)[keyof typeof EventType];
  readonly information: number;
  readonly page: number;
}

/**
 * Asynchronous events and the requests that wait for them. After an event of a type was told, further ones of the type wait until the host has read the log
 * page.
 */
export class Events {
  private readonly requests: Command[] = [];
  private readonly pending: AsynchronousEvent[] = [];
  private readonly masked: AsynchronousEvent[] = [];
  private readonly complete: (request: Command, result: number) => void;

  constructor(complete: (request: Command, result: number) => void) {
    this.complete = complete;
  }

  /** Requests that wait. */
  get waiting(): number {
    return this.requests.length;
  }

  /** Something happened. The same event is told once, even if it happens often before it is told. */
  raise(happened: AsynchronousEvent): void {
    const same = this.pending.some(other => other.type === happened.type && other.information === happened.information);
    if (!same) this.pending.push(happened);
    this.deliver();
  }

  /** The host asks for the next event. */
  request(command: Command): void {
    this.requests.push(command);
    this.deliver();
  }

  /** The host has read a log page: types that were told with it may be told again. */
  cleared(page: number): void {
    for (let i = this.masked.length - 1; i >= 0; i--) if (this.masked[i]?.page === page) this.masked.splice(i, 1);
    this.deliver();
  }

  /** Takes a request back. @returns whether it waited. */
  cancel(command: Command): boolean {
    const index = this.requests.indexOf(command);
    if (index < 0) return false;
    this.requests.splice(index, 1);
    return true;
  }

  private deliver(): void {
    while (this.requests.length > 0) {
      const index = this.pending.findIndex(each => !this.masked.some(other => other.type === each.type));
      const [next] = index < 0 ? [] : this.pending.splice(index, 1);
      if (!next) return;
      this.masked.push(next);
      const request = this.requests.shift();
      if (request) this.complete(request, new DataView(encode(event, 4, next).buffer).getUint32(0, true));
    }
  }
}
