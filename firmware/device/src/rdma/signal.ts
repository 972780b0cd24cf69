/** Wakes the one task that waits for something to do. A wake that finds it awake is kept for its next wait, so none is lost. */
export class Signal {
  private raised = false;
  private waiter: (() => void) | undefined;

  raise(): void {
    const { waiter } = this;
    this.waiter = undefined;
    if (waiter) waiter();
    else this.raised = true;
  }

  wait(): Promise<void> {
    if (this.raised) {
      this.raised = false;
      return Promise.resolve();
    }
    return new Promise(resolve => {
      this.waiter = resolve;
    });
  }
}

/** Tasks of somebody who waits for all of them when it ends. */
export class Tasks {
  private readonly running = new Set<Promise<void>>();
  private readonly spawner: (task: () => Promise<unknown>) => void;

  /** `spawner` starts a task beside its caller. */
  constructor(spawner: (task: () => Promise<unknown>) => void) {
    this.spawner = spawner;
  }

  spawn(work: () => Promise<void>): void {
    void this.run(work);
  }

  /** Resolves when the task has ended, well or not. */
  run(work: () => Promise<void>): Promise<void> {
    const task = new Promise<void>(resolve => {
      this.spawner(() => work().finally(resolve));
    }).finally(() => this.running.delete(task));
    this.running.add(task);
    return task;
  }

  /** Resolves when none runs. */
  async ended(): Promise<void> {
    while (this.running.size > 0) await Promise.all(this.running);
  }
}
