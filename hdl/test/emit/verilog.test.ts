import { expect, test } from 'vitest';
import { emitText, emitVerilog } from '../../src/emit/verilog.ts';
import { elaborate, input, log, Module, uint, when } from '../../src/index.ts';
import { checks, shareModules } from '../../src/passes/index.ts';
import { randomDesign } from '../random-design.ts';
import { Chain, Counter, Decoder, Gate, Machine, Memories, Parent } from './modules.ts';

function verilog(make: () => Module<never> | Module<unknown>): string {
  const design = shareModules(elaborate(make).design);
  expect(checks.flatMap(check => check(design)).filter(d => d.severity === 'error')).toEqual([]);
  return emitText(design);
}

test('a counter', () => {
  expect(verilog(() => new Counter({ width: 4 }))).toMatchInlineSnapshot(`
    "module Counter ( // modules.ts:21
      input clk,
      input rst,
      input en,
      output [3:0] count
    );
      reg [3:0] value; // modules.ts:24
      assign count = value; // modules.ts:28
      always @(posedge clk) begin
        if (en) begin
          value <= value + 4'd1; // modules.ts:27
        end
        if (rst) begin
          value <= 4'd0;
        end
      end
    endmodule
    "
  `);
});

test('a state machine: states as localparams, a default for the encoding that no state has', () => {
  expect(verilog(() => new Machine())).toMatchInlineSnapshot(`
    "module Machine ( // modules.ts:35
      input clk,
      input rst,
      input go,
      input empty,
      output reg busy
    );
      localparam [1:0] Idle = 2'd0, Run = 2'd1, Drain = 2'd2;
      reg [1:0] phase; // modules.ts:39
      always @* begin
        busy = 1'b0;
        case (phase)
          Idle: busy = 1'b0; // modules.ts:44
          Run: busy = 1'b1; // modules.ts:48
          Drain: busy = ~empty; // modules.ts:52
          default: ;
        endcase
      end
      always @(posedge clk) begin
        case (phase)
          Idle: begin
            if (go) begin
              phase <= Run; // modules.ts:45
            end
          end
          Run: phase <= Drain; // modules.ts:49
          Drain: begin
            if (empty) begin
              phase <= Idle; // modules.ts:53
            end else begin
              phase <= Run; // modules.ts:53
            end
          end
          default: ;
        endcase
        if (rst) begin
          phase <= Idle;
        end
      end
    endmodule
    "
  `);
});

test('a when that drives both directions of a handshake is split, signals with the same inputs stay together', () => {
  expect(verilog(() => new Gate())).toMatchInlineSnapshot(`
    "module Gate ( // modules.ts:60
      input open,
      input [7:0] in_payload,
      input in_valid,
      output reg in_ready,
      output [7:0] out_payload,
      output reg out_valid,
      input out_ready,
      output reg [1:0] level,
      output reg [1:0] copy
    );
      always @* begin
        out_valid = 1'b0; // modules.ts:68
        if (open) begin
          out_valid = in_valid; // modules.ts:74
        end
      end
      always @* begin
        in_ready = 1'b0; // modules.ts:69
        if (open) begin
          in_ready = out_ready; // modules.ts:75
        end
      end
      assign out_payload = in_payload; // modules.ts:70
      always @* begin
        level = 2'd0; // modules.ts:71
        copy = 2'd3; // modules.ts:72
        if (open) begin
          level = 2'd1; // modules.ts:76
          copy = 2'd2; // modules.ts:77
        end
      end
    endmodule
    "
  `);
});

test('a when whose values depend on each other is split; always @* reads no memory', () => {
  expect(verilog(() => new Chain())).toMatchInlineSnapshot(`
    "module Chain ( // modules.ts:158
      input clk,
      input go,
      input [1:0] address,
      output reg [7:0] first,
      output reg [7:0] second
    );
      reg [7:0] words [0:3]; // modules.ts:163
      wire [7:0] words_word = words[address]; // modules.ts:170
      always @* begin
        first = {6'd0, address}; // modules.ts:167
        if (go) begin
          first = words_word; // modules.ts:170
        end
      end
      always @* begin
        second = 8'd0; // modules.ts:168
        if (go) begin
          second = first + 8'd1; // modules.ts:171
        end
      end
      always @(posedge clk) begin
        words[address] <= second; // modules.ts:166
      end
    endmodule
    "
  `);
});

test('memories: lanes, guards, a driver for one that hardware never writes', () => {
  expect(verilog(() => new Memories())).toMatchInlineSnapshot(`
    "module Memories ( // modules.ts:83
      input clk,
      input [3:0] address,
      input [31:0] data,
      input [3:0] mask,
      input write,
      output [31:0] word,
      output [7:0] picked,
      output [7:0] script
    );
      (* ram_style = "block", no_rw_check *)
      reg [31:0] ram [0:15]; // modules.ts:91
      (* ram_style = "distributed" *)
      reg [7:0] lookup [0:9]; // modules.ts:92
      reg [7:0] ring [0:15]; // modules.ts:93
      reg [31:0] ram_word; // modules.ts:100
      integer lane;
      assign word = ram_word; // modules.ts:100
      assign picked = (address < 4'd10) ? lookup[address] : 8'd0; // modules.ts:101
      assign script = ring[address]; // modules.ts:102
      wire [3:0] ring_address = 4'd0; // modules.ts:93
      always @(posedge clk) begin
        if (write) begin
          for (lane = 0; lane < 4; lane = lane + 1) begin
            if (mask[lane]) begin
              ram[address][lane * 8 +: 8] <= data[lane * 8 +: 8]; // modules.ts:97
            end
          end
          if (address < 4'd10) begin
            lookup[address] <= data[7:0]; // modules.ts:98
          end
        end
        if (~write) begin
          ram_word <= ram[address]; // modules.ts:100
        end
        if (1'b0) begin // never: hardware does not write it
          ring[ring_address] <= 8'd0; // modules.ts:93
        end
      end
    endmodule
    "
  `);
});

test('children: variants of a class, direct connections, names from the source, what nobody reads', () => {
  expect(verilog(() => new Parent())).toMatchInlineSnapshot(`
    "module Counter ( // modules.ts:21
      input clk,
      input rst,
      input en,
      output [3:0] count
    );
      reg [3:0] value; // modules.ts:24
      assign count = value; // modules.ts:28
      always @(posedge clk) begin
        if (en) begin
          value <= value + 4'd1; // modules.ts:27
        end
        if (rst) begin
          value <= 4'd0;
        end
      end
    endmodule

    module Counter_2 ( // modules.ts:21
      input clk,
      input rst,
      input en,
      output [15:0] count
    );
      reg [15:0] value; // modules.ts:24
      assign count = value; // modules.ts:28
      always @(posedge clk) begin
        if (en) begin
          value <= value + 16'd1; // modules.ts:27
        end
        if (rst) begin
          value <= 16'd0;
        end
      end
    endmodule

    module Parent ( // modules.ts:107
      input clk,
      input rst,
      input [7:0] a,
      input [7:0] b,
      input [7:0] unused_input,
      output [3:0] total,
      output over,
      output [3:0] low
    );
      wire [15:0] second_count;
      wire [7:0] sum = a + b; // modules.ts:118
      assign over = sum >= (b ^ a); // modules.ts:122
      assign low = a[0] ? sum[3:0] : unused_input[5:2]; // modules.ts:123
      Counter first ( // modules.ts:114
        .clk(clk),
        .rst(rst),
        .en(sum == 8'd7),
        .count(total)
      );
      Counter_2 second ( // modules.ts:115
        .clk(clk),
        .rst(rst),
        .en((sum < a) & (|b)),
        .count(second_count)
      );
      wire _unused = &{1'b0, unused_input[7:6], unused_input[1:0], second_count};
    endmodule
    "
  `);
});

test('a decode in a combinational block', () => {
  expect(verilog(() => new Decoder())).toMatchInlineSnapshot(`
    "module Decoder ( // modules.ts:128
      input [3:0] opcode,
      input [7:0] operand,
      output reg [7:0] result,
      output reg valid
    );
      wire [7:0] kept; // modules.ts:133
      assign kept = {operand[3:0], operand[7:4]}; // modules.ts:137
      always @* begin
        valid = 1'b1; // modules.ts:138
        result = operand; // modules.ts:139
        case (opcode)
          4'd1: result = kept; // modules.ts:143
          4'd2: result = ~operand; // modules.ts:144
          4'd12: begin
            if (&operand) begin
              valid = 1'b0; // modules.ts:148
            end else if (~|operand) begin
              result = 8'hff; // modules.ts:148
            end
          end
          default: valid = 1'b0; // modules.ts:152
        endcase
      end
    endmodule
    "
  `);
});

test('one file per module, children before parents', () => {
  const files = emitVerilog(shareModules(elaborate(() => new Parent()).design));
  expect(files.map(file => file.name)).toEqual(['Counter.v', 'Counter_2.v', 'Parent.v']);
  for (const { name, text } of files) expect(text).toMatch(new RegExp(`^module ${name.slice(0, -2)} `));
});

test('the same design gives the same bytes, random designs included', () => {
  const seeds = Array.from({ length: 20 }, (_, seed) => seed);
  const all = () => seeds.map(seed => emitText(shareModules(randomDesign(seed))));
  const first = all();
  all().forEach((text, seed) => {
    expect(text, `seed ${seed}`).toBe(first[seed]);
  });
});

test('no name is declared twice in a module, and all lines but unbreakable ones fit', () => {
  for (let seed = 0; seed < 40; seed++) {
    for (const { name, text } of emitVerilog(shareModules(randomDesign(seed)))) {
      const declared = [...text.matchAll(/^ {2}(?:input|output|wire|reg|integer)(?: reg)? (?:\[\d+:0\] )?(\w+)/gm)].map(
        m => m[1],
      );
      expect(new Set(declared).size, `seed ${seed}, ${name}`).toBe(declared.length);
      const long = text.split('\n').filter(line => line.replace(/ \/\/.*/, '').length > 130);
      expect(long, `seed ${seed}, ${name}`).toEqual([]);
    }
  }
});

test('a long message is one token: no line ends inside it', () => {
  class Talks extends Module {
    readonly value = input(uint(8));
    protected override logic() {
      when(
        this.value.any(),
        () =>
          log`the value, as it came in by the port, and not what was made of it later on in another place = ${this.value}, it is`,
      );
    }
  }
  const text = verilog(() => new Talks());
  expect(text).toContain(
    '"the value, as it came in by the port, and not what was made of it later on in another place = %0d, it is"',
  );
});
