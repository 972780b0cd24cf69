/** A UART, 8N1: enumerations, exhaustive `match`, streams, a synchroniser. Run with `npx tsx examples/uart.ts`. */
import { fileURLToPath } from 'node:url';
import {
  bool,
  cat,
  clog2,
  connect,
  emitText,
  input,
  Module,
  match,
  output,
  reg,
  simulate,
  states,
  stream,
  uint,
  when,
} from '@hdl/ts-hdl';

export interface UartOptions {
  /** Clock cycles of one bit, at least 4. */
  readonly cycles_per_bit: number;
}

const Phase = states('Idle', 'Start', 'Data', 'Stop');

/** Sends bytes, least significant bit first. `in.ready` is 1 between bytes; one byte takes ten bits of time. */
export class UartTransmitter extends Module<UartOptions> {
  readonly in = input(stream(uint(8)));
  readonly line = output(bool);
  private readonly phase = reg(Phase, { init: 'Idle' });
  private readonly shift = reg(uint(8));
  private readonly index = reg(uint(3), { init: 0 });
  private readonly timer = reg(uint(clog2(this.p.cycles_per_bit)), { init: 0 });

  protected override logic() {
    const last_cycle = this.timer.eq(this.p.cycles_per_bit - 1);
    this.in.ready.set(this.phase.is('Idle'));
    this.line.set(1);
    this.timer.set(this.timer.add(1));
    when(last_cycle, () => this.timer.set(0));

    match(Phase, this.phase, {
      Idle: () => {
        this.timer.set(0);
        when(this.in.valid, () => {
          this.shift.set(this.in.payload);
          this.phase.set('Start');
        });
      },
      Start: () => {
        this.line.set(0);
        when(last_cycle, () => this.phase.set('Data'));
      },
      Data: () => {
        this.line.set(this.shift.bit(0));
        when(last_cycle, () => {
          this.shift.set(this.shift.shr(1));
          this.index.set(this.index.add(1));
          when(this.index.eq(7), () => this.phase.set('Stop'));
        });
      },
      Stop: () => when(last_cycle, () => this.phase.set('Idle')),
    });
  }
}

/**
 * Receives bytes; samples in the middle of a bit. A byte that comes while the last one still waits is lost, and `overrun` says so for one cycle;
 * a stop bit that is 0 drops the byte.
 */
export class UartReceiver extends Module<UartOptions> {
  readonly line = input(bool, { domain: 'asynchronous' });
  readonly out = output(stream(uint(8)));
  readonly overrun = output(bool);
  /** The line is no output of our clock: two registers before anything looks at it. */
  private readonly line_early = reg(bool, { crossing: true });
  private readonly line_now = reg(bool);
  private readonly phase = reg(Phase, { init: 'Idle' });
  private readonly shift = reg(uint(8));
  private readonly index = reg(uint(3), { init: 0 });
  private readonly timer = reg(uint(clog2(this.p.cycles_per_bit)), { init: 0 });
  private readonly waiting = reg(bool, { init: 0 });
  private readonly held = reg(uint(8));

  protected override logic() {
    const { cycles_per_bit } = this.p;
    if (cycles_per_bit < 4)
      throw new RangeError(`a bit of ${cycles_per_bit} cycles has no middle after two registers: take at least 4`);
    const last_cycle = this.timer.eq(cycles_per_bit - 1);
    const middle = this.timer.eq(Math.floor(cycles_per_bit / 2));
    this.line_early.set(this.line);
    this.line_now.set(this.line_early);
    this.out.valid.set(this.waiting);
    this.out.put(this.held);
    this.overrun.set(0);
    this.timer.set(this.timer.add(1));
    when(last_cycle, () => this.timer.set(0));
    when(this.out.ready, () => this.waiting.set(0));

    match(Phase, this.phase, {
      Idle: () => {
        this.timer.set(0);
        when(this.line_now.not(), () => this.phase.set('Start'));
      },
      Start: () => {
        // A spike is no start bit.
        when(middle.and(this.line_now), () => this.phase.set('Idle')).elsewhen(last_cycle, () => this.phase.set('Data'));
      },
      Data: () => {
        when(middle, () => this.shift.set(cat(this.line_now, this.shift.bits(7, 1))));
        when(last_cycle, () => {
          this.index.set(this.index.add(1));
          when(this.index.eq(7), () => this.phase.set('Stop'));
        });
      },
      Stop: () =>
        when(middle, () => {
          this.phase.set('Idle');
          when(this.line_now, () => {
            this.overrun.set(this.waiting.and(this.out.ready.not()));
            this.held.set(this.shift);
            this.waiting.set(1);
          });
        }),
    });
  }
}

/** Both, with the line between them. */
export class UartLoop extends Module<UartOptions> {
  readonly in = input(stream(uint(8)));
  readonly out = output(stream(uint(8)));
  readonly overrun = output(bool);
  private readonly transmitter = new UartTransmitter(this.p);
  private readonly receiver = new UartReceiver(this.p);

  protected override logic() {
    connect(this.transmitter, { in: this.in });
    connect(this.receiver, { line: this.transmitter.line });
    this.out.from(this.receiver.out);
    this.overrun.set(this.receiver.overrun);
  }
}

/** Sends a text through the loop. @returns what arrives. */
export function echo(text: string, cycles_per_bit: number): string {
  using sim = simulate(() => new UartLoop({ cycles_per_bit }));
  const { in: bytes, out } = sim.dut;
  let received = '';
  sim.poke(out.ready, 1);
  for (const byte of Buffer.from(text, 'latin1')) {
    sim.poke(bytes.payload, byte);
    sim.poke(bytes.valid, 1);
    while (sim.peek(bytes.ready) === 0n) sim.step();
    sim.step();
    sim.poke(bytes.valid, 0);
    for (let cycle = 0; sim.peek(out.valid) === 0n && cycle < 12 * cycles_per_bit; cycle++) sim.step();
    received += String.fromCharCode(Number(sim.peek(out.payload)));
    sim.step();
  }
  return received;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  using sim = simulate(() => new UartTransmitter({ cycles_per_bit: 16 }));
  console.log(emitText(sim.design));
  console.log(`through the line: ${echo('hello, hardware', 16)}`);
}
