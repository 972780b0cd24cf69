import { expect, test } from 'vitest';
import { lint } from '../../../scripts/test/lint.ts';
import { emitText, emitVerilog } from '../../src/emit/verilog.ts';
import {
  bool,
  checked,
  connect,
  elaborate,
  input,
  Module,
  match,
  memory,
  mux,
  output,
  reg,
  states,
  u,
  uint,
  vec,
  when,
  wire,
} from '../../src/index.ts';

const Phase = states('Idle', 'Run', 'Stop');
const Speed = states('Stop', 'Slow', 'Fast');

class Motor extends Module {
  readonly speed = input(Speed);
  readonly turns = output(bool);

  protected override logic() {
    this.turns.set(this.speed.is('Stop').not());
  }
}

/** Two enumerations that have a name in common, compared, chosen, assigned and given to a child. */
class Control extends Module {
  readonly go = input(bool);
  readonly turns = output(bool);
  private readonly phase = reg(Phase, { init: 'Idle' });
  private readonly speed = reg(Speed, { init: 'Stop' });
  private readonly motor = new Motor();

  protected override logic() {
    connect(this.motor, { speed: mux(this.phase.is('Run'), this.speed, Speed.Stop) });
    this.turns.set(this.motor.turns);
    match(Phase, this.phase, {
      Idle: () => when(this.go, () => this.phase.set('Run')),
      Run: () => {
        this.speed.set(mux(this.go, Speed.Fast, Speed.Slow));
        when(this.go.not(), () => this.phase.set('Stop'));
      },
      Stop: () => this.phase.set('Idle'),
    });
  }
}

const verilog = (make: () => Module) => emitText(checked(elaborate(make).design)).replace(/ \/\/ .*$/gm, '');
const body = (make: () => Module) => verilog(make).replace(/^[\s\S]*?\);\n/, '');

test('states have their names; those that two enumerations share have the signal’s before them', async () => {
  expect(verilog(() => new Control())).toMatchInlineSnapshot(`
    "module Motor (
      input [1:0] speed,
      output turns
    );
      localparam [1:0] Stop = 2'd0;
      assign turns = speed != Stop;
    endmodule

    module Control (
      input clk,
      input rst,
      input go,
      output turns
    );
      localparam [1:0] Idle = 2'd0, Run = 2'd1, Stop = 2'd2;
      localparam [1:0] speed_Stop = 2'd0, speed_Slow = 2'd1, speed_Fast = 2'd2;
      reg [1:0] phase;
      reg [1:0] speed;
      Motor motor (
        .speed((phase == Run) ? speed : speed_Stop),
        .turns(turns)
      );
      always @(posedge clk) begin
        case (phase)
          Idle: begin
            if (go) begin
              phase <= Run;
            end
          end
          Run: begin
            speed <= go ? speed_Fast : speed_Slow;
            if (~go) begin
              phase <= Stop;
            end
          end
          Stop: phase <= Idle;
          default: ;
        endcase
        if (rst) begin
          phase <= Idle;
          speed <= speed_Stop;
        end
      end
    endmodule
    "
  `);
  expect(await lint(emitVerilog(checked(elaborate(() => new Control()).design)), 'Control')).toBe('');
});

/** Four requests, of which the lowest is granted. */
class Lowest extends Module {
  readonly request = input(vec(4, bool));
  readonly enable = input(bool);
  readonly grant = output(vec(4, bool));
  readonly seen = output(vec(4, bool));

  protected override logic() {
    const wanted = this.request.map(request => request.and(this.enable));
    // The last is used first.
    wanted.toReversed().forEach((one, i) => {
      const earlier = wanted.slice(0, 3 - i).reduce((a, b) => a.or(b), this.enable.not());
      this.grant[3 - i]?.set(one.and(earlier.not()));
      this.seen[3 - i]?.set(one);
    });
  }
}

test('what a loop makes is numbered from 0 in the order of the loop, in whichever order it is used', () => {
  const text = body(() => new Lowest());
  for (const i of [0, 1, 2, 3]) expect(text).toContain(`wire wanted_${i} = request_${i} & enable;`);
});

/** A read of a memory beside what its cycle does otherwise; conditions inside conditions. */
class Cycle extends Module {
  readonly take = input(bool);
  readonly first = input(bool);
  readonly low = input(uint(4));
  readonly word = output(uint(8));
  readonly count = output(uint(4));
  readonly isolated = output(uint(4));
  readonly flag = output(bool);
  private readonly words = memory(uint(8), { depth: 16 });
  private readonly place = reg(uint(4), { init: 0 });
  private readonly marked = wire(bool);

  protected override logic() {
    this.word.set(this.words.read(this.place, this.take));
    when(this.take, () => this.place.set(this.place.add(1)));
    this.marked.set(0);
    when(this.take, () => {
      when(this.first, () => {
        when(this.low.eq(3), () => this.marked.set(1));
      });
    });
    this.count.set(mux(this.marked.not(), this.place.add(1), this.low));
    this.isolated.set(this.low.and(u(4, 0).sub(this.low)));
    this.flag.set(this.marked);
  }
}

test('one condition stands once; an if in an if is one; no negated choice; a minus is a minus', () => {
  expect(body(() => new Cycle())).toMatchInlineSnapshot(`
    "  reg [7:0] words [0:15];
      reg [3:0] place;
      reg marked;
      reg [7:0] words_word;
      assign word = words_word;
      always @* begin
        marked = 1'b0;
        if (take & first & (low == 4'd3)) begin
          marked = 1'b1;
        end
      end
      assign count = marked ? low : place + 4'd1;
      assign isolated = low & -low;
      assign flag = marked;
      wire [3:0] words_address = 4'd0;
      always @(posedge clk) begin
        if (take) begin
          words_word <= words[place];
          place <= place + 4'd1;
        end
        if (1'b0) begin
          words[words_address] <= 8'd0;
        end
        if (rst) begin
          place <= 4'd0;
        end
      end
    endmodule
    "
  `);
});
